import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { buildOrganization, emptyIam } from '../../src/simulator/index.ts'
import { diagnose, requiredPolicy } from '../../src/sources/index.ts'
import { type FreshAws, freshAws } from './fresh-aws.ts'

const organization = () =>
  buildOrganization({ seed: 4, accounts: 4, users: 6, groups: 2, permissionSets: 2, applications: 1, iamUsers: 0, defects: true })

const network = 'identitystore:DescribeIdentityStore'

describe('the diagnosis', () => {
  it('tries every permission once and is content when all is well', async () => {
    const made = organization()
    const roleArn = `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`
    await using fresh = await freshAws(made, {
      simulator: { trust: [{ roleArn, externalId: 'demanded' }] },
      source: { auth: { roleArn, externalId: 'demanded' } },
    })
    const { checks } = await diagnose(fresh.aws, fresh.source)
    expect(checks.slice(0, 7).map(each => [each.check, each.result])).to.deep.equal([
      ['credentials', 'warning'],
      ['role', 'ok'],
      ['external id', 'ok'],
      ['identity', 'ok'],
      ['clock', 'ok'],
      ['organization', 'ok'],
      ['instance', 'ok'],
    ])
    expect(checks[0]!.cause).to.include('long-term')
    expect(checks[7]).to.include({ check: 'access key', result: 'warning' })
    expect(checks.at(-1)).to.deep.include({ check: network, result: 'ok', cause: 'the store answers to every network' })
    const tried = checks.slice(8)
    const granted = (requiredPolicy('aws') as unknown as { Statement: { Action: string[] }[] }).Statement
    expect(tried.map(each => each.check).sort(), 'every action of the policy, once').to.deep.equal(
      granted.flatMap(statement => statement.Action).sort(),
    )
    // no one is delegated administrator here, no token issuer is trusted, and nothing is in progress
    const nothingToAsk = [
      'organizations:ListDelegatedServicesForAccount',
      'sso:DescribeTrustedTokenIssuer',
      'sso:DescribeAccountAssignmentCreationStatus',
      'sso:DescribeAccountAssignmentDeletionStatus',
      'sso:DescribePermissionSetProvisioningStatus',
    ]
    const others = tried.filter(each => each.result !== 'ok')
    expect(others.map(each => [each.check, each.result, each.losesNothing])).to.deep.equal(
      nothingToAsk.map(action => [action, 'skipped', true]),
    )
  })

  it('tries each question of an answer that takes several, and the questions of cross-checks', async () => {
    const of = buildOrganization({ seed: 5, accounts: 2, users: 3, groups: 1, permissionSets: 2, iamUsers: 1 })
    const [policy] = of.managedPolicies
    of.permissionSets[0]!.managedPolicies = [{ Name: policy!.PolicyName, Arn: policy!.Arn }]
    const trust = of.accounts.map(({ Id }) => ({ roleArn: `arn:aws:iam::${Id}:role/Reader`, externalId: null }))
    const iam = { roleName: 'Reader', externalId: null, accounts: null }
    await using fresh = await freshAws(of, { simulator: { trust }, source: { iam } })
    const asked = ['iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:GenerateCredentialReport', 'iam:GetCredentialReport']
    const resultOf = async (check: string) => (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === check)
    const { checks } = await diagnose(fresh.aws, fresh.source)
    for (const check of asked)
      expect(
        checks.filter(each => each.check === check),
        check,
      ).to.have.length(1)
    expect(checks.filter(each => each.result === 'failed')).to.deep.equal([])
    fresh.simulator.deny('iam:GenerateCredentialReport')
    const refused = await resultOf('iam:GenerateCredentialReport')
    expect(refused).to.include({ result: 'failed' })
    expect(refused!.remedy).to.include('"Action":"iam:GenerateCredentialReport"')
    fresh.simulator.deny('sso:ListAccountAssignmentsForPrincipal')
    const check = await resultOf('sso:ListAccountAssignmentsForPrincipal')
    expect(check).to.include({ result: 'warning', losesNothing: true })
    expect(check!.remedy).to.include('is not made without').and.include('"Action":"sso:ListAccountAssignmentsForPrincipal"')
  })

  it('gives the statement to paste for each action that is refused', async () => {
    await using fresh = await freshAws(organization())
    fresh.simulator.deny('identitystore:ListUsers')
    fresh.simulator.deny('sso:ListPermissionSets')
    const { checks } = await diagnose(fresh.aws, fresh.source)
    const failed = checks.filter(each => each.result === 'failed')
    expect(failed.map(each => each.check)).to.deep.equal(['identitystore:ListUsers', 'sso:ListPermissionSets'])
    const statement = JSON.parse(/Statement to paste: (\{.*\})/.exec(failed[0]!.remedy ?? '')?.[1] ?? 'null')
    expect(statement).to.deep.include({ Effect: 'Allow', Action: 'identitystore:ListUsers' })
    expect(statement.Resource).to.include('arn:aws:identitystore:::user/*')
    expect(failed[0]!.remedy).to.include('Identity Store has a prefix of its own')
    expect(failed[1]!.remedy).to.include('the prefix of IAM Identity Center is sso:')
    expect(checks.find(each => each.check === 'sso:DescribePermissionSet')).to.include({ result: 'skipped' })
  })

  it('names the refused list to everything that hangs from it, however far down', async () => {
    const below = async (refused: string) => {
      await using fresh = await freshAws(organization())
      fresh.simulator.deny(refused)
      const { checks } = await diagnose(fresh.aws, fresh.source)
      const cause = `what to ask it about is not known: ${refused} failed`
      return checks.filter(each => each.cause === cause)
    }
    const ofSets = await below('sso:ListPermissionSets')
    const losing = ofSets.filter(each => each.losesNothing === undefined).map(each => each.check)
    expect(losing).to.include.members(['sso:ListAccountsForProvisionedPermissionSet', 'sso:ListAccountAssignments'])
    const questions = async (refused: string) => (await below(refused)).filter(each => each.losesNothing).map(each => each.check)
    expect(await questions('sso:ListApplications')).to.deep.equal(['sso:DescribeApplication'])
    expect(await questions('organizations:ListAccounts')).to.include('sso:ListPermissionSetsProvisionedToAccount')
  })

  const denials: readonly [operation: string, message: string, remedy: string][] = [
    [
      'identitystore:ListUsers',
      'User: x is not authorized to perform: identitystore:ListUsers',
      'let the address or VPC endpoint of this process through',
    ],
    [
      'sso:ListPermissionSets',
      'x is not authorized to perform: y with an explicit deny in a service control policy',
      'service control policy denies sso:ListPermissionSets',
    ],
    ['sso:ListPermissionSets', 'x with an explicit deny in a resource control policy', 'resource control policy denies'],
    [
      'sso:ListPermissionSets',
      'x because no permissions boundary allows the y action',
      'permissions boundary of the role denies',
    ],
    ['sso:ListPermissionSets', 'x with an explicit deny in a VPC endpoint policy', 'policy of the VPC endpoint denies'],
    ['sso:ListPermissionSets', 'x because no session policy allows the y action', 'session policy of the role'],
    ['organizations:ListAccounts', "You don't have permissions to access this resource.", 'use a role in the management account'],
  ]
  for (const [operation, message, remedy] of denials)
    it(`tells what denies by AWS's words: ${message}`, async () => {
      await using fresh = await freshAws(organization())
      fresh.simulator.fault(operation, { kind: 'error', code: 'AccessDeniedException', message }, Infinity)
      const { checks } = await diagnose(fresh.aws, fresh.source)
      expect(checks.find(each => each.check === operation)?.remedy).to.include(remedy)
    })

  it('names the management account to a role of another, which AWS refuses without naming an action', async () => {
    const made = organization()
    const member = made.accounts.find(account => account.Id !== made.organization!.MasterAccountId)!.Id
    made.delegations.push({ accountId: member, servicePrincipal: 'sso.amazonaws.com', enabledAt: new Date() })
    const roleArn = `arn:aws:iam::${member}:role/Reader`
    await using fresh = await freshAws(made, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { auth: { roleArn, externalId: null } },
    })
    const message = "You don't have permissions to access this resource."
    fresh.simulator.fault('organizations:ListPolicies', { kind: 'error', code: 'AccessDeniedException', message }, Infinity)
    const { checks } = await diagnose(fresh.aws, fresh.source)
    expect(checks.find(each => each.check === 'organizations:ListPolicies')!.remedy).to.include(
      `this role is in account ${member}, the management account is ${made.organization!.MasterAccountId}`,
    )
  })

  it('stops at the step that fails, says why, and skips what rests on it', async () => {
    const made = organization()
    const roleArn = `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`
    await using fresh = await freshAws(made, { source: { auth: { roleArn, externalId: null } } })
    const { checks } = await diagnose(fresh.aws, fresh.source)
    expect(checks.map(each => [each.check, each.result])).to.deep.equal([
      ['credentials', 'warning'],
      ['role', 'failed'],
      ['external id', 'skipped'],
      ['identity', 'skipped'],
      ['clock', 'skipped'],
      ['organization', 'skipped'],
      ['instance', 'skipped'],
    ])
    expect(checks[1]!.remedy).to.include('sts:AssumeRole').and.include(':user/collector')
  })

  it('shows a clock that is ahead, and asks no more', async () => {
    await using fresh = await freshAws(organization(), { simulator: { now: () => new Date(Date.now() - 3_600_000) } })
    const { checks } = await diagnose(fresh.aws, fresh.source)
    const clock = checks.find(each => each.check === 'clock')!
    expect(clock).to.include({ result: 'failed' })
    expect(clock.cause).to.include('60 minutes ahead of AWS')
    expect(checks.filter(each => ['organization', 'instance'].includes(each.check)).map(each => each.result)).to.deep.equal([
      'skipped',
      'skipped',
    ])
    await using right = await freshAws(organization())
    const found = (await diagnose(right.aws, right.source)).checks.find(each => each.check === 'clock')
    expect(found).to.include({ result: 'ok' })
  })

  it('knows a session that the role does not give so long, in its own words and in those of a profile', async () => {
    const made = organization()
    const roleArn = `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`
    const message = 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining'
    await using fresh = await freshAws(made, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { auth: { roleArn, externalId: null } },
    })
    fresh.simulator.fault('sts:AssumeRole', { kind: 'error', code: 'ValidationError', message, status: 400 })
    const role = (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === 'role')!
    expect(role).to.include({ result: 'failed' })
    expect(role.cause).to.include('no session of 3600 seconds').and.include(roleArn)
    expect(role.remedy).to.include('maximum session duration')
    const folder = mkdtempSync(join(tmpdir(), 'evidenced-profile-'))
    const keys = `aws_access_key_id = ${fresh.simulator.env.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${fresh.simulator.env.AWS_SECRET_ACCESS_KEY}\n`
    const long = `[profile long]\nrole_arn = ${roleArn}\nsource_profile = base\nduration_seconds = 43200\nregion = eu-west-1\n`
    writeFileSync(join(folder, 'config'), `[profile base]\n${keys}${long}`)
    const before = { ...process.env }
    // the SDK reads profiles by the environment of the process
    const profile = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_PROFILE: 'long' }
    Object.assign(process.env, profile, { AWS_ENDPOINT_URL: fresh.simulator.url })
    const tooLong = { kind: 'error', code: 'ValidationError', message, status: 400 } as const
    fresh.simulator.fault('sts:AssumeRole', tooLong, 9, input => Number(input.DurationSeconds) > 3600)
    try {
      await using chained = await freshAws(made, {
        aws: { environment: { ...fresh.simulator.env, AWS_PROFILE: 'long' } },
      })
      const credentials = (await diagnose(chained.aws, chained.source)).checks[0]!
      expect(credentials).to.include({ check: 'credentials', result: 'failed' })
      expect(credentials.remedy).to.include('duration_seconds = 3600')
    } finally {
      for (const name of Object.keys(process.env)) delete process.env[name]
      Object.assign(process.env, before)
      rmSync(folder, { recursive: true })
    }
  })

  it('says whose applications are shown, where none are', async () => {
    const made = organization()
    made.applications = []
    await using own = await freshAws(made)
    const checkOf = async (fresh: FreshAws) =>
      (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === 'sso:ListApplications')!
    expect(await checkOf(own)).to.include({ result: 'ok', cause: 'allowed; there is not one application' })
    const delegate = made.accounts.at(-1)!.Id
    const roleArn = `arn:aws:iam::${delegate}:role/Reader`
    made.delegations.push({ accountId: delegate, servicePrincipal: 'sso.amazonaws.com', delegatedAt: new Date() } as never)
    await using other = await freshAws(made, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { auth: { roleArn, externalId: null } },
    })
    expect(await checkOf(other), 'the delegated administrator sees all').to.include({ result: 'ok' })
    other.simulator.deny('sso:ListPermissionSets')
    const found = await checkOf(other)
    expect(found).to.include({ result: 'warning', losesNothing: true })
    expect(found.cause).to.include(delegate).and.include(made.organization!.MasterAccountId)
  })

  it('takes what a partition does not offer for no fault of the set-up', async () => {
    await using fresh = await freshAws(organization())
    fresh.simulator.fault('sso:ListApplications', { kind: 'error', code: 'UnknownOperationException' }, Number.POSITIVE_INFINITY)
    const found = (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === 'sso:ListApplications')
    expect(found).to.include({ result: 'warning', remedy: null })
    expect(found!.cause).to.include('not_collectable')
  })

  it('warns of a directory without users, and says which one it is', async () => {
    const made = buildOrganization({
      seed: 4,
      accounts: 2,
      users: 0,
      groups: 0,
      permissionSets: 1,
      pairs: 0,
      assignments: 0,
      iamUsers: 0,
    })
    await using fresh = await freshAws(made)
    const { checks } = await diagnose(fresh.aws, fresh.source)
    const users = checks.find(each => each.check === 'identitystore:ListUsers')!
    expect(users.result).to.equal('warning')
    expect(users.cause)
      .to.include(made.instance!.IdentityStoreId)
      .and.include(made.organization!.MasterAccountId)
      .and.include('the organization instance')
  })

  it('tells how old a long-term key is, by the clock of AWS and not by its own', async () => {
    const made = organization()
    const management = made.organization!.MasterAccountId
    const CreateDate = new Date('2030-01-01T00:00:00Z')
    const key = { AccessKeyId: 'AKIASIMULATEDCALLER7', Status: 'Active' as const, CreateDate, lastUsed: null }
    const arn = `arn:aws:iam::${management}:user/collector`
    const user = { UserName: 'collector', Arn: arn, Path: '/', UserId: 'AIDA1', CreateDate }
    const nothing = {
      accessKeys: [key],
      mfaDevices: [],
      groups: [],
      inlinePolicies: {},
      attachedPolicies: [],
      loginProfile: null,
    }
    made.iam[management] = { ...emptyIam(), users: [{ ...user, ...nothing }] }
    for (const [now, result, days] of [
      ['2030-02-01T00:00:00Z', 'ok', 31],
      ['2030-12-31T12:00:00Z', 'warning', 364],
    ] as const) {
      // its own is four minutes behind, where it is a day less
      const own = () => new Date(Date.parse(now) - 240_000)
      await using fresh = await freshAws(made, { simulator: { now: () => new Date(now) }, aws: { now: own } })
      const found = (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === 'access key')
      expect(found).to.include({ result, cause: `made 2030-01-01, ${days} days ago by the clock of AWS` })
    }
    await using fresh = await freshAws(made)
    fresh.simulator.deny('iam:ListAccessKeys')
    const untold = (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === 'access key')
    expect(untold).to.include({ result: 'warning' })
    expect(untold!.cause).to.include('not known: iam:ListAccessKeys was answered with AccessDenied')
  })

  it('asks which networks the identity store answers to, where its reads are refused and where they are not', async () => {
    const made = organization()
    made.networkConfiguration = {
      VpceAccessRequired: true,
      ApiAllowSourceIps: ['192.0.2.0/24'],
      ScimAllowSourceIps: ['198.51.100.7'],
    }
    await using fresh = await freshAws(made)
    const found = async () => (await diagnose(fresh.aws, fresh.source)).checks.find(each => each.check === network)!
    const demands = 'the store answers only to VPC endpoints, the addresses 192.0.2.0/24'
    expect(await found()).to.include({ result: 'ok', cause: `${demands}: this process is let through` })
    fresh.simulator.deny('identitystore:ListUsers')
    expect(await found()).to.include({ result: 'failed', cause: demands })
    fresh.simulator.deny(network)
    const untold = await found()
    expect(untold).to.include({ result: 'warning' })
    expect(untold.cause).to.include('AccessDeniedException')
    expect(untold.remedy).to.include(`"Action":"${network}"`).and.include('ask it from where it lets you in')
    fresh.simulator.allow(network)
    fresh.simulator.fault(network, { kind: 'error', code: 'UnknownOperationException' })
    expect(await found()).to.include({ result: 'skipped' })
  })

  it("names a customer's own key, with the statement it needs, and one that is disabled", async () => {
    for (const [status, result] of [
      ['ENABLED', 'ok'],
      ['DISABLED', 'failed'],
    ]) {
      const made = organization()
      const KmsKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/1234'
      Object.assign(made.instance!.details, {
        EncryptionConfigurationDetails: { KeyType: 'CUSTOMER_MANAGED_KEY', KmsKeyArn, EncryptionStatus: status },
      })
      await using fresh = await freshAws(made)
      const { checks } = await diagnose(fresh.aws, fresh.source)
      const key = checks.find(each => each.check === 'encryption key')
      expect(key).to.include({ result, cause: `${KmsKeyArn} is ${status}` })
      if (result === 'ok') expect(key!.remedy).to.include(`"Resource":"${KmsKeyArn}"`)
    }
  })

  it('warns of a role that demands no external id', async () => {
    const made = organization()
    const roleArn = `arn:aws:iam::${made.organization!.MasterAccountId}:role/Reader`
    await using fresh = await freshAws(made, {
      simulator: { trust: [{ roleArn, externalId: null }] },
      source: { auth: { roleArn, externalId: null } },
    })
    const { checks } = await diagnose(fresh.aws, fresh.source)
    expect(checks.find(each => each.check === 'external id')).to.include({ result: 'warning' })
  })

  it('never throws for what AWS does', async () => {
    await using fresh = await freshAws(organization())
    await fresh.simulator.stop()
    const { checks } = await diagnose(fresh.aws, fresh.source)
    expect(checks.find(each => each.result === 'failed')).to.include({ check: 'identity' })
  })

  it('tries the role in every account, and says where it is missing and what to do', async () => {
    const of = buildOrganization({ seed: 5, accounts: 6, users: 3, groups: 1, permissionSets: 1, iamUsers: 2 })
    const active = of.accounts.filter(account => account.State === 'ACTIVE')
    const home = of.organization!.MasterAccountId
    const missing = [home, active.at(-1)!.Id].sort()
    const roleOf = (id: string) => `arn:aws:iam::${id}:role/EvidencedIamReader`
    const trust = active
      .filter(({ Id }) => !missing.includes(Id))
      .map(({ Id }) => ({ roleArn: roleOf(Id), externalId: 'members-only' }))
    const iam = { roleName: 'EvidencedIamReader', externalId: 'members-only', accounts: null }
    await using fresh = await freshAws(of, { simulator: { trust }, source: { iam } })
    fresh.simulator.deny('iam:ListAccessKeys')
    const { checks } = await diagnose(fresh.aws, fresh.source)
    const roles = checks.find(each => each.check === 'account roles')!
    expect(roles.result).to.equal('failed')
    expect(roles.cause).to.equal(`refused in 2 of ${active.length} accounts: ${missing.join(', ')}`)
    expect(roles.remedy).to.include('aws cloudformation --role iam').and.include('stack sets leave the management account out')
    expect(checks.find(each => each.check === 'account roles: external id')).to.include({ result: 'ok' })
    expect(checks.find(each => each.check === 'iam:ListAccessKeys')).to.include({ result: 'failed' })
    expect(checks.find(each => each.check === 'iam:GetAccountAuthorizationDetails')).to.include({ result: 'ok' })
    expect(checks.find(each => each.check === 'iam:GetCredentialReport')).to.include({ result: 'ok' })
  })

  it('finds an account role that anyone may assume who knows its name', async () => {
    const of = buildOrganization({ seed: 5, accounts: 1, users: 3, groups: 1, permissionSets: 1, iamUsers: 1 })
    const trust = [{ roleArn: `arn:aws:iam::${of.accounts[0]!.Id}:role/EvidencedIamReader`, externalId: null }]
    const iam = { roleName: 'EvidencedIamReader', externalId: 'members-only', accounts: null }
    await using fresh = await freshAws(of, { simulator: { trust }, source: { iam } })
    const { checks } = await diagnose(fresh.aws, fresh.source)
    expect(checks.find(each => each.check === 'account roles: external id')).to.include({ result: 'failed' })
  })
})
