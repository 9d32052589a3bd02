import { expect } from 'chai'
import type { Facts } from '../../src/model.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { type CheckMode, datasets } from '../../src/sources/index.ts'
import { type Collected, collected, type FreshAws, freshAws } from './fresh-aws.ts'

const dataset = 'iam.policy_documents'

/** An organization whose IAM is asked for nothing but the documents of its permission sets. */
function fewPolicies() {
  const organization = buildOrganization({ seed: 31, accounts: 2, users: 2, groups: 1, permissionSets: 4, iamUsers: 0 })
  const arns = ['AdministratorAccess', 'SecurityAudit', 'ReadOnlyAccess'].map(name => `arn:aws:iam::aws:policy/${name}`)
  for (const [i, set] of organization.permissionSets.entries()) {
    set.permissionsBoundary = null
    set.managedPolicies = i < arns.length ? [{ Name: arns[i]!.split('/')[1]!, Arn: arns[i]! }] : []
  }
  return { organization, arns, policy: (at: number) => organization.managedPolicies.find(each => each.Arn === arns[at])! }
}

/** Once more, with what the first time kept; and how often a document was asked for. */
async function again(fresh: FreshAws, first: Collected, checks: CheckMode = 'none') {
  const kept = first.rows(dataset) as ReadonlyMap<string, Facts>
  const remembered = { keptFacts: async (name: string) => (name === dataset ? kept : new Map<string, Facts>()) }
  const counts = Object.fromEntries(datasets.map(({ name }) => [name, first.rows(name).size]))
  const found = await collected(fresh, { counts, checks, remembered })
  const asked = found.calls.filter(call => call.operation === 'GetPolicyVersion').map(call => call.parameters.PolicyArn)
  return { found, asked, rows: found.rows(dataset) as ReadonlyMap<string, Facts> }
}

function freshIam(organization: ReturnType<typeof buildOrganization>): Promise<FreshAws> {
  return freshAws(organization, { source: { iam: { roleName: 'Reader', externalId: null, accounts: [] } } })
}

describe('the document of a managed policy', () => {
  it('is asked for once for all runs: the plan knows, and the row says when it was read', async () => {
    const { organization, arns } = fewPolicies()
    await using fresh = await freshIam(organization)
    const before = new Date().toISOString()
    const first = await collected(fresh)
    const { found, asked, rows } = await again(fresh, first)
    expect(asked).to.deep.equal([])
    expect([...rows.keys()].sort()).to.deep.equal([...arns].sort())
    expect(Object.fromEntries(rows)).to.deep.equal(Object.fromEntries(first.rows(dataset)))
    for (const { documentReadAt } of rows.values())
      expect(documentReadAt)
        .to.match(/Z$/)
        .and.satisfy((at: string) => at >= before)
    expect(found.plan.steps.find(step => step.dataset === dataset)?.calls).to.equal(arns.length)
    expect(found.calls.filter(call => call.dataset === dataset)).to.have.length(arns.length)
  })

  it('is asked for again when the version is another, or the policy was made anew under its name', async () => {
    const { organization, arns, policy } = fewPolicies()
    await using fresh = await freshIam(organization)
    const first = await collected(fresh)
    const changed = policy(0)
    changed.versions = [{ ...changed.versions[0]!, VersionId: 'v2', Document: '{"Version":"2012-10-17","Statement":[]}' }]
    changed.DefaultVersionId = 'v2'
    policy(1).PolicyId = 'ANPAMADEANEW00000000X'
    const { asked, rows } = await again(fresh, first)
    expect([...asked].sort()).to.deep.equal([arns[0], arns[1]].sort())
    expect(rows.get(arns[0]!)).to.include({ DefaultVersionId: 'v2', Document: '{"Version":"2012-10-17","Statement":[]}' })
  })

  it('that was kept is held against AWS by the cross-checks: all of them when everything is to be proven', async () => {
    const { organization, arns, policy } = fewPolicies()
    await using fresh = await freshIam(organization)
    const first = await collected(fresh)
    const proven = await again(fresh, first, 'exhaustive')
    const checkOf = ({ found }: typeof proven) => found.rows('evidenced.cross_checks').get('kept_documents')
    expect(checkOf(proven)).to.include({ made: true, population: 3, compared: 3, differences: 0 })
    expect([...proven.asked].sort()).to.deep.equal([...arns].sort())
    policy(2).versions[0]!.Document = '{"Version":"2012-10-17","Statement":[]}'
    const spoiled = await again(fresh, first, 'exhaustive')
    expect(checkOf(spoiled)).to.include({ made: true, differences: 1 })
    expect(checkOf(spoiled))
      .to.have.property('examples')
      .that.matches(/ReadOnlyAccess v1 says something else/)
    const sampled = await again(fresh, first, 'sampled')
    expect(checkOf(sampled)).to.include({ population: 3, compared: 1 })
  })
})
