import {
  DescribeInstanceAccessControlAttributeConfigurationCommand,
  DescribeInstanceCommand,
  DescribePermissionSetCommand,
  GetApplicationAssignmentConfigurationCommand,
  GetInlinePolicyForPermissionSetCommand,
  GetPermissionsBoundaryForPermissionSetCommand,
  ListAccountAssignmentsCommand,
  ListApplicationsCommand,
  ListInstancesCommand,
  ListPermissionSetsCommand,
  ListRegionsCommand,
  ListTrustedTokenIssuersCommand,
  paginateListAccountAssignments,
  paginateListAccountAssignmentsForPrincipal,
  paginateListAccountsForProvisionedPermissionSet,
  paginateListApplicationAssignments,
  paginateListApplications,
  paginateListCustomerManagedPolicyReferencesInPermissionSet,
  paginateListManagedPoliciesInPermissionSet,
  paginateListPermissionSets,
  paginateListPermissionSetsProvisionedToAccount,
  paginateListTagsForResource,
} from '@aws-sdk/client-sso-admin'
import { expect } from 'chai'
import { addUser, buildOrganization, identifiers, personAt, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { all, clientsOf, failure, post } from './clients.ts'

describe('Identity Center on the wire', () => {
  it('gives every permission set with its policies, boundary and tags', async () => {
    const organization = buildOrganization({ permissionSets: 12 })
    organization.permissionSets[0]!.Hue = 'a member of tomorrow'
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const arns = await all(paginateListPermissionSets({ client }, { InstanceArn }), page => page.PermissionSets)
    expect(arns).to.deep.equal(organization.permissionSets.map(set => set.PermissionSetArn))
    for (const set of organization.permissionSets) {
      const asked = { InstanceArn, PermissionSetArn: set.PermissionSetArn }
      const { PermissionSet } = await client.send(new DescribePermissionSetCommand(asked))
      expect(PermissionSet).to.include({ Name: set.Name, SessionDuration: set.SessionDuration })
      expect(PermissionSet?.CreatedDate).to.deep.equal(set.CreatedDate)
      const { InlinePolicy } = await client.send(new GetInlinePolicyForPermissionSetCommand(asked))
      expect(InlinePolicy).to.equal(set.inlinePolicy)
      const managed = await all(
        paginateListManagedPoliciesInPermissionSet({ client }, asked),
        page => page.AttachedManagedPolicies,
      )
      expect(managed).to.deep.equal(set.managedPolicies)
      const references = await all(
        paginateListCustomerManagedPolicyReferencesInPermissionSet({ client }, asked),
        page => page.CustomerManagedPolicyReferences,
      )
      expect(references).to.deep.equal(set.customerManagedPolicyReferences)
      const tags = await all(
        paginateListTagsForResource({ client }, { InstanceArn, ResourceArn: set.PermissionSetArn }),
        page => page.Tags,
      )
      expect(tags).to.deep.equal(set.tags)
      const boundary = client.send(new GetPermissionsBoundaryForPermissionSetCommand(asked))
      if (set.permissionsBoundary) expect((await boundary).PermissionsBoundary).to.deep.equal(set.permissionsBoundary)
      else expect((await failure(boundary)).name).to.equal('ResourceNotFoundException')
    }
    const first = { InstanceArn, PermissionSetArn: arns[0] }
    const { json } = await post(simulator, 'sso', 'SWBExternalService.DescribePermissionSet', first)
    expect(json.PermissionSet).to.include({ Hue: 'a member of tomorrow' })
    expect(json.PermissionSet).not.to.have.any.keys('inlinePolicy', 'managedPolicies', 'tags', 'permissionsBoundary')
  })

  it('tells the same provisioned pairs by permission set and by account, and every assignment pair by pair', async () => {
    const organization = buildOrganization({ emptyPairs: 5 })
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const bySet: string[] = []
    for (const { PermissionSetArn } of organization.permissionSets) {
      const ids = await all(
        paginateListAccountsForProvisionedPermissionSet({ client }, { InstanceArn, PermissionSetArn }),
        page => page.AccountIds,
      )
      bySet.push(...ids.map(AccountId => `${AccountId} ${PermissionSetArn}`))
    }
    const byAccount: string[] = []
    for (const { Id } of organization.accounts) {
      const arns = await all(
        paginateListPermissionSetsProvisionedToAccount({ client }, { InstanceArn, AccountId: Id }),
        page => page.PermissionSets,
      )
      byAccount.push(...arns.map(arn => `${Id} ${arn}`))
    }
    expect(bySet.sort()).to.deep.equal(byAccount.sort())
    expect(new Set(bySet).size).to.equal(80)
    const assignments: object[] = []
    let empty = 0
    for (const pair of bySet) {
      const [AccountId, PermissionSetArn] = pair.split(' ')
      const found = await all(
        paginateListAccountAssignments({ client }, { InstanceArn, AccountId, PermissionSetArn }),
        page => page.AccountAssignments,
      )
      if (found.length === 0) empty++
      assignments.push(...found)
    }
    expect(empty).to.equal(5)
    expect(assignments).to.have.deep.members(organization.assignments)
    expect(assignments).to.have.length(organization.assignments.length)
  })

  it('leaves an unlisted pair out of both discoveries and still knows its assignments', async () => {
    const organization = buildOrganization()
    const hidden = organization.assignments[0]!
    organization.unlistedPairs.push(hidden)
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const { AccountId, PermissionSetArn } = hidden
    const accounts = await all(
      paginateListAccountsForProvisionedPermissionSet({ client }, { InstanceArn, PermissionSetArn }),
      page => page.AccountIds,
    )
    expect(accounts).not.to.include(AccountId)
    const { AccountAssignments } = await client.send(
      new ListAccountAssignmentsCommand({ InstanceArn, AccountId, PermissionSetArn }),
    )
    expect(AccountAssignments).to.deep.include(hidden)
  })

  it('answers for a user also what comes from groups, named by the group', async () => {
    const organization = buildOrganization()
    const user = organization.users[0]!
    const [pair] = organization.provisionedPairs
    organization.assignments.push({ ...pair!, PrincipalType: 'USER', PrincipalId: user.UserId })
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const found = await all(
      paginateListAccountAssignmentsForPrincipal({ client }, { InstanceArn, PrincipalType: 'USER', PrincipalId: user.UserId }),
      page => page.AccountAssignments,
    )
    const groups = organization.memberships.filter(one => one.MemberId.UserId === user.UserId).map(one => one.GroupId)
    const expected = organization.assignments.filter(one => one.PrincipalId === user.UserId || groups.includes(one.PrincipalId))
    expect(found).to.have.deep.members(expected)
    expect(found.some(one => one.PrincipalType === 'GROUP')).to.equal(true)
    expect(found.filter(one => one.PrincipalType === 'USER')).to.have.length(1)
  })

  it('lists applications in pages of fifty, with their assignments and whether one is needed', async () => {
    const organization = buildOrganization({ applications: 60 })
    organization.applications[59]!.assignmentRequired = false
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const first = await client.send(new ListApplicationsCommand({ InstanceArn, MaxResults: 100 }))
    expect(first.Applications).to.have.length(50)
    const found = await all(paginateListApplications({ client }, { InstanceArn }), page => page.Applications)
    expect(found.map(one => one.ApplicationArn)).to.deep.equal(organization.applications.map(one => one.ApplicationArn))
    const ApplicationArn = organization.applications[59]!.ApplicationArn
    const { AssignmentRequired } = await client.send(new GetApplicationAssignmentConfigurationCommand({ ApplicationArn }))
    expect(AssignmentRequired).to.equal(false)
    const rows = await all(
      paginateListApplicationAssignments({ client }, { ApplicationArn }),
      page => page.ApplicationAssignments,
    )
    expect(rows).to.deep.equal(organization.applicationAssignments.filter(one => one.ApplicationArn === ApplicationArn))
    expect(rows).not.to.have.length(0)
  })

  it('shows the instance in its Regions and an empty list in every other', async () => {
    const organization = buildOrganization({ region: 'eu-central-1' })
    await using simulator = await startSimulator({ organization })
    const { InstanceArn } = organization.instance!
    const home = clientsOf(simulator).sso
    const { Instances } = await home.send(new ListInstancesCommand({}))
    expect(Instances?.map(one => one.InstanceArn)).to.deep.equal([InstanceArn])
    expect(Instances?.[0]).to.include({
      PrimaryRegion: 'eu-central-1',
      OwnerAccountId: organization.organization!.MasterAccountId,
    })
    const described = await home.send(new DescribeInstanceCommand({ InstanceArn }))
    expect(described.PermissionSetsEnabled).to.equal(true)
    const { Regions } = await home.send(new ListRegionsCommand({ InstanceArn }))
    expect(Regions?.map(one => one.RegionName)).to.deep.equal(['eu-central-1'])
    const away = await clientsOf(simulator, { region: 'us-west-2' }).sso.send(new ListInstancesCommand({}))
    expect(away.Instances).to.deep.equal([])
  })

  it('answers permission sets in the home Region alone', async () => {
    const organization = buildOrganization()
    organization.instance!.Regions.push({
      RegionName: 'us-east-2',
      Status: 'ACTIVE',
      AddedDate: new Date(),
      IsPrimaryRegion: false,
    })
    await using simulator = await startSimulator({ organization })
    const { InstanceArn } = organization.instance!
    const away = clientsOf(simulator, { region: 'us-east-2' }).sso
    expect((await failure(away.send(new ListPermissionSetsCommand({ InstanceArn })))).name).to.equal('AccessDeniedException')
    expect((await away.send(new ListApplicationsCommand({ InstanceArn }))).Applications).to.have.length(4)
  })

  it('refuses a plain member without naming an action, and lets the delegated administrator in', async () => {
    const organization = buildOrganization()
    const [, member, delegate] = organization.accounts
    organization.delegations.push({ accountId: delegate!.Id, servicePrincipal: 'sso.amazonaws.com', enabledAt: new Date() })
    const key = (accountId: string, accessKeyId: string) => ({
      accessKeyId,
      secretAccessKey: 'secret',
      arn: `arn:aws:iam::${accountId}:user/someone`,
    })
    const [plain, delegated] = [key(member!.Id, 'AKIAPLAINMEMBER00001'), key(delegate!.Id, 'AKIADELEGATED0000001')]
    await using simulator = await startSimulator({ organization, accessKeys: [plain, delegated] })
    const { InstanceArn } = organization.instance!
    const refused = await failure(
      clientsOf(simulator, { credentials: plain }).sso.send(new ListPermissionSetsCommand({ InstanceArn })),
    )
    expect(refused.name).to.equal('AccessDeniedException')
    expect(refused.message).not.to.contain('sso:')
    const seen = await clientsOf(simulator, { credentials: plain }).sso.send(new ListInstancesCommand({}))
    expect(seen.Instances?.[0]?.OwnerAccountId).to.equal(organization.organization!.MasterAccountId)
    const { PermissionSets } = await clientsOf(simulator, { credentials: delegated }).sso.send(
      new ListPermissionSetsCommand({ InstanceArn }),
    )
    expect(PermissionSets).to.have.length(10)
  })

  it('says that an instance, a permission set or an attribute configuration is not there', async () => {
    const organization = buildOrganization()
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const InstanceArnOfOther = 'arn:aws:sso:::instance/ssoins-0000000000000000'
    const calls = [
      client.send(new ListPermissionSetsCommand({ InstanceArn: InstanceArnOfOther })),
      client.send(new DescribePermissionSetCommand({ InstanceArn, PermissionSetArn: `${InstanceArn}/ps-0000000000000000` })),
      client.send(new DescribeInstanceAccessControlAttributeConfigurationCommand({ InstanceArn })),
    ]
    for (const call of calls) expect((await failure(call)).name).to.equal('ResourceNotFoundException')
    organization.accessControlAttributes = {
      Status: 'ENABLED',
      InstanceAccessControlAttributeConfiguration: { AccessControlAttributes: [] },
    }
    const found = await client.send(new DescribeInstanceAccessControlAttributeConfigurationCommand({ InstanceArn }))
    expect(found.Status).to.equal('ENABLED')
    expect((await client.send(new ListTrustedTokenIssuersCommand({ InstanceArn }))).TrustedTokenIssuers).to.deep.equal([])
  })

  it('shows at once what a test changes, also in long lists', async () => {
    const organization = buildOrganization({
      accounts: 60,
      permissionSets: 40,
      groups: 60,
      pairs: 1200,
      assignments: 4000,
      users: 60,
    })
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).sso
    const { InstanceArn } = organization.instance!
    const { AccountId, PermissionSetArn } = organization.assignments[7]!
    const ask = async () =>
      (await client.send(new ListAccountAssignmentsCommand({ InstanceArn, AccountId, PermissionSetArn }))).AccountAssignments
    const expected = () =>
      organization.assignments.filter(one => one.AccountId === AccountId && one.PermissionSetArn === PermissionSetArn)
    expect(await ask()).to.deep.equal(expected())
    const user = addUser(organization, identifiers(5, 'aws'), personAt(999), new Date())
    organization.assignments.push({ AccountId, PermissionSetArn, PrincipalType: 'USER', PrincipalId: user.UserId })
    expect(await ask()).to.deep.equal(expected())
    organization.assignments.splice(7, 1)
    expect(await ask()).to.deep.equal(expected())
    organization.assignments = organization.assignments.filter(one => one.AccountId !== AccountId)
    expect(await ask()).to.deep.equal([])
    const accounts = await all(
      paginateListAccountsForProvisionedPermissionSet({ client }, { InstanceArn, PermissionSetArn }),
      page => page.AccountIds,
    )
    expect(accounts).not.to.include(AccountId)
  })
})
