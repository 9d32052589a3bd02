import { expect } from 'chai'
import { buildOrganization, type SimulatedOrganization, type Simulator } from '../../src/simulator/index.ts'
import { datasets } from '../../src/sources/index.ts'
import { type Collected, collected, freshAws } from './fresh-aws.ts'

const shape = { seed: 81, accounts: 6, users: 12, groups: 6, permissionSets: 4, applications: 1, iamUsers: 0 }

async function spoiled(
  prepare: (simulator: Simulator, organization: SimulatedOrganization) => void,
  pageSize = 100,
): Promise<{ found: Collected; organization: SimulatedOrganization; simulator: Simulator }> {
  const organization = buildOrganization(shape)
  await using fresh = await freshAws(organization, { simulator: { pageSize } })
  prepare(fresh.simulator, organization)
  return { found: await collected(fresh), organization, simulator: fresh.simulator }
}

function coverageOf(found: Collected, dataset: string): readonly (string | undefined)[] {
  return [...new Set([...found.parts.values()].filter(part => part.dataset === dataset).map(part => part.end?.coverage))]
}

describe('what other collectors lose without a word is not lost here', () => {
  it('iam-collect: a denied inline policy and a denied list of accounts look like removal', async () => {
    const { found } = await spoiled(simulator => {
      simulator.deny('sso:GetInlinePolicyForPermissionSet')
      simulator.deny('sso:ListAccountsForProvisionedPermissionSet')
    })
    for (const dataset of ['sso.inline_policies', 'sso.provisioned_accounts', 'sso.account_assignments'])
      expect(coverageOf(found, dataset), dataset).to.deep.equal(['denied'])
  })

  it('iam-collect: a denied description overwrites names with nothing', async () => {
    const { found, organization } = await spoiled(simulator => simulator.deny('sso:DescribePermissionSet'))
    expect(found.rows('sso.permission_sets').size).to.equal(0)
    expect(coverageOf(found, 'sso.permission_sets')).to.deep.equal(['denied'])
    expect(found.rows('sso.permission_set_arns').size).to.equal(organization.permissionSets.length)
  })

  for (const action of ['organizations:DescribeOrganization', 'organizations:ListRoots']) {
    it(`iam-collect: ${action} denied makes the organization vanish without a warning`, async () => {
      const { found } = await spoiled(simulator => simulator.deny(action))
      const dataset = datasets.find(each => each.action === action)!.name
      expect(coverageOf(found, dataset)).to.deep.equal(['denied'])
      expect(found.gaps(dataset)[0]).to.include({ action, reason: 'access_denied' })
      expect(coverageOf(found, 'organizations.accounts')).to.deep.equal(['complete'])
    })
  }

  it('iam-collect: one permission set that fails for ever loses all of them', async () => {
    const { found, organization } = await spoiled((simulator, { permissionSets }) =>
      simulator.fault(
        'GetInlinePolicyForPermissionSet',
        { kind: 'status', status: 500 },
        Infinity,
        input => input.PermissionSetArn === permissionSets[0]!.PermissionSetArn,
      ),
    )
    expect(found.part('sso.inline_policies', organization.permissionSets[0]!.PermissionSetArn).end.coverage).to.equal(
      'incomplete',
    )
    expect(found.rows('sso.inline_policies').size).to.equal(organization.permissionSets.length - 1)
  })

  it('iam-collect: managed policies and tags beyond the first page are lost', async () => {
    const { found, organization } = await spoiled((_simulator, { permissionSets, managedPolicies }) => {
      permissionSets[0]!.managedPolicies = managedPolicies.slice(0, 3).map(({ PolicyName, Arn }) => ({ Name: PolicyName, Arn }))
      permissionSets[0]!.tags = ['a', 'b', 'c'].map(Key => ({ Key, Value: Key }))
    }, 1)
    const arn = organization.permissionSets[0]!.PermissionSetArn
    expect(found.part('sso.managed_policies', arn).rows.size).to.equal(3)
    expect(found.part('sso.tags', arn).rows.size).to.equal(3)
  })

  it('iam-collect: the path of a customer managed policy, relay state, session duration and the text of a policy are changed or dropped', async () => {
    const inlinePolicy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Put*","s3:Get*"],"Resource":"*"}]}'
    const { found, organization } = await spoiled((_simulator, { permissionSets }) => {
      const set = permissionSets[0]!
      set.customerManagedPolicyReferences = [{ Name: 'guard', Path: '/team/a/' }]
      set.inlinePolicy = inlinePolicy
      set.RelayState = 'https://console.aws.amazon.com/s3'
      set.SessionDuration = 'PT8H'
    })
    const arn = organization.permissionSets[0]!.PermissionSetArn
    expect([...found.part('sso.customer_managed_policy_references', arn).rows.keys()]).to.deep.equal([`${arn}|/team/a/guard`])
    expect(found.rows('sso.inline_policies').get(arn)).to.deep.equal({ InlinePolicy: inlinePolicy })
    expect(found.rows('sso.permission_sets').get(arn)).to.include({
      RelayState: 'https://console.aws.amazon.com/s3',
      SessionDuration: 'PT8H',
    })
  })

  it('Cartography: a denied list of users leaves no users and no word', async () => {
    const { found } = await spoiled(simulator => simulator.deny('identitystore:ListUsers'))
    expect(coverageOf(found, 'identitystore.users')).to.deep.equal(['denied'])
    expect(coverageOf(found, 'identitystore.group_memberships')).to.deep.equal(['complete'])
  })

  it('Cartography: one denied group loses the memberships of all', async () => {
    const { found, organization } = await spoiled((simulator, { groups }) =>
      simulator.deny('identitystore:ListGroupMemberships', input => input.GroupId === groups[0]!.GroupId),
    )
    const refused = organization.groups[0]!.GroupId
    expect(found.part('identitystore.group_memberships', refused).end.coverage).to.equal('denied')
    expect(found.rows('identitystore.group_memberships').size).to.equal(
      organization.memberships.filter(each => each.GroupId !== refused).length,
    )
  })

  it('Cartography: assignments of deleted users and groups are never seen, and its denied call loses all of them', async () => {
    const ghost = '99999999-8888-7777-6666-555555555555'
    const { found } = await spoiled((simulator, { assignments }) => {
      assignments.push({ ...assignments[0]!, PrincipalType: 'USER', PrincipalId: ghost })
      simulator.deny('sso:ListAccountAssignmentsForPrincipal')
    })
    expect([...found.rows('sso.account_assignments').keys()].some(key => key.endsWith(`USER|${ghost}`))).to.equal(true)
    expect(coverageOf(found, 'sso.account_assignments')).to.deep.equal(['complete'])
  })

  it('Steampipe: every account is asked about every permission set', async () => {
    const { organization, simulator } = await spoiled(() => {})
    const pairs = new Set(
      [...organization.assignments, ...organization.provisionedPairs].map(each => `${each.AccountId}|${each.PermissionSetArn}`),
    )
    const asked = simulator.calls.filter(call => call.operation === 'ListAccountAssignments').length
    expect(asked)
      .to.equal(pairs.size)
      .and.be.lessThan(organization.accounts.length * organization.permissionSets.length)
  })

  it('Steampipe: a group that AWS calls missing is taken for empty without asking whether it is gone', async () => {
    const { found, organization } = await spoiled((simulator, { groups }) =>
      simulator.fault(
        'ListGroupMemberships',
        { kind: 'error', code: 'ResourceNotFoundException', members: { ResourceType: 'GROUP' } },
        Infinity,
        input => input.GroupId === groups[0]!.GroupId,
      ),
    )
    const { end } = found.part('identitystore.group_memberships', organization.groups[0]!.GroupId)
    expect(end.coverage).to.equal('incomplete')
    expect(end.gaps[0]).to.include({ reason: 'still_exists' })
  })

  it('Prowler: refused policies are no policies', async () => {
    const { found } = await spoiled(simulator => simulator.deny('organizations:ListPolicies'))
    for (const dataset of ['organizations.policies', 'organizations.policy_documents', 'organizations.policy_targets'])
      expect(coverageOf(found, dataset), dataset).to.deep.equal(['denied'])
  })

  it('Steampipe: the partition of an instance is made up', async () => {
    const organization = buildOrganization({ ...shape, partition: 'aws-us-gov' })
    await using fresh = await freshAws(organization)
    const found = await collected(fresh)
    const { InstanceArn } = organization.instance!
    expect(InstanceArn).to.match(/^arn:aws-us-gov:/)
    expect([...found.rows('sso.instances').keys()]).to.deep.equal([InstanceArn])
    expect(found.rows('sso.account_assignments').size).to.equal(organization.assignments.length)
  })

  it('Prowler: errors of the list of delegated administrators vanish, and targets beyond the first page are lost', async () => {
    const broken = await spoiled(simulator =>
      simulator.fault('ListDelegatedAdministrators', { kind: 'error', code: 'ConstraintViolationException' }, Infinity),
    )
    expect(coverageOf(broken.found, 'organizations.delegated_administrators')).to.deep.equal(['incomplete'])
    const paged = await spoiled((_simulator, { policies, accounts }) => {
      policies[0]!.targets = accounts.map(account => account.Id)
    }, 2)
    const [policy] = paged.organization.policies
    expect(paged.found.part('organizations.policy_targets', policy!.Id).rows.size).to.equal(paged.organization.accounts.length)
  })

  it('CloudSploit: an error on a later page leaves the first page as if it were all', async () => {
    const { found } = await spoiled(
      simulator => simulator.fault('ListUsers', { kind: 'status', status: 500 }, Infinity, input => 'NextToken' in input),
      5,
    )
    const { rows, end } = found.part('identitystore.users', '')
    expect(rows.size).to.equal(5)
    expect(end.coverage).to.equal('incomplete')
  })
})
