import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { planCollection, SourcesError } from '../../src/sources/index.ts'
import { collected, fast, freshAws } from './fresh-aws.ts'

const hub = { roleArn: 'arn:aws:iam::999988887777:role/Hub', externalId: 'of-the-hub' }
const spoke = { roleArn: 'arn:aws:iam::999988887777:role/Spoke', externalId: null }

function organization(groups = 2) {
  return buildOrganization({ seed: 3, accounts: 2, users: 20, groups, permissionSets: 1, iamUsers: 1 })
}

describe('roles on the way', () => {
  it('are assumed one from the other, and the configured role and those of the accounts from the last', async () => {
    const made = organization()
    const reader = { roleArn: `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`, externalId: 'of-the-reader' }
    const members = made.accounts.map(({ Id }) => ({ roleArn: `arn:aws:iam::${Id}:role/Member`, externalId: 'of-members' }))
    await using fresh = await freshAws(made, {
      simulator: { trust: [hub, spoke, reader, ...members] },
      source: { auth: { ...reader, via: [hub, spoke] }, iam: { roleName: 'Member', externalId: 'of-members', accounts: null } },
    })
    const found = await collected(fresh)
    expect([...found.parts.values()].filter(part => part.end?.coverage === 'denied')).to.deep.equal([])
    expect(found.rows('iam.users').size).to.equal(made.accounts.length)
    const assumed = fresh.simulator.calls.filter(call => call.operation === 'AssumeRole')
    const callerOf = (roleArn: string) => [
      ...new Set(assumed.filter(call => call.input.RoleArn === roleArn).map(call => call.caller?.split('/')[1])),
    ]
    expect(callerOf(hub.roleArn)).to.deep.equal(['collector'])
    expect(callerOf(spoke.roleArn)).to.deep.equal(['Hub'])
    for (const { roleArn } of [reader, ...members]) expect(callerOf(roleArn)).to.deep.equal(['Spoke'])
    expect(assumed.filter(call => call.input.RoleArn === hub.roleArn)).to.have.length(1)
  })

  it('are renewed before they end, with everything that was assumed from them', async () => {
    const made = organization(500)
    const reader = { roleArn: `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`, externalId: null }
    const trust = [
      { ...hub, sessionSeconds: 2 },
      { ...reader, sessionSeconds: 2 },
    ]
    await using fresh = await freshAws(made, {
      simulator: { trust, latencyMs: 40 },
      source: { auth: { ...reader, via: [hub] }, rateLimits: { ...fast, identitystore: 120 } },
    })
    const found = await collected(fresh)
    expect([...found.parts.values()].filter(part => /denied|incomplete/.test(part.end?.coverage ?? 'denied'))).to.deep.equal([])
    const assumed = fresh.simulator.calls.filter(call => call.operation === 'AssumeRole')
    for (const { roleArn } of [hub, reader])
      expect(assumed.filter(call => call.input.RoleArn === roleArn).length, roleArn).to.be.greaterThan(1)
  })

  it('are named when one of them is refused', async () => {
    const made = organization()
    const reader = { roleArn: `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`, externalId: null }
    await using fresh = await freshAws(made, {
      simulator: { trust: [hub, reader] },
      source: { auth: { ...reader, via: [hub, spoke] } },
    })
    const refused = await planCollection(fresh.aws, fresh.source, {}).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(SourcesError).and.include({ code: 'ROLE_REFUSED' })
    expect((refused as SourcesError).message)
      .to.include(spoke.roleArn)
      .and.include(reader.roleArn)
    expect((refused as SourcesError).hint).to.include('auth.via')
  })
})
