import { ListUsersCommand } from '@aws-sdk/client-identitystore'
import { ListPermissionSetsCommand } from '@aws-sdk/client-sso-admin'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { expect } from 'chai'
import { buildOrganization, startSimulator } from '../../src/simulator/index.ts'
import { baseKeys, clientsOf, failure, type Keys, post } from './clients.ts'

const RoleSessionName = 'evidence-run-1'

async function withRoles(options: { now?: () => Date; sessionSeconds?: number } = {}) {
  const organization = buildOrganization({ users: 4, groups: 1 })
  const management = organization.organization!.MasterAccountId
  const guarded = `arn:aws:iam::${management}:role/evidence/EvidencedReader`
  const open = `arn:aws:iam::${management}:role/Open`
  const { sessionSeconds } = options
  const simulator = await startSimulator({
    organization,
    trust: [
      { roleArn: guarded, externalId: 'correct-horse', ...(sessionSeconds === undefined ? {} : { sessionSeconds }) },
      { roleArn: open, externalId: null },
    ],
    ...(options.now ? { now: options.now } : {}),
  })
  return { organization, management, guarded, open, simulator }
}

describe('STS and credentials on the wire', () => {
  it('tells the base identity who it is', async () => {
    const { simulator, management } = await withRoles()
    await using _ = simulator
    const identity = await clientsOf(simulator).sts.send(new GetCallerIdentityCommand({}))
    expect(identity).to.include({ Account: management, Arn: `arn:aws:iam::${management}:user/collector` })
  })

  it('gives a session for the right external id, and the session works', async () => {
    const { simulator, guarded, management, organization } = await withRoles()
    await using _ = simulator
    const { sts } = clientsOf(simulator)
    const { Credentials, AssumedRoleUser } = await sts.send(
      new AssumeRoleCommand({ RoleArn: guarded, RoleSessionName, ExternalId: 'correct-horse' }),
    )
    const arn = `arn:aws:sts::${management}:assumed-role/EvidencedReader/evidence-run-1`
    expect(AssumedRoleUser?.Arn).to.equal(arn)
    expect(Credentials?.AccessKeyId).to.match(/^ASIA/)
    expect(Credentials!.Expiration!.getTime() - Date.now()).to.be.within(3_590_000, 3_600_000)
    const session = clientsOf(simulator, { credentials: keysOf(Credentials!) })
    expect((await session.sts.send(new GetCallerIdentityCommand({}))).Arn).to.equal(arn)
    const { IdentityStoreId } = organization.instance!
    expect((await session.identityStore.send(new ListUsersCommand({ IdentityStoreId }))).Users).to.have.length(4)
    expect(simulator.calls.at(-1)).to.include({ operation: 'ListUsers', caller: arn })
  })

  it('refuses a missing or wrong external id and an unknown role with one and the same text', async () => {
    const { simulator, guarded, management } = await withRoles()
    await using _ = simulator
    const { sts } = clientsOf(simulator)
    const unknown = `arn:aws:iam::${management}:role/Nobody`
    for (const input of [
      { RoleArn: guarded },
      { RoleArn: guarded, ExternalId: 'wrong' },
      { RoleArn: unknown, ExternalId: 'correct-horse' },
    ]) {
      const error = await failure(sts.send(new AssumeRoleCommand({ ...input, RoleSessionName })))
      expect(error.name).to.equal('AccessDenied')
      expect(error.message).to.equal(
        `User: arn:aws:iam::${management}:user/collector is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn}`,
      )
      expect(error.$metadata).to.include({ httpStatusCode: 403 })
    }
  })

  it('accepts any external id for a role that demands none', async () => {
    const { simulator, open } = await withRoles()
    await using _ = simulator
    const { sts } = clientsOf(simulator)
    for (const ExternalId of [undefined, 'anything']) {
      const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: open, RoleSessionName, ExternalId }))
      expect(Credentials?.SessionToken).to.be.a('string')
    }
  })

  it('holds a chained session to one hour and a session name to its pattern', async () => {
    const { simulator, guarded, open } = await withRoles()
    await using _ = simulator
    const { sts } = clientsOf(simulator)
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: guarded, RoleSessionName, ExternalId: 'correct-horse' }),
    )
    const chained = clientsOf(simulator, { credentials: keysOf(Credentials!) }).sts
    const tooLong = await failure(chained.send(new AssumeRoleCommand({ RoleArn: open, RoleSessionName, DurationSeconds: 7200 })))
    expect(tooLong).to.include({ name: 'ValidationError' })
    expect(tooLong.message).to.contain('1 hour session limit for roles assumed by role chaining')
    for (const input of [{ RoleSessionName: 'no spaces' }, { RoleSessionName, DurationSeconds: 60 }]) {
      expect((await failure(sts.send(new AssumeRoleCommand({ RoleArn: open, ...input })))).name).to.equal('ValidationError')
    }
  })

  it('ends a session when its time is over, in the words of each protocol', async () => {
    let now = new Date('2026-06-01T08:00:00Z')
    const { simulator, guarded, organization } = await withRoles({ now: () => now, sessionSeconds: 1800 })
    await using _ = simulator
    const answer = await clientsOf(simulator).sts.send(
      new AssumeRoleCommand({ RoleArn: guarded, RoleSessionName, ExternalId: 'correct-horse' }),
    )
    expect(answer.Credentials?.Expiration).to.deep.equal(new Date('2026-06-01T08:30:00Z'))
    const { sso, sts } = clientsOf(simulator, { credentials: keysOf(answer.Credentials!) })
    const { InstanceArn } = organization.instance!
    now = new Date('2026-06-01T08:29:59Z')
    expect((await sso.send(new ListPermissionSetsCommand({ InstanceArn }))).PermissionSets).to.have.length(10)
    now = new Date('2026-06-01T08:30:00Z')
    const json = await failure(sso.send(new ListPermissionSetsCommand({ InstanceArn })))
    expect(json).to.include({ name: 'ExpiredTokenException', message: 'The security token included in the request is expired' })
    expect(json.$metadata).to.include({ httpStatusCode: 400 })
    const query = await failure(sts.send(new GetCallerIdentityCommand({})))
    expect(query.Code ?? query.name).to.match(/^ExpiredToken/)
    expect(query.$metadata).to.include({ httpStatusCode: 403 })
  })

  it('refuses keys that it does not know and tokens that do not belong to the key', async () => {
    const { simulator, guarded, organization } = await withRoles()
    await using _ = simulator
    const { InstanceArn } = organization.instance!
    const { Credentials } = await clientsOf(simulator).sts.send(
      new AssumeRoleCommand({ RoleArn: guarded, RoleSessionName, ExternalId: 'correct-horse' }),
    )
    const wrong: Keys[] = [
      { accessKeyId: 'AKIANOBODYKNOWSTHIS1', secretAccessKey: 'x' },
      { ...keysOf(Credentials!), sessionToken: 'other' },
      { ...baseKeys(simulator), sessionToken: 'superfluous' },
    ]
    for (const credentials of wrong) {
      const { sso, sts } = clientsOf(simulator, { credentials })
      const json = await failure(sso.send(new ListPermissionSetsCommand({ InstanceArn })))
      expect(json).to.include({ name: 'UnrecognizedClientException' })
      const query = await failure(sts.send(new GetCallerIdentityCommand({})))
      expect(query).to.include({ name: 'InvalidClientTokenId' })
      expect(query.$metadata).to.include({ httpStatusCode: 403 })
    }
    expect(simulator.calls.at(-1)).to.include({ caller: null, errorCode: 'InvalidClientTokenId' })
  })

  it('refuses requests without a signature, with half of one, or signed for another service', async () => {
    const { simulator } = await withRoles()
    await using _ = simulator
    const target = 'SWBExternalService.ListInstances'
    const key = simulator.env.AWS_ACCESS_KEY_ID
    const signed = (service: string) =>
      `AWS4-HMAC-SHA256 Credential=${key}/20260601/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=${'a'.repeat(64)}`
    expect((await post(simulator, 'sso', target, {}, null)).json.__type).to.equal('MissingAuthenticationTokenException')
    expect((await post(simulator, 'sso', target, {}, 'Bearer abc')).json.__type).to.equal('IncompleteSignatureException')
    expect((await post(simulator, 'sso', target, {}, signed('iam'))).json.__type).to.equal('InvalidSignatureException')
    expect((await post(simulator, 'sso', target, {}, signed('sso'))).status).to.equal(200)
  })

  it('answers GetCallerIdentity even under a denial', async () => {
    const { simulator, management } = await withRoles()
    await using _ = simulator
    simulator.deny('sts:*')
    expect((await clientsOf(simulator).sts.send(new GetCallerIdentityCommand({}))).Account).to.equal(management)
  })
})

function keysOf(credentials: {
  AccessKeyId?: string | undefined
  SecretAccessKey?: string | undefined
  SessionToken?: string | undefined
}): Keys {
  const { AccessKeyId, SecretAccessKey, SessionToken } = credentials
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! }
}
