import { expect } from 'chai'
import { silent } from '../../src/log.ts'
import { runCollection } from '../../src/pipeline/index.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { readEstate } from '../../src/store/index.ts'
import { freshStore } from '../store/fresh-store.ts'
import { collected, freshAws } from './fresh-aws.ts'

const half = 'half a \ud83d'
const shape = { seed: 5, accounts: 3, users: 6, groups: 2, permissionSets: 1, iamUsers: 1 }

describe('text that cannot be kept', function () {
  this.timeout(60_000)

  it('is a gap of one member of one row, and the rest of the list is complete', async () => {
    const organization = buildOrganization(shape)
    const [, spoilt] = organization.users
    spoilt!.DisplayName = half
    spoilt!.Name = { GivenName: half, FamilyName: 'whole' }
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    const { rows, end } = found.part('identitystore.users', '')
    expect(end.coverage).to.equal('complete')
    expect(rows.size).to.equal(organization.users.length)
    const facts = rows.get(spoilt!.UserId) as Record<string, unknown>
    expect(facts).to.include({ UserName: spoilt!.UserName }).and.not.have.any.keys('DisplayName', 'Name')
    const gaps = end.gaps.filter(gap => gap.reason === 'invalid_answer')
    expect(gaps.map(gap => [gap.key, gap.member, gap.action])).to.have.deep.members([
      [spoilt!.UserId, 'DisplayName', null],
      [spoilt!.UserId, 'Name', null],
    ])
    expect(fresh.simulator.calls.filter(call => call.operation === 'ListUsers')).to.have.length(1)
  })

  it('leaves the list open when it is the name of a row', async () => {
    const organization = buildOrganization(shape)
    organization.users[0]!.UserId = half
    organization.users[1]!.UserId = 'with\0nul'
    await using fresh = await freshAws(organization)
    const { rows, end } = (await collected(fresh)).part('identitystore.users', '')
    expect(end.coverage).to.equal('incomplete')
    expect(end.reason).to.include('2 rows whose identifier is no text')
    expect(rows.size).to.equal(organization.users.length - 2)
  })

  it('is found in IAM too, where it comes as a character reference', async () => {
    const organization = buildOrganization({ ...shape, accounts: 1 })
    const { Id } = organization.accounts[0]!
    const [user] = organization.iam[Id]!.users
    user!.Tags = [{ Key: 'owner', Value: 'LONE' }]
    const roleArn = `arn:aws:iam::${Id}:role/Reader`
    await using fresh = await freshAws(organization, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { iam: { roleName: 'Reader', externalId: null, accounts: null } },
    })
    fresh.simulator.fault(
      'GetAccountAuthorizationDetails',
      { kind: 'replace', text: 'LONE', by: '&#xD83D;' },
      Number.POSITIVE_INFINITY,
    )
    const { end, rows } = (await collected(fresh)).part('iam.user_details', '')
    expect(end.gaps.map(gap => [gap.key, gap.member, gap.reason])).to.deep.equal([[user!.Arn, 'Tags', 'invalid_answer']])
    expect(rows.get(user!.Arn)).to.include({ UserName: user!.UserName })
  })

  it('comes through to a sealed snapshot, which says what is not known', async () => {
    const organization = buildOrganization(shape)
    organization.users[1]!.DisplayName = half
    await using fresh = await freshAws(organization)
    await using store = await freshStore()
    const snapshot = await runCollection({ aws: fresh.aws, store, now: () => new Date(), log: silent }, fresh.source)
    const gap = snapshot.gaps.find(each => each.reason === 'invalid_answer')
    expect(gap).to.include({ dataset: 'identitystore.users', key: organization.users[1]!.UserId, member: 'DisplayName' })
    let users = 0
    for (const { resources } of (await readEstate(store, new Date())).sources)
      for await (const { dataset } of resources) if (dataset === 'identitystore.users') users++
    expect(users).to.equal(organization.users.length)
  })
})
