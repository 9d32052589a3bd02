import { expect } from 'chai'
import { buildOrganization } from '../../src/simulator/index.ts'
import { type CheckMode, datasets } from '../../src/sources/index.ts'
import { expectedOf } from './expected.ts'
import { type Collected, collected, type FreshAws, freshAws } from './fresh-aws.ts'

const dataset = 'sso.provisioned_accounts'
const byAccount = 'ListPermissionSetsProvisionedToAccount'
const bySet = 'ListAccountsForProvisionedPermissionSet'
const small = { seed: 8, users: 4, groups: 3, iamUsers: 0 }
const manySets = { ...small, accounts: 3, permissionSets: 9 }
const manyAccounts = { ...small, accounts: 9, permissionSets: 3 }

/** Collects a second time: the first one told the planner the sizes. */
async function second(fresh: FreshAws, checks: CheckMode = 'none', prepare: () => void = () => {}): Promise<Collected> {
  const first = await collected(fresh)
  prepare()
  const counts = Object.fromEntries(datasets.map(({ name }) => [name, first.rows(name).size]))
  return collected(fresh, { counts, checks })
}

/** Operations that were asked for the pairs. */
function asked({ calls }: Collected) {
  return calls.filter(call => call.dataset === dataset).map(call => call.operation)
}

describe('the discovery of provisioned pairs', () => {
  for (const pageSize of [2, 100]) {
    it(`goes by account where that is cheaper, and finds the same in the same parts, in pages of ${pageSize}`, async () => {
      const organization = buildOrganization(manySets)
      await using fresh = await freshAws(organization, { simulator: { pageSize } })
      const found = await second(fresh)
      expect(found.plan.discovery).to.include({ taken: 'by_account', byAccount: 3 })
      expect(new Set(asked(found))).to.deep.equal(new Set([byAccount]))
      for (const [name, rows] of expectedOf(organization))
        expect(Object.fromEntries(found.rows(name)), name).to.deep.equal(Object.fromEntries(rows))
      for (const set of organization.permissionSets)
        expect(found.part(dataset, set.PermissionSetArn).end).to.include({ coverage: 'complete' })
      const items = found.calls.filter(call => call.dataset === dataset).reduce((sum, call) => sum + call.items, 0)
      expect(items).to.equal(found.rows(dataset).size)
      if (pageSize > 2) expect(asked(found)).to.have.length(found.plan.steps.find(step => step.dataset === dataset)!.calls!)
    })
  }

  it('goes by permission set where that is cheaper, and at first', async () => {
    await using fresh = await freshAws(buildOrganization(manyAccounts))
    const found = await second(fresh)
    expect(found.plan.discovery).to.include({ taken: 'by_set', byAccount: 9 })
    expect(asked(found)).to.deep.equal([bySet, bySet, bySet])
    await using other = await freshAws(buildOrganization(manySets))
    const first = await collected(other)
    expect(first.plan.discovery).to.include({ taken: 'by_set', bySet: null })
    expect(new Set(asked(first))).to.deep.equal(new Set([bySet]))
  })

  const spoiled = (fresh: FreshAws, text: string, by: string) =>
    fresh.simulator.fault(byAccount, { kind: 'replace', text, by }, Number.POSITIVE_INFINITY)
  for (const [what, spoil] of [
    [
      'a list of its sets is none',
      (fresh: FreshAws) => spoiled(fresh, '"PermissionSets":[', '"PermissionSets":"all","Others":['),
    ],
    ['a set in it has no name', (fresh: FreshAws) => spoiled(fresh, '"PermissionSets":[', '"PermissionSets":[7,')],
    ['a page token is no text', (fresh: FreshAws) => spoiled(fresh, '"PermissionSets":[', '"NextToken":7,"PermissionSets":[')],
    ['an account may not be asked', (fresh: FreshAws) => fresh.simulator.deny(`sso:${byAccount}`)],
    ['the accounts are not all known', (fresh: FreshAws) => fresh.simulator.deny('organizations:ListAccounts')],
  ] as const) {
    it(`goes by permission set after all when ${what}: nothing is missing`, async () => {
      const organization = buildOrganization(manySets)
      await using fresh = await freshAws(organization)
      const found = await second(fresh, 'none', () => spoil(fresh))
      expect(found.plan.discovery).to.include({ taken: 'by_account' })
      expect(asked(found).filter(operation => operation === bySet)).to.have.length(9)
      for (const name of [dataset, 'sso.account_assignments'])
        expect(Object.fromEntries(found.rows(name))).to.deep.equal(Object.fromEntries(expectedOf(organization).get(name)!))
      expect(found.gaps(dataset)).to.deep.equal([])
    })
  }

  it('goes by permission set after all when an account that had pairs is listed no more: it may have them still', async () => {
    const organization = buildOrganization(manySets)
    await using fresh = await freshAws(organization)
    const first = await collected(fresh)
    const counts = Object.fromEntries(datasets.map(({ name }) => [name, first.rows(name).size]))
    const had = new Map([...first.rows(dataset).keys()].map(pair => [pair.split('|')[1]!, true]))
    const remembered = { accountsWithPairs: async () => had }
    const stays = await collected(fresh, { counts, remembered })
    expect(new Set(asked(stays))).to.deep.equal(new Set([byAccount]))
    const own = organization.organization!.MasterAccountId
    const left = [...had.keys()].find(id => id !== own)!
    organization.accounts = organization.accounts.filter(account => account.Id !== left)
    const found = await collected(fresh, { counts, remembered })
    expect(found.rows('organizations.accounts').has(left)).to.equal(false)
    expect(found.plan.discovery).to.include({ taken: 'by_account' })
    for (const name of [dataset, 'sso.account_assignments'])
      expect(Object.fromEntries(found.rows(name)), name).to.deep.equal(Object.fromEntries(first.rows(name)))
    // the snapshot of that run knows it: the next plan says so, and costs what it predicts
    const unlisted = { accountsWithPairs: async () => new Map([...had, [left, false]]) }
    const next = await collected(fresh, { counts, remembered: unlisted })
    expect(next.plan.discovery).to.include({ taken: 'by_set' })
    expect(next.plan.discovery!.reason).to.include(`account ${left} has pairs and is listed no more`)
    expect(asked(next)).to.have.length(next.plan.steps.find(step => step.dataset === dataset)!.calls!)
  })

  it('takes an account that is answered without a list for one without pairs, unless it had some', async () => {
    const organization = buildOrganization(manySets)
    const bare = organization.accounts.at(-1)!.Id
    organization.assignments = organization.assignments.filter(each => each.AccountId !== bare)
    const pairs = Object.fromEntries(expectedOf(organization).get(dataset)!)
    const had = new Map(Object.keys(pairs).map(pair => [pair.split('|')[1]!, true]))
    expect([...had.keys()])
      .to.have.length(2)
      .and.not.include(bare)
    for (const [text, ways] of [
      ['"PermissionSets":[]', [byAccount]],
      ['"PermissionSets":[', [byAccount, bySet]],
    ] as const) {
      await using fresh = await freshAws(organization)
      const counts = Object.fromEntries(datasets.map(({ name }) => [name, expectedOf(organization).get(name)?.size ?? 0]))
      spoiled(fresh, text, text.replace('PermissionSets', 'Others'))
      const found = await collected(fresh, { counts, remembered: { accountsWithPairs: async () => had } })
      expect(new Set(asked(found))).to.deep.equal(new Set(ways))
      expect(Object.fromEntries(found.rows(dataset))).to.deep.equal(pairs)
    }
  })

  it('dates the pairs of a set from the first account that was asked to the last', async () => {
    const organization = buildOrganization(manySets)
    let seconds = 0
    const now = () => new Date(Date.UTC(2026, 10, 22) + 1000 * seconds)
    await using fresh = await freshAws(organization, { simulator: { now }, aws: { now } })
    const before: number[] = []
    fresh.simulator.hook(byAccount, () => void before.push(seconds++))
    const found = await second(fresh)
    expect(before).to.have.length(3)
    for (const set of organization.permissionSets) {
      const { firstObservedAt, lastObservedAt } = found.part(dataset, set.PermissionSetArn).end
      expect([firstObservedAt, lastObservedAt].map(at => at.getTime() - Date.UTC(2026, 10, 22))).to.deep.equal([0, 3000])
    }
  })

  it('is checked the way that was not taken', async () => {
    const organization = buildOrganization(manySets)
    await using fresh = await freshAws(organization)
    const hidden = organization.permissionSets[0]!.PermissionSetArn
    const found = await second(fresh, 'exhaustive')
    const checkOf = (each: Collected) => each.rows('evidenced.cross_checks').get('discovery_both_ways')
    expect(checkOf(found)).to.include({ made: true, population: 9, compared: 9, differences: 0 })
    const other = await second(fresh, 'exhaustive', () => {
      fresh.simulator.fault(byAccount, { kind: 'replace', text: hidden, by: `${hidden.slice(0, -4)}0000` }, 1)
    })
    expect(checkOf(other)).to.have.property('differences').that.is.above(0)
  })
})
