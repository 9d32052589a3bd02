import { expect } from 'chai'
import { buildOrganization, type SimulatedOrganization } from '../../src/simulator/index.ts'
import { collect, planCollection } from '../../src/sources/index.ts'
import { type FreshAws, freshAws, staged } from './fresh-aws.ts'

const roleName = 'EvidencedIamReader'
const shape = { seed: 17, users: 2, groups: 1, permissionSets: 1, iamUsers: 3 }

async function freshIam(organization: SimulatedOrganization, pageSize = 1000): Promise<FreshAws> {
  const trust = organization.accounts.map(({ Id }) => ({ roleArn: `arn:aws:iam::${Id}:role/${roleName}`, externalId: null }))
  return freshAws(organization, {
    simulator: { pageSize, trust },
    source: { iam: { roleName, externalId: null, accounts: null } },
  })
}

/** Collects with what an earlier run knows of each account's users. */
async function collectedAfter(fresh: FreshAws, before: { readonly [name: string]: number }) {
  const plan = await planCollection(fresh.aws, fresh.source, {}, before)
  const batches = []
  for await (const batch of collect(fresh.aws, fresh.source, plan, new Set())) batches.push(batch)
  return staged(plan, batches)
}

function usersBefore(organization: SimulatedOrganization): { readonly [name: string]: number } {
  const active = organization.accounts.filter(account => account.State === 'ACTIVE')
  return Object.fromEntries(active.map(({ Id }) => [`iam.users ${Id}`, organization.iam[Id]!.users.length]))
}

describe('IAM users of many accounts, each with few', () => {
  it('are doubted in sum: listed again, and open where they are fewer twice', async () => {
    const organization = buildOrganization({ ...shape, accounts: 9 })
    const before = usersBefore(organization)
    const active = Object.keys(before).map(name => name.split(' ')[1]!)
    const halved = active.slice(0, 5)
    for (const id of halved) organization.iam[id]!.users = organization.iam[id]!.users.slice(0, 1)
    await using fresh = await freshIam(organization)
    const found = await collectedAfter(fresh, before)
    for (const id of active) {
      const { end } = found.part('iam.users', '', id)
      expect(end.coverage, id).to.equal(halved.includes(id) ? 'incomplete' : 'complete')
      if (halved.includes(id)) expect(end.gaps[0]).to.include({ reason: 'unconfirmed_drop' })
    }
    const lists = fresh.simulator.calls.filter(call => call.service === 'iam' && call.operation === 'ListUsers')
    expect(lists).to.have.length(active.length + halved.length)
  })

  it('are believed when few of all are gone, and when the second list is whole', async () => {
    const organization = buildOrganization({ ...shape, accounts: 9 })
    const before = usersBefore(organization)
    const [emptied, ...others] = Object.keys(before).map(name => name.split(' ')[1]!)
    organization.iam[emptied!]!.users = []
    await using fresh = await freshIam(organization)
    const few = await collectedAfter(fresh, before)
    expect([...few.parts.values()].filter(part => part.end?.coverage === 'incomplete')).to.deep.equal([])

    const all = others.map(id => ({ account: organization.iam[id]!, users: organization.iam[id]!.users }))
    for (const { account } of all) account.users = []
    let lists = 0
    fresh.simulator.hook('iam:ListUsers', () => {
      if (++lists > 1 + others.length) for (const { account, users } of all) account.users = users
    })
    const whole = await collectedAfter(fresh, before)
    for (const id of others) {
      const { end, rows } = whole.part('iam.users', '', id)
      expect([rows.size, end.coverage], id).to.deep.equal([before[`iam.users ${id}`], 'complete'])
    }
  })
})

describe('an account that is closed while its IAM is read', () => {
  async function refusedInMidRead(isClosed: boolean, isAfterAPage = false) {
    const organization = buildOrganization({ ...shape, accounts: 4 })
    const [, closed] = organization.accounts.filter(account => account.State === 'ACTIVE')
    const { users } = organization.iam[closed!.Id]!
    for (const user of users) Object.assign(user, { UserName: `closed-${user.UserName}`, Arn: user.Arn.replace('/', '/closed-') })
    if (isAfterAPage)
      for (const [i, user] of users.entries())
        user.mfaDevices = ['one', 'other'].map(name => ({
          SerialNumber: `arn:aws:iam::${closed!.Id}:mfa/${name}-${i}`,
          EnableDate: user.CreateDate,
        }))
    await using fresh = await freshIam(organization, isAfterAPage ? 1 : undefined)
    const { simulator } = fresh
    simulator.hook('ListAccessKeys', input => {
      if (!String(input.UserName).startsWith('closed-')) return
      if (isClosed) closed!.State = 'CLOSED'
      const isRefused = (asked: object & { readonly UserName?: unknown }) =>
        String(asked.UserName).startsWith('closed-') && (!isAfterAPage || 'Marker' in asked)
      simulator.deny('iam:ListMFADevices', isRefused)
      if (isClosed) simulator.trust({ roleArn: `arn:aws:iam::${closed!.Id}:role/${roleName}`, externalId: 'nobody knows' })
    })
    const found = await collectedAfter(fresh, {})
    return { users, part: (dataset: string, parent = '') => found.part(dataset, parent, closed!.Id) }
  }

  it('is not applicable from then on, with its State for a proof; what was read before stays', async () => {
    const { users, part } = await refusedInMidRead(true)
    expect(part('iam.users').end.coverage).to.equal('complete')
    for (const user of users) {
      const { end } = part('iam.mfa_devices', user.Arn)
      expect(end).to.include({ coverage: 'not_applicable' })
      expect(end.reason).to.include('State CLOSED now')
      expect(end.gaps).to.deep.equal([])
    }
  })

  it('keeps the pages of a list that were read before it was closed', async () => {
    const { users, part } = await refusedInMidRead(true, true)
    for (const user of users) {
      const { end, rows } = part('iam.mfa_devices', user.Arn)
      expect([end.coverage, ...rows.keys()]).to.deep.equal(['not_applicable', `${user.Arn}|${user.mfaDevices[0]!.SerialNumber}`])
    }
  })

  it('is told from one whose role is refused an action: that stays denied, by its name', async () => {
    const { users, part } = await refusedInMidRead(false)
    for (const user of users) {
      const { end } = part('iam.mfa_devices', user.Arn)
      expect(end).to.include({ coverage: 'denied' })
      expect(end.gaps[0]).to.include({ action: 'iam:ListMFADevices' })
    }
  })
})
