import { expect } from 'chai'
import { partKey } from '../../src/digest.ts'
import type { Counts } from '../../src/model.ts'
import { buildOrganization, emptyOrganization } from '../../src/simulator/index.ts'
import { planCollection } from '../../src/sources/index.ts'
import { collected, type FreshAws, freshAws } from './fresh-aws.ts'

const shape = { seed: 63, accounts: 3, users: 6, groups: 2, permissionSets: 2, pairs: 3, applications: 1, iamUsers: 0 }

/** What a collection says of a list, when earlier ones had seen so many rows. */
async function endsAfter(fresh: FreshAws, baseline: Counts = {}) {
  const plan = await planCollection(fresh.aws, fresh.source, {}, baseline)
  const found = await collected(fresh, { plan })
  return (dataset: string) => {
    const part = [...found.parts.values()].find(each => each.dataset === dataset)!
    const gap = part.end!.gaps.find(each => each.reason !== 'withheld')
    return { coverage: part.end!.coverage, reason: gap?.reason ?? null, message: gap?.message ?? '' }
  }
}

const lists = ({ simulator }: FreshAws, operation: string) =>
  simulator.calls.filter(call => call.operation === operation && !('NextToken' in call.input)).length

describe('an empty list', () => {
  it('of users beside an empty one of groups is listed again, and open until somebody confirms it', async () => {
    const organization = buildOrganization(shape)
    expect(organization.assignments).to.have.length.greaterThan(0)
    Object.assign(organization, { users: [], groups: [], memberships: [] })
    await using fresh = await freshAws(organization)
    const ends = await endsAfter(fresh)
    for (const dataset of ['identitystore.users', 'identitystore.groups'])
      expect(ends(dataset), dataset).to.include({ coverage: 'incomplete', reason: 'unconfirmed_empty' })
    expect(ends('identitystore.users').message).to.include('identitystore.groups').and.include('snapshots confirm acme')
    // who is in groups that nobody is let see is not known either
    expect(ends('identitystore.group_memberships')).to.include({ coverage: 'incomplete', reason: 'parent_not_read' })
    expect([lists(fresh, 'ListUsers'), lists(fresh, 'ListGroups')]).to.deep.equal([2, 2])
    const confirmed = await endsAfter(fresh, { 'identitystore.users': 0, 'identitystore.groups': 0 })
    for (const dataset of ['identitystore.users', 'identitystore.groups', 'identitystore.group_memberships'])
      expect(confirmed(dataset), dataset).to.include({ coverage: 'complete' })
  })

  it('is believed beside rows of the same service, and at once', async () => {
    const organization = buildOrganization(shape)
    Object.assign(organization, { groups: [], memberships: [] })
    await using fresh = await freshAws(organization)
    const ends = await endsAfter(fresh, { 'identitystore.groups': 2 })
    for (const dataset of ['identitystore.users', 'identitystore.groups', 'identitystore.group_memberships'])
      expect(ends(dataset), dataset).to.include({ coverage: 'complete' })
    expect(lists(fresh, 'ListGroups')).to.equal(1)
  })

  it('is open where what stands beside it was refused', async () => {
    const organization = buildOrganization(shape)
    Object.assign(organization, { groups: [], memberships: [] })
    await using fresh = await freshAws(organization)
    fresh.simulator.deny('identitystore:ListUsers')
    expect((await endsAfter(fresh))('identitystore.groups')).to.include({ coverage: 'incomplete', reason: 'unconfirmed_empty' })
  })

  it('is not what a list is taken for that an interrupted run read and that is refused now', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshAws(organization)
    const place = { accountId: organization.organization!.MasterAccountId, region: fresh.source.region }
    const done = new Set([partKey({ dataset: 'identitystore.groups', place, parent: '' })])
    for (const action of ['identitystore:ListUsers', 'identitystore:ListGroups']) fresh.simulator.deny(action)
    // as a store says once it has taken up the refusal, and as it was before
    for (const rows of [0, organization.groups.length]) {
      const remembered = { stagedRows: () => new Map([['', rows]]) }
      const { end } = (await collected(fresh, { done, remembered })).part('identitystore.groups', '')
      expect([end.coverage, end.gaps[0]!.reason]).to.deep.equal(['denied', 'access_denied'])
    }
  })

  it('that shows rows the second time is believed, with what hangs from them', async () => {
    const organization = buildOrganization(shape)
    const { users, groups } = organization
    Object.assign(organization, { users: [], groups: [] })
    await using fresh = await freshAws(organization)
    let asked = 0
    fresh.simulator.hook('ListUsers', () => {
      if (++asked === 2) Object.assign(organization, { users, groups })
    })
    const found = await collected(fresh)
    expect(found.rows('identitystore.users').size).to.equal(users.length)
    expect(found.rows('identitystore.group_memberships').size).to.equal(organization.memberships.length)
    for (const part of found.parts.values()) expect(part.end!.coverage, part.dataset).to.not.equal('incomplete')
  })

  it('is told of no directory of Active Directory, when an interrupted run had found out already that AWS does not list it', async () => {
    await using fresh = await freshAws(buildOrganization(shape))
    for (const list of ['ListUsers', 'ListGroups'])
      fresh.simulator.fault(
        `identitystore:${list}`,
        { kind: 'error', code: 'ValidationException', message: 'invalid' },
        Number.POSITIVE_INFINITY,
      )
    const first = await collected(fresh)
    const users = [...first.parts.values()].find(({ dataset }) => dataset === 'identitystore.users')!
    expect(users.end!.coverage).to.equal('not_collectable')
    const place = { accountId: users.accountId, region: fresh.source.region }
    const done = new Set([partKey({ dataset: 'identitystore.users', place, parent: '' })])
    const stagedRows = (dataset: string) => new Map(dataset === 'identitystore.users' ? [['', 0]] : [])
    const resumed = await collected(fresh, { done, remembered: { stagedRows } })
    for (const part of resumed.parts.values())
      if (part.dataset.startsWith('identitystore.')) expect(part.end!.coverage, part.dataset).to.equal('not_collectable')
  })

  it('of accounts or roots is no answer, since the management account and the root are always there', async () => {
    await using fresh = await freshAws(emptyOrganization())
    for (const list of ['Accounts', 'Roots']) {
      const empty = { kind: 'replace', text: `"${list}":[`, by: `"${list}":[],"Others":[` } as const
      fresh.simulator.fault(`organizations:List${list}`, empty, Number.POSITIVE_INFINITY)
    }
    const ends = await endsAfter(fresh, { 'organizations.accounts': 0, 'organizations.roots': 0 })
    for (const dataset of ['organizations.accounts', 'organizations.roots'])
      expect(ends(dataset), dataset).to.include({ coverage: 'incomplete', reason: 'invalid_answer' })
    expect(ends('organizations.organizational_units')).to.include({ coverage: 'incomplete', reason: 'parent_not_read' })
  })

  it('of permission sets and applications of an instance that may not be described is open', async () => {
    const organization = emptyOrganization()
    await using fresh = await freshAws(organization)
    expect((await endsAfter(fresh))('sso.permission_set_arns')).to.include({ coverage: 'complete' })
    fresh.simulator.deny('sso:DescribeInstance')
    const ends = await endsAfter(fresh)
    for (const dataset of ['sso.permission_set_arns', 'sso.applications'])
      expect(ends(dataset), dataset).to.include({ coverage: 'incomplete', reason: 'unconfirmed_empty' })
  })
})
