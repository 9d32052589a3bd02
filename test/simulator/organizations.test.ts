import {
  DescribeAccountCommand,
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  DescribeResourcePolicyCommand,
  ListAccountsCommand,
  ListAWSServiceAccessForOrganizationCommand,
  ListDelegatedAdministratorsCommand,
  ListDelegatedServicesForAccountCommand,
  ListParentsCommand,
  ListPoliciesCommand,
  ListRootsCommand,
  ListTagsForResourceCommand,
  ListTargetsForPolicyCommand,
  paginateListAccounts,
  paginateListAccountsForParent,
  paginateListOrganizationalUnitsForParent,
} from '@aws-sdk/client-organizations'
import { expect } from 'chai'
import { buildOrganization, moveAccount, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { all, clientsOf, failure } from './clients.ts'

describe('Organizations on the wire', () => {
  it('gives the same accounts by list and by tree, with State and Paths', async () => {
    const organization = buildOrganization({ accounts: 45, ous: 30 })
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).organizations
    const listed = await all(paginateListAccounts({ client }, {}), page => page.Accounts)
    expect(listed).to.have.length(45)
    expect(listed.filter(account => account.State === 'SUSPENDED')).to.have.length(1)
    expect((await client.send(new ListAccountsCommand({}))).Accounts).to.have.length(20)

    const { Roots } = await client.send(new ListRootsCommand({}))
    const organizationId = organization.organization!.Id
    const placed = new Map<string, string>()
    const names: string[] = []
    const walk = async (ParentId: string, path: string): Promise<void> => {
      const accounts = await all(paginateListAccountsForParent({ client }, { ParentId }), page => page.Accounts)
      for (const { Id } of accounts) placed.set(Id!, `${path}${Id}/`)
      const units = await all(
        paginateListOrganizationalUnitsForParent({ client }, { ParentId }),
        page => page.OrganizationalUnits,
      )
      for (const unit of units) {
        expect(unit.Path).to.equal(`${path}${unit.Id}/`)
        names.push(unit.Name!)
        await walk(unit.Id!, `${path}${unit.Id}/`)
      }
    }
    await walk(Roots![0]!.Id!, `${organizationId}/${Roots![0]!.Id}/`)
    expect(names).to.have.length(30)
    expect(new Map(listed.map(account => [account.Id, account.Paths?.[0]]))).to.deep.equal(placed)
  })

  it('moves an account in the tree and in its path', async () => {
    const organization = buildOrganization()
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).organizations
    const { Id } = organization.accounts[5]!
    const unit = organization.ous[4]!.Id
    moveAccount(organization, Id, unit)
    const { Parents } = await client.send(new ListParentsCommand({ ChildId: Id }))
    expect(Parents).to.deep.equal([{ Id: unit, Type: 'ORGANIZATIONAL_UNIT' }])
    const { Account } = await client.send(new DescribeAccountCommand({ AccountId: Id }))
    expect(Account?.Paths?.[0]).to.match(new RegExp(`/${unit}/${Id}/$`))
  })

  it('describes the organization to every member and shows the rest to the management account and delegates alone', async () => {
    const organization = buildOrganization()
    const [management, member, stranger] = [organization.accounts[0]!.Id, organization.accounts[1]!.Id, '999999999999']
    const keys = [management, member, stranger].map((account, i) => ({
      accessKeyId: `AKIACALLER0000000000${i}`,
      secretAccessKey: 'secret',
      arn: `arn:aws:iam::${account}:user/someone`,
    }))
    await using simulator = await startSimulator({ organization, accessKeys: [keys[0]!, ...keys.slice(1)], rates: unlimited })
    const [own, plain, outside] = keys.map(credentials => clientsOf(simulator, { credentials }).organizations)
    for (const client of [own!, plain!]) {
      const { Organization } = await client.send(new DescribeOrganizationCommand({}))
      expect(Organization?.MasterAccountId).to.equal(management)
    }
    const refused = await failure(plain!.send(new ListAccountsCommand({})))
    expect(refused).to.include({ name: 'AccessDeniedException', message: "You don't have permissions to access this resource." })
    expect((await failure(outside!.send(new DescribeOrganizationCommand({})))).name).to.equal('AWSOrganizationsNotInUseException')
    organization.delegations.push({ accountId: member, servicePrincipal: 'guardduty.amazonaws.com', enabledAt: new Date(1.7e12) })
    expect((await plain!.send(new ListAccountsCommand({}))).Accounts).to.have.length(20)
    const { DelegatedAdministrators } = await own!.send(new ListDelegatedAdministratorsCommand({}))
    expect(DelegatedAdministrators?.map(one => one.Id)).to.deep.equal([member])
    expect(DelegatedAdministrators?.[0]?.DelegationEnabledDate).to.deep.equal(new Date(1.7e12))
    const { DelegatedServices } = await own!.send(new ListDelegatedServicesForAccountCommand({ AccountId: member }))
    expect(DelegatedServices?.map(one => one.ServicePrincipal)).to.deep.equal(['guardduty.amazonaws.com'])
    const none = await failure(own!.send(new ListDelegatedServicesForAccountCommand({ AccountId: management })))
    expect(none.name).to.equal('AccountNotRegisteredException')
  })

  it('gives policies with content and targets, tags, service access and no resource policy', async () => {
    const organization = buildOrganization()
    const account = organization.accounts[2]!.Id
    organization.organizationTags[account] = [{ Key: 'owner', Value: 'payments' }]
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).organizations
    const { Policies } = await client.send(new ListPoliciesCommand({ Filter: 'SERVICE_CONTROL_POLICY' }))
    expect(Policies?.map(policy => policy.Name)).to.deep.equal(['deny-leave-organization'])
    const PolicyId = Policies![0]!.Id!
    const { Policy } = await client.send(new DescribePolicyCommand({ PolicyId }))
    expect(JSON.parse(Policy!.Content!)).to.have.property('Statement')
    const { Targets } = await client.send(new ListTargetsForPolicyCommand({ PolicyId }))
    expect(Targets?.map(target => [target.TargetId, target.Type])).to.deep.equal([[organization.roots[0]!.Id, 'ROOT']])
    expect((await client.send(new ListTagsForResourceCommand({ ResourceId: account }))).Tags).to.deep.equal([
      { Key: 'owner', Value: 'payments' },
    ])
    const { EnabledServicePrincipals } = await client.send(new ListAWSServiceAccessForOrganizationCommand({}))
    expect(EnabledServicePrincipals?.map(one => one.ServicePrincipal)).to.deep.equal(['sso.amazonaws.com'])
    expect((await failure(client.send(new DescribeResourcePolicyCommand({})))).name).to.equal('ResourcePolicyNotFoundException')
  })

  it('names what is missing the way Organizations does', async () => {
    await using simulator = await startSimulator({ organization: buildOrganization(), rates: unlimited })
    const client = clientsOf(simulator).organizations
    const account = await failure(client.send(new DescribeAccountCommand({ AccountId: '000000000000' })))
    const child = await failure(client.send(new ListParentsCommand({ ChildId: '000000000000' })))
    const target = await failure(client.send(new ListTagsForResourceCommand({ ResourceId: '000000000000' })))
    const policy = await failure(client.send(new DescribePolicyCommand({ PolicyId: 'p-00000000' })))
    expect([account, child, target, policy].map(error => error.name)).to.deep.equal([
      'AccountNotFoundException',
      'ChildNotFoundException',
      'TargetNotFoundException',
      'PolicyNotFoundException',
    ])
  })
})
