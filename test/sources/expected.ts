import type { SimulatedOrganization } from '../../src/simulator/index.ts'

/** What a complete collection of a simulated organization must hold, by dataset and key, worked out from the organization itself. */
export function expectedOf(organization: SimulatedOrganization): ReadonlyMap<string, ReadonlyMap<string, unknown>> {
  const { instance, permissionSets, applications } = organization
  const details = (set: (typeof permissionSets)[number]) => set.PermissionSetArn
  const pairs = new Map(
    [...organization.provisionedPairs, ...organization.assignments].map(pair => [
      `${pair.PermissionSetArn}|${pair.AccountId}`,
      pair.AccountId,
    ]),
  )
  const datasets: { readonly [dataset: string]: readonly (readonly [string, unknown])[] } = {
    'organizations.organizations':
      organization.organization === null ? [] : [[organization.organization.Id, organization.organization]],
    'organizations.roots': organization.roots.map(root => [root.Id, root]),
    'organizations.organizational_units': organization.ous.map(ou => [ou.Id, ou]),
    'organizations.accounts': organization.accounts.map(account => [account.Id, account]),
    'identitystore.users': organization.users.map(user => [user.UserId, user]),
    'identitystore.groups': organization.groups.map(group => [group.GroupId, group]),
    'identitystore.group_memberships': organization.memberships.map(each => [`${each.GroupId}|${each.MemberId.UserId}`, each]),
    'sso.instances': instance === null ? [] : [[instance.InstanceArn, instance]],
    'sso.instance_details': instance === null ? [] : [[instance.InstanceArn, { ...instance, ...instance.details }]],
    'sso.permission_set_arns': permissionSets.map(set => [details(set), { PermissionSetArn: details(set) }]),
    'sso.permission_sets': permissionSets.map(set => [details(set), set]),
    'sso.inline_policies': permissionSets.map(set => [details(set), { InlinePolicy: set.inlinePolicy }]),
    'sso.managed_policies': permissionSets.flatMap(set =>
      set.managedPolicies.map(each => [`${details(set)}|${each.Arn}`, each] as const),
    ),
    'sso.customer_managed_policy_references': permissionSets.flatMap(set =>
      set.customerManagedPolicyReferences.map(each => [`${details(set)}|${each.Path}${each.Name}`, each] as const),
    ),
    'sso.permissions_boundaries': permissionSets.flatMap(set =>
      set.permissionsBoundary === null ? [] : [[details(set), set.permissionsBoundary] as const],
    ),
    'sso.provisioned_accounts': [...pairs].map(([key, accountId]) => [key, { AccountId: accountId }]),
    'sso.account_assignments': organization.assignments.map(each => [
      `${each.AccountId}|${each.PermissionSetArn}|${each.PrincipalType}|${each.PrincipalId}`,
      each,
    ]),
    'sso.applications': applications.map(application => [application.ApplicationArn, application]),
    'sso.tags': permissionSets.flatMap(set => set.tags.map(tag => [`${details(set)}|${tag.Key}`, tag] as const)),
    'sso.outdated_provisioned_accounts': organization.outdatedPairs.map(pair => [
      `${pair.PermissionSetArn}|${pair.AccountId}`,
      { AccountId: pair.AccountId },
    ]),
    'sso.access_control_attributes':
      instance === null || organization.accessControlAttributes === null
        ? []
        : [[instance.InstanceArn, organization.accessControlAttributes]],
    'sso.application_assignment_configurations': applications.map(each => [
      each.ApplicationArn,
      { AssignmentRequired: each.assignmentRequired },
    ]),
    'sso.application_session_configurations': applications.map(each => [
      each.ApplicationArn,
      { UserBackgroundSessionApplicationStatus: each.backgroundSessions },
    ]),
    'sso.application_access_scopes': applications.flatMap(each =>
      (each.accessScopes ?? []).map(scope => [`${each.ApplicationArn}|${scope.Scope}`, scope] as const),
    ),
    'sso.application_authentication_methods': applications.flatMap(each =>
      (each.authenticationMethods ?? []).map(
        method => [`${each.ApplicationArn}|${method.AuthenticationMethodType}`, method] as const,
      ),
    ),
    'sso.application_grants': applications.flatMap(each =>
      (each.grants ?? []).map(grant => [`${each.ApplicationArn}|${grant.GrantType}`, grant] as const),
    ),
    'sso.trusted_token_issuers': organization.trustedTokenIssuers.map(each => [each.TrustedTokenIssuerArn, each]),
    'sso.trusted_token_issuer_details': organization.trustedTokenIssuers.map(each => [
      each.TrustedTokenIssuerArn,
      { ...each, TrustedTokenIssuerConfiguration: each.configuration },
    ]),
    'organizations.tags': Object.entries(organization.organizationTags).flatMap(([id, tags]) =>
      tags.map(tag => [`${id}|${tag.Key}`, tag] as const),
    ),
    'organizations.policies': organization.policies.map(policy => [policy.Id, policy]),
    'organizations.policy_documents': organization.policies.map(policy => [policy.Id, { ...policy, Content: policy.content }]),
    'organizations.policy_targets': organization.policies.flatMap(policy =>
      policy.targets.map(id => [`${policy.Id}|${id}`, targetOf(organization, id)] as const),
    ),
    'organizations.delegated_administrators': [...new Set(organization.delegations.map(each => each.accountId))].map(id => {
      const { Paths: _, ...account } = organization.accounts.find(each => each.Id === id)!
      const first = organization.delegations.find(each => each.accountId === id)!
      return [id, { ...account, DelegationEnabledDate: first.enabledAt }]
    }),
    'organizations.delegated_services': organization.delegations.map(each => [
      `${each.accountId}|${each.servicePrincipal}`,
      { ServicePrincipal: each.servicePrincipal, DelegationEnabledDate: each.enabledAt },
    ]),
    'organizations.service_access': organization.serviceAccess.map(each => [each.ServicePrincipal, each]),
    'sso.application_assignments': organization.applicationAssignments.map(each => [
      `${each.ApplicationArn}|${each.PrincipalType}|${each.PrincipalId}`,
      each,
    ]),
  }
  return new Map(
    Object.entries(datasets).map(([name, rows]) => [name, new Map(rows.map(([key, facts]) => [key, onPaper(facts)]))]),
  )
}

function targetOf({ roots, ous, accounts }: SimulatedOrganization, id: string): object {
  const kinds = { ROOT: roots, ORGANIZATIONAL_UNIT: ous, ACCOUNT: accounts }
  for (const [Type, list] of Object.entries(kinds)) {
    const one = list.find(each => each.Id === id)
    if (one !== undefined) return { TargetId: id, Arn: one.Arn, Name: one.Name, Type }
  }
  throw new Error(`no target ${id}`)
}

const personal = ['Birthdate', 'Addresses', 'PhoneNumbers', 'Photos']

/** PascalCase members alone go on the wire; times are RFC 3339 text, with milliseconds only when there are some. */
function onPaper(value: unknown, isTop = true): unknown {
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z')
  if (Array.isArray(value)) return value.map(each => onPaper(each, false))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(
    ([name, inner]) => inner !== undefined && !(isTop && (/^[a-z]/.test(name) || personal.includes(name))),
  )
  return Object.fromEntries(members.map(([name, inner]) => [name, onPaper(inner, false)]))
}
