import { GetAccountSummaryCommand } from '@aws-sdk/client-iam'
import { ListUsersCommand, paginateListUsers } from '@aws-sdk/client-identitystore'
import { ListAccountsCommand } from '@aws-sdk/client-organizations'
import { GetInlinePolicyForPermissionSetCommand, ListPermissionSetsCommand } from '@aws-sdk/client-sso-admin'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { expect } from 'chai'
import { buildOrganization, SimulatorError, type SimulatorOptions, startSimulator, unlimited } from '../../src/simulator/index.ts'
import { all, clientsOf, failure, post, signedFor } from './clients.ts'

async function small(options: Partial<SimulatorOptions> = {}) {
  const organization = buildOrganization({ users: 25, groups: 3, accounts: 30 })
  const simulator = await startSimulator({ organization, rates: unlimited, ...options })
  return { organization, simulator, ...organization.instance! }
}

describe('Denials', () => {
  it('names the caller, the action and the resource, and can be taken back', async () => {
    const { simulator, organization, InstanceArn } = await small()
    await using _ = simulator
    const PermissionSetArn = organization.permissionSets[0]!.PermissionSetArn
    const { sso } = clientsOf(simulator)
    const ask = () => sso.send(new GetInlinePolicyForPermissionSetCommand({ InstanceArn, PermissionSetArn }))
    simulator.deny('sso:GetInlinePolicyForPermissionSet')
    const error = await failure(ask())
    expect(error.name).to.equal('AccessDeniedException')
    expect(error.$metadata).to.include({ httpStatusCode: 400 })
    expect(error.message).to.equal(
      `User: arn:aws:iam::${organization.organization!.MasterAccountId}:user/collector is not authorized to perform: ` +
        `sso:GetInlinePolicyForPermissionSet on resource: ${PermissionSetArn} because no identity-based policy allows the sso:GetInlinePolicyForPermissionSet action`,
    )
    simulator.allow('sso:GetInlinePolicyForPermissionSet')
    expect((await ask()).InlinePolicy).to.be.a('string')
  })

  it('hits only the input it is meant for, or a whole service', async () => {
    const { simulator, organization, InstanceArn, IdentityStoreId } = await small()
    await using _ = simulator
    const [first, second] = organization.permissionSets.map(set => set.PermissionSetArn)
    const { iam, identityStore, sso } = clientsOf(simulator)
    simulator.deny('sso:GetInlinePolicyForPermissionSet', input => input.PermissionSetArn === second)
    await sso.send(new GetInlinePolicyForPermissionSetCommand({ InstanceArn, PermissionSetArn: first }))
    const refused = sso.send(new GetInlinePolicyForPermissionSetCommand({ InstanceArn, PermissionSetArn: second }))
    expect((await failure(refused)).name).to.equal('AccessDeniedException')
    simulator.deny('iam:*')
    const query = await failure(iam.send(new GetAccountSummaryCommand({})))
    expect(query.name).to.match(/^AccessDenied/)
    expect(query.$metadata).to.include({ httpStatusCode: 403 })
    expect((await identityStore.send(new ListUsersCommand({ IdentityStoreId }))).Users).to.have.length(25)
  })

  it('refuses a rule for an operation that does not exist', async () => {
    const { simulator } = await small()
    await using _ = simulator
    const rules = [
      () => simulator.deny('sso:GetInlinePolicy'),
      () => simulator.fault('ListUsrs', { kind: 'reset' }),
      () => simulator.hook('identitystore:ListAccounts', () => {}),
    ]
    for (const rule of rules) expect(rule).to.throw(SimulatorError).with.property('code', 'UNKNOWN_OPERATION')
  })
})

describe('Faults', () => {
  it('answers a server error as often as asked, then properly', async () => {
    const { simulator, IdentityStoreId } = await small()
    await using _ = simulator
    simulator.fault('identitystore:ListUsers', { kind: 'status', status: 500 }, 2)
    const once = clientsOf(simulator).identityStore
    const error = await failure(once.send(new ListUsersCommand({ IdentityStoreId })))
    expect(error.$metadata).to.include({ httpStatusCode: 500 })
    const retrying = clientsOf(simulator, { maxAttempts: 3 }).identityStore
    const { $metadata } = await retrying.send(new ListUsersCommand({ IdentityStoreId }))
    expect($metadata.attempts).to.equal(2)
    expect(simulator.calls.map(call => call.status)).to.deep.equal([500, 500, 200])
  })

  it('breaks the connection before or in the middle of the answer', async () => {
    const { simulator, IdentityStoreId } = await small()
    await using _ = simulator
    for (const kind of ['reset', 'truncate'] as const) {
      simulator.fault('identitystore:ListUsers', { kind })
      const error = await failure(clientsOf(simulator).identityStore.send(new ListUsersCommand({ IdentityStoreId })))
      expect(error.$metadata ?? {}).not.to.have.property('httpStatusCode', 400)
      expect(`${error.name} ${error.code} ${error.message}`).to.match(/ECONNRESET|aborted|JSON/i)
    }
    expect((await clientsOf(simulator).identityStore.send(new ListUsersCommand({ IdentityStoreId }))).Users).to.have.length(25)
  })

  it('hangs until the caller gives up, and does not keep a stopped simulator open', async () => {
    const { simulator, IdentityStoreId } = await small()
    simulator.fault('identitystore:ListUsers', { kind: 'hang' }, Number.POSITIVE_INFINITY)
    const { identityStore } = clientsOf(simulator)
    const abortSignal = AbortSignal.timeout(50)
    const error = await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId }), { abortSignal }))
    expect(error.name).to.equal('AbortError')
    const pending = failure(identityStore.send(new ListUsersCommand({ IdentityStoreId })))
    while (simulator.calls.length < 2) await new Promise(resolve => setImmediate(resolve))
    await simulator.stop()
    expect(await pending).to.be.instanceOf(Error)
  })

  it('can be late and right', async () => {
    const { simulator, IdentityStoreId } = await small()
    await using _ = simulator
    simulator.fault('identitystore:ListUsers', { kind: 'hang', ms: 40 })
    const before = performance.now()
    const { Users } = await clientsOf(simulator).identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    expect(Users).to.have.length(25)
    expect(performance.now() - before).to.be.at.least(39)
  })

  it('gives any AWS error with its members', async () => {
    const { simulator, IdentityStoreId } = await small()
    await using _ = simulator
    simulator.fault('identitystore:ListUsers', {
      kind: 'error',
      code: 'AccessDeniedException',
      message: 'The key is not yours.',
      members: { Reason: 'KMS_ACCESS_DENIED' },
    })
    const error = await failure(clientsOf(simulator).identityStore.send(new ListUsersCommand({ IdentityStoreId })))
    expect(error).to.include({ name: 'AccessDeniedException', message: 'The key is not yours.', Reason: 'KMS_ACCESS_DENIED' })
  })

  it('expires a page token and leaves first pages alone', async () => {
    const { simulator, organization, IdentityStoreId } = await small({ pageSize: 10 })
    await using _ = simulator
    const { identityStore, organizations } = clientsOf(simulator)
    simulator.fault('identitystore:ListUsers', { kind: 'expired_page_token' })
    const { NextToken } = await identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    const expired = await failure(identityStore.send(new ListUsersCommand({ IdentityStoreId, NextToken })))
    expect(expired.name).to.equal('ValidationException')
    const users = await all(paginateListUsers({ client: identityStore }, { IdentityStoreId }), page => page.Users)
    expect(users).to.have.length(organization.users.length)
    simulator.fault('ListAccounts', { kind: 'expired_page_token' })
    const accounts = await organizations.send(new ListAccountsCommand({}))
    const late = await failure(organizations.send(new ListAccountsCommand({ NextToken: accounts.NextToken })))
    expect(late).to.include({ name: 'InvalidInputException', Reason: 'INVALID_NEXT_TOKEN' })
  })

  it('repeats a token, serves a row twice, or loses one', async () => {
    const { simulator, organization, IdentityStoreId } = await small({ pageSize: 10 })
    await using _ = simulator
    const { identityStore } = clientsOf(simulator)
    const ask = (NextToken?: string) => identityStore.send(new ListUsersCommand({ IdentityStoreId, NextToken }))
    const ids = organization.users.map(user => user.UserId)
    const read = async () => {
      const users = await all(paginateListUsers({ client: identityStore }, { IdentityStoreId }), page => page.Users)
      return users.map(user => user.UserId)
    }

    simulator.fault('identitystore:ListUsers', { kind: 'repeat_token' })
    const first = await ask()
    expect((await ask(first.NextToken)).NextToken).to.equal(first.NextToken)
    expect((await ask(first.NextToken)).NextToken)
      .to.be.a('string')
      .and.not.equal(first.NextToken)

    simulator.fault('identitystore:ListUsers', { kind: 'duplicate_items' }, 1, input => input.NextToken !== undefined)
    expect(await read()).to.deep.equal([...ids.slice(0, 10), ...ids.slice(9)])
    simulator.fault('identitystore:ListUsers', { kind: 'duplicate_items' })
    expect(await read()).to.deep.equal([...ids.slice(0, 10), ids[0], ...ids.slice(10)])
    simulator.fault('identitystore:ListUsers', { kind: 'missing_items' })
    expect(await read()).to.deep.equal(ids.slice(1))
    expect(await read()).to.deep.equal(ids)
  })

  it('ends the session for good when its credentials expire', async () => {
    const roleArn = 'arn:aws:iam::111122223333:role/Reader'
    const { simulator, organization } = await small({ trust: [{ roleArn, externalId: null }] })
    await using _ = simulator
    organization.delegations.push({ accountId: '111122223333', servicePrincipal: 'sso.amazonaws.com', enabledAt: new Date() })
    const { sts } = clientsOf(simulator)
    const session = async () => {
      const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'evidence' }))
      const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!
      return clientsOf(simulator, {
        credentials: { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! },
      })
    }
    const { InstanceArn } = organization.instance!
    const old = await session()
    simulator.fault('ListPermissionSets', { kind: 'expired_credentials' })
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await failure(old.sso.send(new ListPermissionSetsCommand({ InstanceArn })))
      expect(error.name).to.equal('ExpiredTokenException')
    }
    const renewed = await session()
    expect((await renewed.sso.send(new ListPermissionSetsCommand({ InstanceArn }))).PermissionSets).to.have.length(10)
  })

  it('hits only the input it is meant for', async () => {
    const { simulator, organization, InstanceArn } = await small()
    await using _ = simulator
    const [first, second] = organization.permissionSets.map(set => set.PermissionSetArn)
    const { sso } = clientsOf(simulator)
    const fault = { kind: 'error', code: 'ThrottlingException', message: 'Rate exceeded' } as const
    simulator.fault('GetInlinePolicyForPermissionSet', fault, 1, input => input.PermissionSetArn === second)
    await sso.send(new GetInlinePolicyForPermissionSetCommand({ InstanceArn, PermissionSetArn: first }))
    const error = await failure(sso.send(new GetInlinePolicyForPermissionSetCommand({ InstanceArn, PermissionSetArn: second })))
    expect(error).to.include({ name: 'ThrottlingException', message: 'Rate exceeded' })
  })
})

describe('Hooks', () => {
  it('run before the answer and may change the organization', async () => {
    const { simulator, organization, IdentityStoreId } = await small()
    await using _ = simulator
    const seen: unknown[] = []
    simulator.hook('identitystore:ListUsers', async input => {
      await Promise.resolve()
      seen.push(input.IdentityStoreId)
      organization.users.pop()
    })
    const { Users } = await clientsOf(simulator).identityStore.send(new ListUsersCommand({ IdentityStoreId }))
    expect(Users).to.have.length(24)
    expect(seen).to.deep.equal([IdentityStoreId])
  })

  it('show their own failure instead of looking like AWS', async () => {
    const { simulator } = await small()
    await using _ = simulator
    simulator.hook('ListAccounts', () => {
      throw new Error('the test is wrong')
    })
    const { json, status } = await post(simulator, 'organizations', 'AWSOrganizationsV20161128.ListAccounts', {})
    expect(status).to.equal(500)
    expect(json.__type).to.equal('SimulatorFailure')
    expect(json.Message).to.contain('the test is wrong')
  })
})

describe('Unknown operations', () => {
  it('answer UnknownOperationException, and InvalidAction where the protocol is query', async () => {
    const { simulator } = await small()
    await using _ = simulator
    for (const target of ['SWBExternalService.ListEverything', 'SWBExternalService.toString', 'AWSNowhere.ListAll']) {
      const { json, status } = await post(simulator, 'sso', target, {})
      expect({ status, type: json.__type }).to.deep.equal({ status: 400, type: 'UnknownOperationException' })
    }
    const authorization = signedFor(simulator, 'sts')
    const body = 'Action=GetEverybody&Version=2011-06-15'
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const response = await fetch(simulator.url, { method: 'POST', headers, body })
    expect(response.status).to.equal(400)
    expect(await response.text()).to.contain('<Type>Sender</Type><Code>InvalidAction</Code>')
  })
})
