import {
  GenerateCredentialReportCommand,
  GetAccessKeyLastUsedCommand,
  GetAccountAuthorizationDetailsCommand,
  GetAccountPasswordPolicyCommand,
  GetAccountSummaryCommand,
  GetCredentialReportCommand,
  GetLoginProfileCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  ListAccessKeysCommand,
  ListAccountAliasesCommand,
  ListMFADevicesCommand,
  ListRolesCommand,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
  paginateGetAccountAuthorizationDetails,
} from '@aws-sdk/client-iam'
import { expect } from 'chai'
import { buildOrganization, emptyIam, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { all, clientsOf, failure } from './clients.ts'

describe('IAM on the wire', () => {
  it('gives the same principals by details, lists and summary, page by page', async () => {
    const organization = buildOrganization({ iamUsers: 5 })
    const account = organization.organization!.MasterAccountId
    await using simulator = await startSimulator({ organization, rates: unlimited, pageSize: 3 })
    const client = clientsOf(simulator).iam
    const pages = () => paginateGetAccountAuthorizationDetails({ client }, {})
    const users = await all(pages(), page => page.UserDetailList)
    const roles = await all(pages(), page => page.RoleDetailList)
    const policies = await all(pages(), page => page.Policies)
    expect(users.map(user => user.UserName)).to.deep.equal(organization.iam[account]!.users.map(user => user.UserName))
    const { SummaryMap } = await client.send(new GetAccountSummaryCommand({}))
    expect(SummaryMap).to.include({ Users: 5, Groups: 1, Roles: roles.length, AccountMFAEnabled: 1, AccountAccessKeysPresent: 0 })
    const pipeline = roles.find(role => role.RoleName === 'pipeline')
    expect(pipeline?.AssumeRolePolicyDocument).to.match(/^%7B%22Version/)
    expect(JSON.parse(decodeURIComponent(pipeline!.AssumeRolePolicyDocument!))).to.have.nested.property(
      'Statement[0].Effect',
      'Allow',
    )
    expect(pipeline).not.to.have.property('MaxSessionDuration')
    const baseline = policies.find(policy => policy.PolicyName === 'deploy-baseline')
    expect(decodeURIComponent(baseline!.PolicyVersionList![0]!.Document!)).to.contain('cloudformation:*')
    expect(policies.map(policy => policy.PolicyName)).to.include('ViewOnlyAccess')
  })

  it('holds the roles that Identity Center keeps, one for each provisioned permission set', async () => {
    const organization = buildOrganization({ region: 'eu-west-1' })
    const account = organization.organization!.MasterAccountId
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).iam
    const reserved = async () => {
      const { Roles } = await client.send(new ListRolesCommand({ MaxItems: 1000 }))
      return Roles!.filter(role => role.Path === '/aws-reserved/sso.amazonaws.com/eu-west-1/')
    }
    const pairs = new Set(
      [...organization.assignments, ...organization.provisionedPairs]
        .filter(pair => pair.AccountId === account)
        .map(pair => pair.PermissionSetArn),
    )
    const names = organization.permissionSets.filter(set => pairs.has(set.PermissionSetArn)).map(set => set.Name)
    const found = await reserved()
    expect(found.map(role => role.RoleName!.replace(/^AWSReservedSSO_(.*)_[0-9a-f]{16}$/, '$1'))).to.deep.equal(names)
    expect(found).not.to.have.length(0)
    organization.assignments = organization.assignments.filter(one => one.AccountId !== account)
    organization.provisionedPairs = organization.provisionedPairs.filter(one => one.AccountId !== account)
    expect(await reserved()).to.have.length(0)
  })

  it('answers for the account whose credentials ask, and only for it', async () => {
    const organization = buildOrganization()
    const member = organization.accounts[4]!.Id
    const key = { accessKeyId: 'AKIAMEMBERACCOUNT001', secretAccessKey: 's', arn: `arn:aws:iam::${member}:user/robot-1` }
    await using simulator = await startSimulator({ organization, accessKeys: [key] })
    const client = clientsOf(simulator, { credentials: key }).iam
    const { Users } = await client.send(new ListUsersCommand({}))
    expect(Users?.map(user => user.Arn)).to.deep.equal([
      `arn:aws:iam::${member}:user/robot-1`,
      `arn:aws:iam::${member}:user/operator-2`,
    ])
    const { AccountAliases } = await client.send(new ListAccountAliasesCommand({}))
    expect(AccountAliases).to.deep.equal([`example-${member}`])
    // without a name the caller is meant
    expect((await client.send(new ListAccessKeysCommand({}))).AccessKeyMetadata).to.have.length(1)
  })

  it('leaves out of the lists what AWS leaves out of them', async () => {
    const organization = buildOrganization()
    const account = organization.organization!.MasterAccountId
    Object.assign(organization.iam[account]!.users[0]!, { Tags: [{ Key: 'a', Value: 'b' }] })
    await using simulator = await startSimulator({ organization })
    const client = clientsOf(simulator).iam
    const listed = await client.send(new ListUsersCommand({}))
    const details = await client.send(new GetAccountAuthorizationDetailsCommand({ Filter: ['User'] }))
    expect(listed.Users?.[0]?.Tags).to.equal(undefined)
    expect(listed.Users?.[1]?.PasswordLastUsed).to.be.instanceOf(Date)
    expect(details.UserDetailList?.[0]?.Tags).to.deep.equal([{ Key: 'a', Value: 'b' }])
    expect(details.UserDetailList?.[1]).not.to.have.property('PasswordLastUsed')
    expect(details.RoleDetailList).to.deep.equal([])
  })

  it('knows keys, MFA devices and passwords of each user', async () => {
    const organization = buildOrganization()
    const account = organization.organization!.MasterAccountId
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).iam
    const { AccessKeyMetadata } = await client.send(new ListAccessKeysCommand({ UserName: 'robot-1' }))
    expect(AccessKeyMetadata).to.have.length(1)
    expect(AccessKeyMetadata![0]).to.include({ UserName: 'robot-1', Status: 'Active' })
    const used = await client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: AccessKeyMetadata![0]!.AccessKeyId }))
    expect(used.AccessKeyLastUsed).to.include({ ServiceName: 's3' })
    const SerialNumber = `arn:aws:iam::${account}:mfa/operator-2`
    const { MFADevices } = await client.send(new ListMFADevicesCommand({ UserName: 'operator-2' }))
    expect(MFADevices?.map(device => device.SerialNumber)).to.deep.equal([SerialNumber])
    const virtual = await client.send(new ListVirtualMFADevicesCommand({}))
    expect(virtual.VirtualMFADevices?.map(device => [device.SerialNumber, device.User?.UserName])).to.deep.equal([
      [SerialNumber, 'operator-2'],
    ])
    const profile = await client.send(new GetLoginProfileCommand({ UserName: 'operator-2' }))
    expect(profile.LoginProfile).to.include({ UserName: 'operator-2', PasswordResetRequired: false })
    const none = await failure(client.send(new GetLoginProfileCommand({ UserName: 'robot-1' })))
    expect(none.name).to.equal('NoSuchEntityException')
    expect(none.$metadata).to.include({ httpStatusCode: 404 })
  })

  it('gives policies with their documents, and says when there is no password policy', async () => {
    const organization = buildOrganization()
    const account = organization.organization!.MasterAccountId
    await using simulator = await startSimulator({ organization, rates: unlimited })
    const client = clientsOf(simulator).iam
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess'
    const { Policy } = await client.send(new GetPolicyCommand({ PolicyArn }))
    const { PolicyVersion } = await client.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy!.DefaultVersionId }))
    expect(JSON.parse(decodeURIComponent(PolicyVersion!.Document!)).Statement).to.deep.equal([
      { Effect: 'Allow', Action: '*', Resource: '*' },
    ])
    expect((await client.send(new GetAccountPasswordPolicyCommand({}))).PasswordPolicy?.MinimumPasswordLength).to.equal(14)
    organization.iam[account] = emptyIam()
    expect((await failure(client.send(new GetAccountPasswordPolicyCommand({})))).name).to.equal('NoSuchEntityException')
  })

  it('makes a credential report and hands it out again for four hours', async () => {
    let now = new Date('2026-06-01T08:00:00Z')
    const organization = buildOrganization()
    await using simulator = await startSimulator({ organization, now: () => now })
    const client = clientsOf(simulator).iam
    const absent = await failure(client.send(new GetCredentialReportCommand({})))
    expect(absent.$metadata).to.include({ httpStatusCode: 410 })
    expect((await client.send(new GenerateCredentialReportCommand({}))).State).to.equal('STARTED')
    const report = await client.send(new GetCredentialReportCommand({}))
    const [head, root, robot, operator] = Buffer.from(report.Content!)
      .toString()
      .split('\n')
      .map(line => line.split(','))
    expect(head).to.have.length(22).and.include.members(['user', 'mfa_active', 'access_key_2_last_used_service'])
    for (const row of [root, robot, operator]) expect(row).to.have.length(22)
    const cell = (row: string[], name: string) => row[head!.indexOf(name)]
    expect(cell(root!, 'user')).to.equal('<root_account>')
    expect([cell(robot!, 'user'), cell(robot!, 'access_key_1_active'), cell(robot!, 'password_enabled')]).to.deep.equal([
      'robot-1',
      'true',
      'false',
    ])
    expect([cell(operator!, 'user'), cell(operator!, 'mfa_active'), cell(operator!, 'password_enabled')]).to.deep.equal([
      'operator-2',
      'true',
      'true',
    ])
    now = new Date('2026-06-01T11:59:59Z')
    expect((await client.send(new GenerateCredentialReportCommand({}))).State).to.equal('COMPLETE')
    expect((await client.send(new GetCredentialReportCommand({}))).GeneratedTime).to.deep.equal(new Date('2026-06-01T08:00:00Z'))
    now = new Date('2026-06-01T12:00:00Z')
    expect((await client.send(new GenerateCredentialReportCommand({}))).State).to.equal('STARTED')
    expect((await client.send(new GetCredentialReportCommand({}))).GeneratedTime).to.deep.equal(now)
  })
})
