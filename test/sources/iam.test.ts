import { expect } from 'chai'
import { buildOrganization, type SimulatedOrganization, type TrustedRole } from '../../src/simulator/index.ts'
import { accountPolicy, datasets, requiredPolicy } from '../../src/sources/index.ts'
import { type Collected, collected, type FreshAws, type FreshOptions, freshAws } from './fresh-aws.ts'

const shape = { seed: 31, accounts: 5, users: 4, groups: 2, permissionSets: 3, applications: 1, iamUsers: 3 }
const externalId = 'an-external-id-for-members'
const iam = { roleName: 'audit/EvidencedIamReader', externalId, accounts: null }

const accountDatasets = datasets.filter(each => each.reach === 'account').map(each => each.name)

function trust(organization: SimulatedOrganization): TrustedRole[] {
  return organization.accounts.map(({ Id }) => ({ roleArn: `arn:aws:iam::${Id}:role/audit/EvidencedIamReader`, externalId }))
}

function freshIam(organization: SimulatedOrganization, options: FreshOptions = {}): Promise<FreshAws> {
  return freshAws(organization, {
    ...options,
    simulator: { trust: trust(organization), ...options.simulator },
    source: { iam, ...options.source },
  })
}

function coverageOf(found: Collected, accountId: string): { readonly [dataset: string]: readonly (string | undefined)[] } {
  return Object.fromEntries(
    accountDatasets.map(name => {
      const parts = [...found.parts.values()].filter(each => each.dataset === name && each.accountId === accountId)
      return [name, [...new Set(parts.map(part => part.end?.coverage))]]
    }),
  )
}

/** Every dataset of the account, with this coverage alone. */
function all(coverage: string) {
  return Object.fromEntries(accountDatasets.map(name => [name, [coverage]]))
}

describe('IAM of the accounts', () => {
  for (const pageSize of [1, 1000]) {
    it(`is read in every active account, with a role of that account, in pages of ${pageSize}`, async () => {
      const organization = buildOrganization(shape)
      await using fresh = await freshIam(organization, { simulator: { pageSize, trust: trust(organization) } })
      const found = await collected(fresh)
      const active = organization.accounts.filter(account => account.State === 'ACTIVE')
      const suspended = organization.accounts.filter(account => account.State !== 'ACTIVE')
      expect(suspended).to.have.length(1)
      for (const account of active) expect(coverageOf(found, account.Id)).to.deep.equal(all('complete'))
      expect(coverageOf(found, suspended[0]!.Id)).to.deep.equal(all('not_applicable'))
      expect(found.part('iam.users', '', suspended[0]!.Id).end.reason).to.include('SUSPENDED')

      const users = active.flatMap(account => organization.iam[account.Id]!.users)
      const keysOf = (dataset: string) => [...found.rows(dataset).keys()].sort()
      expect(keysOf('iam.users')).to.deep.equal(users.map(user => user.Arn).sort())
      expect(keysOf('iam.user_details')).to.deep.equal(users.map(user => user.Arn).sort())
      expect(keysOf('iam.access_keys')).to.deep.equal(
        users.flatMap(user => user.accessKeys.map(key => `${user.Arn}|${key.AccessKeyId}`)).sort(),
      )
      expect(keysOf('iam.access_keys_last_used')).to.deep.equal(keysOf('iam.access_keys'))
      expect(keysOf('iam.mfa_devices')).to.deep.equal(
        users.flatMap(user => user.mfaDevices.map(device => `${user.Arn}|${device.SerialNumber}`)).sort(),
      )
      expect(keysOf('iam.virtual_mfa_devices')).to.deep.equal(
        users.flatMap(user => user.mfaDevices.map(device => device.SerialNumber)).sort(),
      )
      expect(keysOf('iam.login_profiles')).to.deep.equal(
        users
          .filter(user => user.loginProfile !== null)
          .map(user => user.Arn)
          .sort(),
      )
      expect(keysOf('iam.account_summaries')).to.deep.equal(active.map(account => account.Id).sort())
      expect(keysOf('iam.credential_reports')).to.deep.equal(
        [...active.map(account => `arn:aws:iam::${account.Id}:root`), ...users.map(user => user.Arn)].sort(),
      )
      for (const role of found.rows('iam.role_details').values()) {
        expect(JSON.parse((role as { AssumeRolePolicyDocument: string }).AssumeRolePolicyDocument)).to.have.property('Statement')
      }
      const roles = found.rows('iam.roles')
      expect([...roles.keys()].sort()).to.deep.equal(keysOf('iam.role_details'))
      expect([...roles.keys()].some(arn => arn.includes('AWSReservedSSO_'))).to.equal(true)
      for (const policy of found.rows('iam.managed_policies').values()) {
        const [version] = (policy as { PolicyVersionList: { Document: string }[] }).PolicyVersionList
        expect(JSON.parse(version!.Document)).to.have.property('Statement')
      }
    })
  }

  it('keeps members as AWS types them: numbers, booleans, instants, lists', async () => {
    const organization = buildOrganization(shape)
    const { Id } = organization.accounts[0]!
    const [robot] = organization.iam[Id]!.users
    robot!.Tomorrow = { Nested: 'kept', List: ['one', 'two'] }
    robot!.Tags = [{ Key: 'owner', Value: 'a, "b" & <c>' }]
    robot!.inlinePolicies = { own: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}' }
    await using fresh = await freshIam(organization)
    const found = await collected(fresh)
    const user = found.rows('iam.users').get(robot!.Arn) as Record<string, unknown>
    expect(user.CreateDate).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(user.Tomorrow).to.deep.equal({ Nested: 'kept', List: ['one', 'two'] })
    const detail = found.rows('iam.user_details').get(robot!.Arn) as Record<string, unknown>
    expect(detail.Tags).to.deep.equal(robot!.Tags)
    expect(detail.GroupList).to.deep.equal(['robots'])
    expect(detail.AttachedManagedPolicies).to.deep.equal([])
    expect(detail.UserPolicyList).to.deep.equal([{ PolicyName: 'own', PolicyDocument: robot!.inlinePolicies.own }])
    expect(found.rows('iam.account_summaries').get(Id)).to.deep.include({ Users: 3, AccountMFAEnabled: 1 })
    expect(found.rows('iam.password_policies').get(Id)).to.deep.include({ MinimumPasswordLength: 14, RequireSymbols: true })
    const line = found.rows('iam.credential_reports').get(robot!.Arn) as Record<string, unknown>
    expect(line).to.include({ user: robot!.UserName, access_key_1_active: 'true', password_enabled: 'false' })
    expect(line.GeneratedTime).to.match(/^\d{4}-\d\d-\d\dT/)
  })

  it('has the same facts in whatever order AWS lists what is a set', async () => {
    const organization = buildOrganization(shape)
    const [robot] = organization.iam[organization.accounts[0]!.Id]!.users
    robot!.Tags = ['b', 'a', 'c'].map(Key => ({ Key, Value: Key }))
    robot!.groups = ['robots', 'admins']
    const [user] = organization.users
    user!.ExternalIds = ['scim', 'okta'].map(Issuer => ({ Issuer, Id: 'x' }))
    organization.rootFeatures = ['RootSessions', 'RootCredentialsManagement']
    await using fresh = await freshIam(organization)
    const factsOf = async () => {
      const found = await collected(fresh)
      return ['iam.user_details', 'identitystore.users', 'iam.organizations_features'].map(name =>
        Object.fromEntries(found.rows(name)),
      )
    }
    const first = await factsOf()
    for (const list of [robot!.Tags, robot!.groups, user!.ExternalIds, organization.rootFeatures]) (list as unknown[]).reverse()
    expect(await factsOf()).to.deep.equal(first)
    expect((first[0]![robot!.Arn] as { Tags: object }).Tags).to.deep.equal(['a', 'b', 'c'].map(Key => ({ Key, Value: Key })))
  })

  it('names members of its XML that nobody knows once in the log', async () => {
    const organization = buildOrganization(shape)
    for (const { users } of Object.values(organization.iam)) for (const user of users) user.Tomorrow = { Nested: 'kept' }
    const told: string[][] = []
    const log = {
      ...{ debug() {}, warn() {}, error() {} },
      info: (_event: string, nouns?: object) =>
        void ('members' in (nouns ?? {}) && told.push((nouns as { members: string[] }).members)),
    }
    await using fresh = await freshIam(organization, { aws: { log } })
    await collected(fresh)
    expect(told).to.have.length(1)
    expect(told[0]).to.include('iam:ListUsers Users[].Tomorrow')
    expect(new Set(told[0]).size).to.equal(told[0]!.length)
  })

  it('is denied in the account whose role is missing, and there only', async () => {
    const organization = buildOrganization(shape)
    const [, lost, ...others] = organization.accounts.filter(account => account.State === 'ACTIVE')
    const roles = trust(organization).filter(role => !role.roleArn.includes(lost!.Id))
    await using fresh = await freshIam(organization, { simulator: { trust: roles } })
    const found = await collected(fresh)
    expect(coverageOf(found, lost!.Id)).to.deep.equal(all('denied'))
    const [gap] = found.part('iam.users', '', lost!.Id).end.gaps
    expect(gap).to.include({ reason: 'access_denied', action: 'sts:AssumeRole', errorCode: 'AccessDenied' })
    expect(gap!.message).to.include(`arn:aws:iam::${lost!.Id}:role/audit/EvidencedIamReader`).and.not.include(externalId)
    for (const account of others) expect(coverageOf(found, account.Id)).to.deep.equal(all('complete'))
  })

  it('takes an account that was closed meanwhile, or left, for not applicable, and one that refuses for denied', async () => {
    const organization = buildOrganization({ ...shape, accounts: 7 })
    const [, closed, left, refusing] = organization.accounts.filter(account => account.State === 'ACTIVE')
    const away = [closed!.Id, left!.Id, refusing!.Id]
    const roles = trust(organization).filter(role => !away.some(id => role.roleArn.includes(id)))
    await using fresh = await freshIam(organization, { simulator: { trust: roles } })
    fresh.simulator.hook('AssumeRole', () => {
      closed!.State = 'CLOSED'
      organization.accounts = organization.accounts.filter(account => account !== left)
    })
    const found = await collected(fresh)
    expect(coverageOf(found, closed!.Id)).to.deep.equal(all('not_applicable'))
    expect(found.part('iam.users', '', closed!.Id).end.reason).to.include('State CLOSED now')
    expect(coverageOf(found, left!.Id)).to.deep.equal(all('not_applicable'))
    expect(found.part('iam.users', '', left!.Id).end.reason).to.include('left the organization')
    expect(coverageOf(found, refusing!.Id)).to.deep.equal(all('denied'))
    // once for all of them
    const pages = Math.ceil((organization.accounts.length + 1) / 20)
    expect(found.calls.filter(call => call.operation === 'ListAccounts')).to.have.length(2 * pages)
  })

  it('takes no account for one that left when the accounts are answered with an empty list', async () => {
    const organization = buildOrganization(shape)
    const refusing = organization.accounts.find(account => account.State === 'ACTIVE')!.Id
    const roles = trust(organization).filter(role => !role.roleArn.includes(refusing))
    await using fresh = await freshIam(organization, { simulator: { trust: roles } })
    const empty = { kind: 'replace', text: '"Accounts":[', by: '"Accounts":[],"Others":[' } as const
    fresh.simulator.hook('AssumeRole', () => fresh.simulator.fault('ListAccounts', empty, Number.POSITIVE_INFINITY))
    expect(coverageOf(await collected(fresh), refusing)).to.deep.equal(all('denied'))
  })

  it('reads nothing with a role that anyone may assume, without the external id or with a wrong one', async () => {
    const organization = buildOrganization(shape)
    const [, open, ...others] = organization.accounts.filter(account => account.State === 'ACTIVE')
    const roles = trust(organization).map(role => (role.roleArn.includes(open!.Id) ? { ...role, externalId: null } : role))
    await using fresh = await freshIam(organization, { simulator: { trust: roles } })
    const found = await collected(fresh)
    expect(coverageOf(found, open!.Id)).to.deep.equal(all('incomplete'))
    const [gap] = found.part('iam.users', '', open!.Id).end.gaps
    expect(gap).to.include({ reason: 'external_id_not_demanded', action: null, errorCode: 'EXTERNAL_ID_NOT_DEMANDED' })
    expect(gap!.message).to.include('evidenced aws trust-policy').and.not.include(externalId)
    for (const account of others) expect(coverageOf(found, account.Id)).to.deep.equal(all('complete'))
    const asked = fresh.simulator.calls.filter(
      call => call.operation === 'AssumeRole' && String(call.input.RoleArn).includes(others[0]!.Id),
    )
    const given = asked.map(call => call.input.ExternalId ?? null)
    expect(given.slice(0, 2)).to.deep.equal([externalId, null])
    expect(given[2]).to.match(/^not-/)
  })

  it('keeps a refused action apart from what it is about: keys unknown, users known', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshIam(organization)
    fresh.simulator.deny('iam:ListAccessKeys')
    const found = await collected(fresh)
    const active = organization.accounts.filter(account => account.State === 'ACTIVE')
    for (const { Id } of active) {
      const touched = { 'iam.access_keys': ['denied'], 'iam.access_keys_last_used': ['denied'] }
      expect(coverageOf(found, Id)).to.deep.equal({ ...all('complete'), ...touched })
    }
    for (const gap of found.gaps('iam.access_keys')) expect(gap).to.include({ action: 'iam:ListAccessKeys' })
  })

  it('takes a user deleted after it was listed for gone, confirmed by listing again', async () => {
    const organization = buildOrganization({ ...shape, accounts: 1 })
    const { Id } = organization.accounts[0]!
    const gone = organization.iam[Id]!.users[0]!
    await using fresh = await freshIam(organization)
    fresh.simulator.hook('iam:ListAccessKeys', () => {
      organization.iam[Id]!.users = organization.iam[Id]!.users.filter(user => user !== gone)
    })
    const found = await collected(fresh)
    expect(found.part('iam.access_keys', gone.Arn, Id).end.coverage).to.equal('complete_with_changes')
    expect(found.part('iam.login_profiles', gone.Arn, Id).rows.size).to.equal(0)
  })

  it('takes an access key deleted after it was listed for gone, and a refusal for one', async () => {
    const organization = buildOrganization(shape)
    const [user] = organization.iam[organization.accounts[0]!.Id]!.users.filter(each => each.accessKeys.length > 0)
    const key = user!.accessKeys[0]!.AccessKeyId
    await using fresh = await freshIam(organization)
    fresh.simulator.hook('GetAccessKeyLastUsed', input => {
      if (input.AccessKeyId === key) user!.accessKeys = user!.accessKeys.filter(each => each.AccessKeyId !== key)
    })
    const gone = await collected(fresh)
    const { end } = gone.part('iam.access_keys_last_used', `${user!.Arn}|${key}`)
    expect(end).to.include({ coverage: 'complete_with_changes' })
    expect(end.reason).to.include('the access key was deleted')
    fresh.simulator.deny('iam:GetAccessKeyLastUsed')
    const refused = await collected(fresh)
    for (const gap of refused.gaps('iam.access_keys_last_used'))
      expect(gap).to.include({ reason: 'access_denied', action: 'iam:GetAccessKeyLastUsed' })
    expect(refused.gaps('iam.access_keys_last_used')).to.not.have.length(0)
  })

  it('takes a refusal for one when the list of keys that should tell is malformed', async () => {
    const organization = buildOrganization({ ...shape, accounts: 1 })
    for (const [text, by] of [
      ['AccessKeyMetadata>', 'Others>'],
      ['AccessKeyId>', 'Name>'],
    ] as const) {
      await using fresh = await freshIam(organization)
      fresh.simulator.deny('iam:GetAccessKeyLastUsed')
      fresh.simulator.hook('GetAccessKeyLastUsed', () => {
        fresh.simulator.fault('iam:ListAccessKeys', { kind: 'replace', text, by }, Number.POSITIVE_INFINITY)
      })
      const found = await collected(fresh)
      // keys of users who were listed meanwhile are not known, and that is said of the dataset as a whole
      const ofKeys = [...found.parts.values()].filter(part => part.dataset === 'iam.access_keys_last_used' && part.parent !== '')
      const ends = ofKeys.map(part => part.end!)
      expect(ends, text).to.not.have.length(0)
      for (const end of ends) expect(end, text).to.include({ coverage: 'denied' })
    }
  })

  it('begins a list again when its page token is refused', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshIam(organization, { simulator: { pageSize: 1, trust: trust(organization) } })
    fresh.simulator.fault('iam:ListUsers', { kind: 'expired_page_token' })
    const found = await collected(fresh)
    const active = organization.accounts.filter(account => account.State === 'ACTIVE')
    const users = active.flatMap(account => organization.iam[account.Id]!.users)
    expect(found.rows('iam.users').size).to.equal(users.length)
    expect(found.calls.filter(call => call.dataset === 'iam.users' && call.page === 1)).to.have.length(active.length + 1)
  })

  it('has no password policy where none is set, and no login profile where there is no password', async () => {
    const organization = buildOrganization(shape)
    const { Id } = organization.accounts[0]!
    organization.iam[Id]!.passwordPolicy = null
    await using fresh = await freshIam(organization)
    const found = await collected(fresh)
    expect(found.part('iam.password_policies', '', Id)).to.deep.include({ rows: new Map() })
    expect(found.part('iam.password_policies', '', Id).end.coverage).to.equal('complete')
  })

  it('waits for a credential report that is not made yet', async () => {
    const organization = buildOrganization({ ...shape, accounts: 1 })
    await using fresh = await freshIam(organization)
    fresh.simulator.fault('GetCredentialReport', { kind: 'error', code: 'ReportInProgress', status: 404 }, 2)
    const found = await collected(fresh)
    const { Id } = organization.accounts[0]!
    expect(found.part('iam.credential_reports', '', Id).end.coverage).to.equal('complete')
    expect(found.rows('iam.credential_reports').size).to.equal(4)
  })

  it('is asked of the accounts that are named, and of no others', async () => {
    const organization = buildOrganization(shape)
    const wanted = organization.accounts[2]!.Id
    await using fresh = await freshIam(organization, { source: { iam: { ...iam, accounts: [wanted] } } })
    const found = await collected(fresh)
    const own = organization.organization!.MasterAccountId
    const accounts = new Set(
      [...found.parts.values()].filter(part => accountDatasets.includes(part.dataset)).map(part => part.accountId),
    )
    expect([...accounts].sort()).to.deep.equal([own, wanted].sort())
    expect(coverageOf(found, wanted)).to.deep.equal(all('complete'))
    expect(coverageOf(found, own)).to.deep.equal(all('not_applicable'))
  })

  it('says that accounts may be missing when they could not be listed', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshIam(organization)
    fresh.simulator.deny('organizations:ListAccounts')
    const found = await collected(fresh)
    const { Id, MasterAccountId } = organization.organization!
    const { end } = found.part('iam.users', Id, MasterAccountId)
    expect(end.coverage).to.equal('denied')
    expect(end.gaps[0]).to.include({ reason: 'parent_not_read', action: 'organizations:ListAccounts' })
    expect(found.rows('iam.users').size).to.equal(0)
  })

  it('is not touched unless it is configured', async () => {
    await using fresh = await freshAws(buildOrganization(shape))
    const found = await collected(fresh)
    expect(found.calls.filter(call => call.service === 'iam')).to.deep.equal([])
    expect([...found.parts.values()].filter(part => part.dataset.startsWith('iam.'))).to.deep.equal([])
  })

  it('holds the text of every AWS managed policy of the permission sets, once', async () => {
    const organization = buildOrganization({ ...shape, permissionSets: 8 })
    const [set] = organization.permissionSets
    const boundary = organization.managedPolicies[0]!
    set!.permissionsBoundary = { ManagedPolicyArn: boundary.Arn }
    await using fresh = await freshIam(organization)
    const found = await collected(fresh)
    const wanted = new Set([
      boundary.Arn,
      ...organization.permissionSets.flatMap(each => each.managedPolicies.map(one => one.Arn)),
    ])
    const rows = found.rows('iam.policy_documents')
    expect([...rows.keys()].sort()).to.deep.equal([...wanted].sort())
    for (const [arn, facts] of rows) {
      const policy = organization.managedPolicies.find(each => each.Arn === arn)!
      const version = policy.versions.find(each => each.VersionId === policy.DefaultVersionId)!
      expect(facts).to.include({ Arn: arn, DefaultVersionId: policy.DefaultVersionId, Document: version.Document })
    }
    const asked = fresh.simulator.calls.filter(call => call.operation === 'GetPolicyVersion')
    expect(asked).to.have.length(wanted.size)
    expect([...found.rows('iam.organizations_features').values()]).to.deep.equal([
      { OrganizationId: organization.organization!.Id, EnabledFeatures: ['RootCredentialsManagement'] },
    ])
  })

  it('takes IAM without trusted access for no root features, and names the account where others cannot ask', async () => {
    const organization = buildOrganization(shape)
    organization.rootFeatures = null
    await using fresh = await freshIam(organization)
    const found = await collected(fresh)
    const { end, rows } = found.part('iam.organizations_features', '')
    expect(end).to.include({ coverage: 'not_enabled' })
    expect(end.reason).to.include('ServiceAccessNotEnabledException')
    expect([end.gaps, rows.size]).to.deep.equal([[], 0])
  })

  it('needs what the printed policies allow and nothing else', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshIam(organization)
    const { calls } = await collected(fresh)
    const actionsOf = (policy: unknown) =>
      (policy as { Statement: { Action: string[] }[] }).Statement.flatMap(statement => statement.Action)
    const own = organization.organization!.MasterAccountId
    const inAccounts = new Set(
      calls.filter(call => call.service === 'iam' && call.place.accountId !== own).map(call => `iam:${call.operation}`),
    )
    expect([...inAccounts].sort()).to.deep.equal([...actionsOf(accountPolicy('aws'))].sort())
    const collector = actionsOf(requiredPolicy('aws', { iam: true }))
    expect(collector).to.include.members(['iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:ListOrganizationsFeatures'])
    expect(actionsOf(requiredPolicy('aws')).some(action => action.startsWith('iam:'))).to.equal(false)
  })

  it('costs what the plan predicts from the last counts', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshIam(organization)
    const first = await collected(fresh)
    const counts = Object.fromEntries(datasets.map(({ name }) => [name, first.rows(name).size]))
    for (const account of Object.values(organization.iam)) account.credentialReport = null
    const { plan, calls } = await collected(fresh, { counts })
    const made = new Map<string, number>()
    for (const { dataset = 'none' } of calls) made.set(dataset, (made.get(dataset) ?? 0) + 1)
    for (const step of plan.steps) expect(made.get(step.dataset) ?? 0, step.dataset).to.equal(step.calls)
  })

  it('takes a credential report without a line for none, except in China, where accounts have no root user', async () => {
    for (const [partition, region, coverage] of [
      ['aws-cn', 'cn-north-1', 'complete'],
      ['aws', 'us-east-1', 'incomplete'],
    ] as const) {
      const organization = buildOrganization({ ...shape, partition, region, iamUsers: 0 })
      const roles = organization.accounts.map(({ Id }) => `arn:${partition}:iam::${Id}:role/audit/EvidencedIamReader`)
      await using fresh = await freshIam(organization, { simulator: { trust: roles.map(roleArn => ({ roleArn, externalId })) } })
      if (partition === 'aws')
        fresh.simulator.hook('GetCredentialReport', () => {
          for (const { credentialReport } of Object.values(organization.iam))
            if (credentialReport !== null) credentialReport.content = 'user,arn\n'
        })
      const found = await collected(fresh)
      const { end, rows } = found.part('iam.credential_reports', '', organization.accounts[0]!.Id)
      expect([end.coverage, rows.size], partition).to.deep.equal([coverage, 0])
    }
  })

  it('goes on from where an interrupted run was', async () => {
    const organization = buildOrganization(shape)
    await using fresh = await freshIam(organization)
    const first = await collected(fresh)
    const { Id } = organization.accounts[0]!
    const done = new Set([`iam.role_details ${Id} us-east-1 `])
    const second = await collected(fresh, { done })
    expect(second.parts.size).to.be.lessThan(first.parts.size)
    expect(() => second.part('iam.role_details', '', Id)).to.throw()
  })
})
