import { type Call, required, type Service, WireError } from './call.ts'
import { rowsWith, rowWith } from './lookup.ts'
import type {
  SimulatedApplicationAssignment,
  SimulatedAssignment,
  SimulatedInstance,
  SimulatedMembership,
  SimulatedPair,
  SimulatedPermissionSet,
  SimulatedRequest,
} from './organization.ts'
import { type List, page } from './paging.ts'
import { accountsOf, permissionSetsIn } from './provisioning.ts'
import { wireMembers } from './wire.ts'

/** IAM Identity Center's own API. Permission sets and assignments answer in the home Region alone, to the management account or the delegated administrator. */
export const ssoAdmin: Service = {
  name: 'sso',
  protocol: 'json',
  target: 'SWBExternalService',
  admit,
  resource: call => String(call.input.PermissionSetArn ?? call.input.ApplicationArn ?? call.input.InstanceArn ?? '*'),
  operations: {
    ListInstances: call => {
      const { instance } = call.organization
      const seen = instance && isEnabledIn(instance, call.region) ? [instance] : []
      const { rows, next } = page(call, seen, instances)
      return { Instances: rows.map(wireMembers), NextToken: next }
    },
    DescribeInstance: call => {
      const instance = instanceOf(call)
      return { ...wireMembers(instance), ...instance.details }
    },
    ListRegions: call => {
      const { rows, next } = page(call, instanceOf(call).Regions, regions)
      return { Regions: rows, NextToken: next }
    },
    DescribeInstanceAccessControlAttributeConfiguration: call => {
      instanceOf(call)
      const attributes = call.organization.accessControlAttributes
      if (!attributes) throw notFound('Attribute based access control is not enabled for this instance.')
      return wireMembers(attributes)
    },
    ListTrustedTokenIssuers: call => {
      instanceOf(call)
      const { rows, next } = page(call, call.organization.trustedTokenIssuers, issuers)
      return { TrustedTokenIssuers: rows.map(wireMembers), NextToken: next }
    },
    DescribeTrustedTokenIssuer: call => {
      const arn = required(call.input, 'TrustedTokenIssuerArn')
      const issuer = call.organization.trustedTokenIssuers.find(one => one.TrustedTokenIssuerArn === arn)
      if (!issuer) throw notFound(`TrustedTokenIssuer with ARN ${arn} not found.`)
      return { ...wireMembers(issuer), TrustedTokenIssuerConfiguration: issuer.configuration }
    },
    ListPermissionSets: call => {
      instanceOf(call)
      const { rows, next } = page(call, call.organization.permissionSets, permissionSets)
      return { PermissionSets: rows.map(setArnOf), NextToken: next }
    },
    DescribePermissionSet: call => ({ PermissionSet: wireMembers(permissionSetOf(call)) }),
    GetInlinePolicyForPermissionSet: call => ({ InlinePolicy: permissionSetOf(call).inlinePolicy }),
    GetPermissionsBoundaryForPermissionSet: call => {
      const { permissionsBoundary } = permissionSetOf(call)
      if (!permissionsBoundary) throw notFound('PermissionsBoundary not found for the PermissionSet.')
      return { PermissionsBoundary: permissionsBoundary }
    },
    ListManagedPoliciesInPermissionSet: call => {
      const { rows, next } = page(call, permissionSetOf(call).managedPolicies, managedPolicies)
      return { AttachedManagedPolicies: rows, NextToken: next }
    },
    ListCustomerManagedPolicyReferencesInPermissionSet: call => {
      const { rows, next } = page(call, permissionSetOf(call).customerManagedPolicyReferences, references)
      return { CustomerManagedPolicyReferences: rows, NextToken: next }
    },
    ListTagsForResource: call => {
      const arn = required(call.input, 'ResourceArn')
      const set = rowWith(call.organization.permissionSets, setArnOf, arn)
      if (!set && arn.includes(':permissionSet/')) throw noPermissionSet(arn)
      const { rows, next } = page(call, set?.tags ?? [], tags)
      return { Tags: rows, NextToken: next }
    },
    ListAccountsForProvisionedPermissionSet: call => {
      const { PermissionSetArn } = permissionSetOf(call)
      const status = call.input.ProvisioningStatus
      const outdated = new Set(call.organization.outdatedPairs.map(pairOf))
      const found = accountsOf(call.organization, PermissionSetArn).filter(AccountId => {
        const isOutdated = outdated.has(pairOf({ AccountId, PermissionSetArn }))
        return status === undefined || isOutdated === (status === 'LATEST_PERMISSION_SET_NOT_PROVISIONED')
      })
      const { rows, next } = page(call, found, texts)
      return { AccountIds: rows, NextToken: next }
    },
    ListPermissionSetsProvisionedToAccount: call => {
      instanceOf(call)
      const { rows, next } = page(call, permissionSetsIn(call.organization, accountOf(call)), texts)
      return { PermissionSets: rows, NextToken: next }
    },
    ListAccountAssignments: call => {
      const pair = { AccountId: accountOf(call), PermissionSetArn: permissionSetOf(call).PermissionSetArn }
      const { rows, next } = page(call, rowsWith(call.organization.assignments, pairOf, pairOf(pair)), assignments)
      return { AccountAssignments: rows.map(wireMembers), NextToken: next }
    },
    ListAccountAssignmentsForPrincipal: call => {
      const { rows, next } = page(call, assignmentsForPrincipal(call), assignments)
      return { AccountAssignments: rows.map(wireMembers), NextToken: next }
    },
    ...requestsOf(
      'creation',
      ['ListAccountAssignmentCreationStatus', 'AccountAssignmentsCreationStatus'],
      ['DescribeAccountAssignmentCreationStatus', 'AccountAssignmentCreationRequestId', 'AccountAssignmentCreationStatus'],
    ),
    ...requestsOf(
      'deletion',
      ['ListAccountAssignmentDeletionStatus', 'AccountAssignmentsDeletionStatus'],
      ['DescribeAccountAssignmentDeletionStatus', 'AccountAssignmentDeletionRequestId', 'AccountAssignmentDeletionStatus'],
    ),
    ...requestsOf(
      'provisioning',
      ['ListPermissionSetProvisioningStatus', 'PermissionSetsProvisioningStatus'],
      ['DescribePermissionSetProvisioningStatus', 'ProvisionPermissionSetRequestId', 'PermissionSetProvisioningStatus'],
    ),
    ListApplications: call => {
      instanceOf(call)
      const filter = call.input.Filter as { ApplicationAccount?: string; ApplicationProvider?: string } | undefined
      const found = call.organization.applications.filter(
        one =>
          (!filter?.ApplicationAccount || one.ApplicationAccount === filter.ApplicationAccount) &&
          (!filter?.ApplicationProvider || one.ApplicationProviderArn === filter.ApplicationProvider),
      )
      const { rows, next } = page(call, found, applications)
      return { Applications: rows.map(wireMembers), NextToken: next }
    },
    ListApplicationAssignments: call => {
      const arn = applicationOf(call).ApplicationArn
      const { rows, next } = page(
        call,
        rowsWith(call.organization.applicationAssignments, applicationArnOf, arn),
        applicationRows,
      )
      return { ApplicationAssignments: rows.map(wireMembers), NextToken: next }
    },
    DescribeApplication: call => wireMembers(applicationOf(call)),
    ListApplicationAccessScopes: call => {
      const { rows, next } = page(call, applicationOf(call).accessScopes ?? [], scopes)
      return { Scopes: rows, NextToken: next }
    },
    ListApplicationAuthenticationMethods: call => {
      const { rows, next } = page(call, applicationOf(call).authenticationMethods ?? [], methods)
      return { AuthenticationMethods: rows, NextToken: next }
    },
    ListApplicationGrants: call => {
      const { rows, next } = page(call, applicationOf(call).grants ?? [], grants)
      return { Grants: rows, NextToken: next }
    },
    GetApplicationAssignmentConfiguration: call => ({ AssignmentRequired: applicationOf(call).assignmentRequired }),
    GetApplicationSessionConfiguration: call => ({
      UserBackgroundSessionApplicationStatus: applicationOf(call).backgroundSessions,
    }),
  },
}

/** The list of one kind of request, which tells of each little more than its id, and what describes one. */
function requestsOf(
  kind: SimulatedRequest['kind'],
  [list, rows]: readonly [string, string],
  [describe, id, status]: readonly [string, string, string],
): Service['operations'] {
  return {
    [list]: call => {
      instanceOf(call)
      const wanted = (call.input.Filter as { Status?: string } | undefined)?.Status
      const found = call.organization.pendingRequests.filter(
        one => one.kind === kind && (wanted === undefined || one.Status === wanted),
      )
      const { rows: shown, next } = page(call, found, requests)
      return {
        [rows]: shown.map(({ RequestId, Status, CreatedDate }) => ({ RequestId, Status, CreatedDate })),
        NextToken: next,
      }
    },
    [describe]: call => {
      instanceOf(call)
      const asked = required(call.input, id)
      const request = call.organization.pendingRequests.find(one => one.kind === kind && one.RequestId === asked)
      if (!request) throw notFound(`Request ${asked} not found.`)
      const { AccountId, ...members } = request
      const target = kind === 'provisioning' ? { AccountId } : { TargetId: AccountId, TargetType: 'AWS_ACCOUNT' }
      return { [status]: wireMembers({ ...members, ...target }) }
    },
  }
}

const setArnOf = (set: SimulatedPermissionSet) => set.PermissionSetArn
const pairOf = (pair: SimulatedPair) => `${pair.AccountId}|${pair.PermissionSetArn}`
const principalOf = (assignment: SimulatedAssignment) => `${assignment.PrincipalType}|${assignment.PrincipalId}`
const applicationArnOf = (assignment: SimulatedApplicationAssignment) => assignment.ApplicationArn
const memberIdOf = (membership: SimulatedMembership) => membership.MemberId.UserId

const sso = { maximum: 100, style: 'sso' } as const
const instances: List<SimulatedInstance> = { ...sso, key: one => one.InstanceArn }
const regions: List<{ RegionName: string }> = { ...sso, key: one => one.RegionName }
const issuers: List<{ TrustedTokenIssuerArn: string }> = { ...sso, key: one => one.TrustedTokenIssuerArn }
const permissionSets: List<SimulatedPermissionSet> = { ...sso, key: setArnOf }
const managedPolicies: List<{ Name: string; Arn: string }> = { ...sso, key: one => one.Arn }
const references: List<{ Name: string; Path: string }> = { ...sso, key: one => one.Path + one.Name }
const requests: List<SimulatedRequest> = { ...sso, key: one => one.RequestId }
const tags: List<{ Key: string; Value: string }> = { ...sso, key: one => one.Key }
const texts: List<string> = { ...sso, key: one => one }
const assignments: List<SimulatedAssignment> = { ...sso, key: one => `${pairOf(one)}|${principalOf(one)}` }
const applications: List<{ ApplicationArn: string; [member: string]: unknown }> = {
  ...sso,
  maximum: 50,
  accepts: 100,
  key: one => one.ApplicationArn,
}
const applicationRows: List<SimulatedApplicationAssignment> = { ...sso, key: one => `${one.PrincipalType}|${one.PrincipalId}` }

const scopes: List<{ Scope: string }> = { ...sso, maximum: 10, key: one => one.Scope }
const methods: List<{ AuthenticationMethodType: string }> = { ...sso, key: one => one.AuthenticationMethodType }
const grants: List<{ GrantType: string }> = { ...sso, key: one => one.GrantType }

/** What answers in every Region where the instance is enabled; everything else in its home Region alone. */
const regional = new Set([
  'ListInstances',
  'DescribeInstance',
  'ListRegions',
  'ListApplications',
  'ListApplicationAssignments',
  'GetApplicationAssignmentConfiguration',
  'GetApplicationSessionConfiguration',
  'ListApplicationAccessScopes',
  'ListApplicationAuthenticationMethods',
  'ListApplicationGrants',
  'DescribeApplication',
  'ListTrustedTokenIssuers',
  'DescribeTrustedTokenIssuer',
])

/** A plain member may see that an instance exists (ListInstances) and nothing of it; AWS's text names no action then. */
function admit(call: Call): void {
  if (call.operation === 'ListInstances') return
  const { instance, organization, delegations } = call.organization
  const { accountId } = call.caller
  const mayAdminister =
    accountId === organization?.MasterAccountId ||
    accountId === instance?.OwnerAccountId ||
    delegations.some(one => one.accountId === accountId && one.servicePrincipal === 'sso.amazonaws.com')
  const reaches =
    instance && (regional.has(call.operation) ? isEnabledIn(instance, call.region) : instance.PrimaryRegion === call.region)
  if (!mayAdminister || !reaches) {
    throw new WireError('AccessDeniedException', 'You do not have sufficient access to perform this action.')
  }
}

function isEnabledIn(instance: SimulatedInstance, region: string): boolean {
  return instance.Regions.some(one => one.RegionName === region && one.Status === 'ACTIVE')
}

function instanceOf(call: Call): SimulatedInstance {
  const arn = required(call.input, 'InstanceArn')
  const { instance } = call.organization
  if (!instance || instance.InstanceArn !== arn)
    throw notFound(`Instance with the id ${arn.slice(arn.lastIndexOf('/') + 1)} not found.`)
  return instance
}

function permissionSetOf(call: Call): SimulatedPermissionSet {
  instanceOf(call)
  const arn = required(call.input, 'PermissionSetArn')
  const set = rowWith(call.organization.permissionSets, setArnOf, arn)
  if (!set) throw noPermissionSet(arn)
  return set
}

function noPermissionSet(arn: string): WireError {
  return notFound(`Could not find PermissionSet with id ${arn.slice(arn.lastIndexOf('/') + 1)}`)
}

function accountOf(call: Call): string {
  const id = required(call.input, 'AccountId')
  if (/^\d{12}$/.test(id)) return id
  throw new WireError(
    'ValidationException',
    `1 validation error detected: Value '${id}' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \\d{12}`,
  )
}

function applicationOf(call: Call) {
  const arn = required(call.input, 'ApplicationArn')
  const application = call.organization.applications.find(one => one.ApplicationArn === arn)
  if (!application) throw notFound(`Application with ARN ${arn} not found.`)
  return application
}

/** A user's answer also holds what comes from groups, named by the group. */
function assignmentsForPrincipal(call: Call): readonly SimulatedAssignment[] {
  instanceOf(call)
  const id = required(call.input, 'PrincipalId')
  const type = required(call.input, 'PrincipalType')
  if (type !== 'USER' && type !== 'GROUP') {
    throw new WireError(
      'ValidationException',
      `1 validation error detected: Value '${type}' at 'principalType' failed to satisfy constraint: Member must satisfy enum value set: [USER, GROUP]`,
    )
  }
  const { assignments: all, memberships } = call.organization
  const own = rowsWith(all, principalOf, `${type}|${id}`)
  const groups = type === 'USER' ? rowsWith(memberships, memberIdOf, id).map(one => one.GroupId) : []
  const inherited = groups.flatMap(group => rowsWith(all, principalOf, `GROUP|${group}`))
  const filter = call.input.Filter as { AccountId?: string } | undefined
  const found = [...own, ...inherited]
  return filter?.AccountId ? found.filter(one => one.AccountId === filter.AccountId) : found
}

function notFound(message: string): WireError {
  return new WireError('ResourceNotFoundException', message)
}
