import { type Call, required, type Service, WireError } from './call.ts'
import { credentialReport } from './credential-report.ts'
import {
  emptyIam,
  type SimulatedIam,
  type SimulatedIamAccessKey,
  type SimulatedIamGroup,
  type SimulatedIamRole,
  type SimulatedIamUser,
  type SimulatedManagedPolicy,
} from './iam-account.ts'
import { type List, page } from './paging.ts'
import { reservedRoles } from './reserved-roles.ts'
import { wireMembers } from './wire.ts'

/** IAM of the account whose credentials ask. Policy documents are URL-encoded (RFC 3986), as AWS sends them. */
export const iam: Service = {
  name: 'iam',
  protocol: 'query',
  target: '2010-05-08',
  resource: call => `arn:${call.organization.partition}:iam::${call.caller.accountId}:*`,
  operations: {
    ListUsers: call => {
      const { rows, next } = page(call, iamOf(call).users, users)
      return { Users: rows.map(without('PermissionsBoundary', 'Tags')), ...more(next) }
    },
    ListRoles: call => {
      const { rows, next } = page(call, rolesOf(call), roles)
      const listed = without('PermissionsBoundary', 'RoleLastUsed', 'Tags')
      return {
        Roles: rows.map(role => ({ ...listed(role), AssumeRolePolicyDocument: encoded(role.AssumeRolePolicyDocument) })),
        ...more(next),
      }
    },
    GetAccountAuthorizationDetails: call => {
      const { rows, next } = page(call, entities(call), details)
      const of = (kind: Entity['kind']) => rows.filter(one => one.kind === kind).map(one => one.detail)
      return {
        UserDetailList: of('User'),
        GroupDetailList: of('Group'),
        RoleDetailList: of('Role'),
        Policies: [...of('LocalManagedPolicy'), ...of('AWSManagedPolicy')],
        ...more(next),
      }
    },
    GetAccountSummary: call => {
      const { users: people, groups: sets, policies, root } = iamOf(call)
      const inUse = people.reduce((sum, user) => sum + user.mfaDevices.length, root.mfa ? 1 : 0)
      return {
        SummaryMap: new Map([
          ['Users', people.length],
          ['Groups', sets.length],
          ['Roles', rolesOf(call).length],
          ['Policies', policies.length],
          ['MFADevices', inUse],
          ['MFADevicesInUse', inUse],
          ['AccountMFAEnabled', Number(root.mfa)],
          ['AccountAccessKeysPresent', Number(root.accessKeys)],
          ['AccountPasswordPresent', Number(root.passwordLastUsed !== null)],
          ['AccountSigningCertificatesPresent', 0],
          ['AccessKeysPerUserQuota', 2],
        ]),
      }
    },
    GetAccountPasswordPolicy: call => {
      const { passwordPolicy } = iamOf(call)
      if (!passwordPolicy) throw noEntity(`The Password Policy with domain name ${call.caller.accountId} cannot be found.`)
      return { PasswordPolicy: passwordPolicy }
    },
    GenerateCredentialReport: call => {
      const account = iamOf(call)
      const age = account.credentialReport ? call.now.getTime() - account.credentialReport.generatedAt.getTime() : Infinity
      if (age < reuseMs) return { State: 'COMPLETE' }
      account.credentialReport = { content: credentialReport(account, call), generatedAt: call.now }
      return { State: 'STARTED', Description: 'No report exists. Starting a new report generation task' }
    },
    GetCredentialReport: call => {
      const report = iamOf(call).credentialReport
      if (!report) throw new WireError('ReportNotPresent', 'No report exists', 410)
      return { Content: Buffer.from(report.content), ReportFormat: 'text/csv', GeneratedTime: report.generatedAt }
    },
    ListAccessKeys: call => {
      const user = userOf(call)
      const { rows, next } = page(call, user.accessKeys, keys)
      return { AccessKeyMetadata: rows.map(key => ({ UserName: user.UserName, ...wireMembers(key) })), ...more(next) }
    },
    GetAccessKeyLastUsed: call => {
      const id = required(call.input, 'AccessKeyId', 'ValidationError')
      const user = iamOf(call).users.find(one => one.accessKeys.some(key => key.AccessKeyId === id))
      const used = user?.accessKeys.find(key => key.AccessKeyId === id)?.lastUsed
      if (!user)
        throw new WireError(
          'AccessDenied',
          `User: ${call.caller.arn} is not authorized to perform: iam:GetAccessKeyLastUsed`,
          403,
        )
      return { UserName: user.UserName, AccessKeyLastUsed: used ?? { ServiceName: 'N/A', Region: 'N/A' } }
    },
    ListMFADevices: call => {
      const user = userOf(call)
      const { rows, next } = page(call, user.mfaDevices, devices)
      return { MFADevices: rows.map(device => ({ UserName: user.UserName, ...device })), ...more(next) }
    },
    ListVirtualMFADevices: call => {
      const account = iamOf(call)
      const virtual = account.users.flatMap(user =>
        user.mfaDevices.filter(one => one.SerialNumber.includes(':mfa/')).map(one => ({ ...one, User: without()(user) })),
      )
      const { rows, next } = page(call, virtual, devices)
      return { VirtualMFADevices: rows, ...more(next) }
    },
    GetLoginProfile: call => {
      const user = userOf(call)
      if (!user.loginProfile) throw noEntity(`Login Profile for User ${user.UserName} cannot be found.`)
      return { LoginProfile: { UserName: user.UserName, ...user.loginProfile } }
    },
    GetPolicy: call => ({ Policy: wireMembers(policyOf(call)) }),
    GetPolicyVersion: call => {
      const policy = policyOf(call)
      const id = required(call.input, 'VersionId', 'ValidationError')
      const version = policy.versions.find(one => one.VersionId === id)
      if (!version) throw noEntity(`Policy ${policy.Arn} version ${id} does not exist or is not attachable.`)
      return { PolicyVersion: { ...version, Document: encoded(version.Document) } }
    },
    ListOrganizationsFeatures: call => {
      const { organization } = call.organization
      if (!organization || call.caller.accountId !== organization.MasterAccountId) {
        throw new WireError(
          'AccountNotManagementOrDelegatedAdministratorException',
          'The request was rejected because the account making the request is not the management account or delegated administrator account for centralized root access.',
        )
      }
      const { rootFeatures } = call.organization
      if (rootFeatures === null) {
        throw new WireError(
          'ServiceAccessNotEnabledException',
          'The request was rejected because trusted access is not enabled for IAM in Organizations.',
        )
      }
      return { OrganizationId: organization.Id, EnabledFeatures: rootFeatures }
    },
    ListAccountAliases: call => {
      const { rows, next } = page(call, iamOf(call).aliases, aliases)
      return { AccountAliases: rows, ...more(next) }
    },
  },
}

/** AWS hands the same report out again for four hours. */
const reuseMs = 4 * 3_600_000

interface Entity {
  readonly kind: 'User' | 'Group' | 'Role' | 'LocalManagedPolicy' | 'AWSManagedPolicy'
  readonly arn: string
  readonly detail: object
}

const thousand = { maximum: 1000, usual: 100, style: 'iam' } as const
const users: List<SimulatedIamUser> = { ...thousand, key: one => one.UserId }
const roles: List<SimulatedIamRole> = { ...thousand, key: one => one.RoleId }
const keys: List<SimulatedIamAccessKey> = { ...thousand, key: one => one.AccessKeyId }
const devices: List<{ SerialNumber: string }> = { ...thousand, key: one => one.SerialNumber }
const aliases: List<string> = { ...thousand, key: one => one }
const details: List<Entity> = { ...thousand, key: one => one.arn }

function iamOf(call: Call): SimulatedIam {
  const { iam: all } = call.organization
  const { accountId } = call.caller
  const known = all[accountId]
  if (known) return known
  const made = emptyIam()
  all[accountId] = made
  return made
}

/** An account's own roles and those that Identity Center keeps in it. */
function rolesOf(call: Call): SimulatedIamRole[] {
  return [...iamOf(call).roles, ...reservedRoles(call.organization, call.caller.accountId)]
}

function entities(call: Call): Entity[] {
  const account = iamOf(call)
  const asked = call.input.Filter
  const wanted = Array.isArray(asked) && asked.length > 0 ? new Set(asked.map(String)) : null
  const functions = rolesOf(call)
  const attached = new Set(
    [...account.users, ...account.groups, ...functions].flatMap(one => one.attachedPolicies.map(policy => policy.PolicyArn)),
  )
  const inUse = call.organization.managedPolicies.filter(policy => attached.has(policy.Arn))
  const all: Entity[] = [
    ...account.users.map(one => ({ kind: 'User' as const, arn: one.Arn, detail: userDetail(one) })),
    ...account.groups.map(one => ({ kind: 'Group' as const, arn: one.Arn, detail: groupDetail(one) })),
    ...functions.map(one => ({ kind: 'Role' as const, arn: one.Arn, detail: roleDetail(one) })),
    ...account.policies.map(one => ({ kind: 'LocalManagedPolicy' as const, arn: one.Arn, detail: policyDetail(one) })),
    ...inUse.map(one => ({ kind: 'AWSManagedPolicy' as const, arn: one.Arn, detail: policyDetail(one) })),
  ]
  return wanted ? all.filter(one => wanted.has(one.kind)) : all
}

function userDetail(user: SimulatedIamUser): object {
  return {
    ...without('PasswordLastUsed')(user),
    UserPolicyList: inline(user.inlinePolicies),
    GroupList: user.groups,
    AttachedManagedPolicies: user.attachedPolicies,
  }
}

function groupDetail(group: SimulatedIamGroup): object {
  return { ...wireMembers(group), GroupPolicyList: inline(group.inlinePolicies), AttachedManagedPolicies: group.attachedPolicies }
}

function roleDetail(role: SimulatedIamRole): object {
  return {
    ...without('Description', 'MaxSessionDuration', 'SourceRoleTemplate')(role),
    AssumeRolePolicyDocument: encoded(role.AssumeRolePolicyDocument),
    InstanceProfileList: [],
    RolePolicyList: inline(role.inlinePolicies),
    AttachedManagedPolicies: role.attachedPolicies,
  }
}

function policyDetail(policy: SimulatedManagedPolicy): object {
  return {
    ...without('Tags')(policy),
    PolicyVersionList: policy.versions.map(version => ({ ...version, Document: encoded(version.Document) })),
  }
}

function inline(policies: { [name: string]: string }): object[] {
  return Object.entries(policies).map(([PolicyName, document]) => ({ PolicyName, PolicyDocument: encoded(document) }))
}

/** RFC 3986: what encodeURIComponent leaves alone beyond the unreserved characters is encoded too. */
function encoded(document: string): string {
  return encodeURIComponent(document).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function without(...names: string[]): (value: object) => Record<string, unknown> {
  return value => {
    const members: Record<string, unknown> = { ...wireMembers(value) }
    for (const name of names) delete members[name]
    return members
  }
}

function userOf(call: Call): SimulatedIamUser {
  const name = call.input.UserName
  if (name === undefined && call.caller.isSession) {
    throw new WireError('ValidationError', 'Must specify userName when calling with non-User credentials')
  }
  const wanted = name === undefined ? call.caller.arn.slice(call.caller.arn.lastIndexOf('/') + 1) : String(name)
  const user = iamOf(call).users.find(one => one.UserName === wanted)
  if (!user) throw noEntity(`The user with name ${wanted} cannot be found.`)
  return user
}

function policyOf(call: Call): SimulatedManagedPolicy {
  const arn = required(call.input, 'PolicyArn', 'ValidationError')
  const policy = [...iamOf(call).policies, ...call.organization.managedPolicies].find(one => one.Arn === arn)
  if (!policy) throw noEntity(`Policy ${arn} was not found.`)
  return policy
}

function noEntity(message: string): WireError {
  return new WireError('NoSuchEntity', message, 404)
}

function more(next: string | undefined): object {
  return next === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: next }
}
