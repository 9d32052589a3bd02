/** How a dataset is read, as far as judging needs it. */
export interface DatasetFacts {
  /** IAM action that reads it; what an unknown names when nothing better is known */
  readonly action: string
  /** datasets that say which parts this one has; unread parents hide whole parts of it */
  readonly parents: readonly string[]
}

/**
 * The datasets of docs/datasets.md: the words a control may list under `datasets`, and what to grant when one was not read.
 * A test holds this against that page.
 */
export const datasets: { readonly [name: string]: DatasetFacts } = {
  'sso.instances': { action: 'sso:ListInstances', parents: [] },
  'sso.instance_details': { action: 'sso:DescribeInstance', parents: [] },
  'sso.permission_set_arns': { action: 'sso:ListPermissionSets', parents: [] },
  'sso.permission_sets': { action: 'sso:DescribePermissionSet', parents: ['sso.permission_set_arns'] },
  'sso.inline_policies': { action: 'sso:GetInlinePolicyForPermissionSet', parents: ['sso.permission_set_arns'] },
  'sso.managed_policies': { action: 'sso:ListManagedPoliciesInPermissionSet', parents: ['sso.permission_set_arns'] },
  'sso.customer_managed_policy_references': {
    action: 'sso:ListCustomerManagedPolicyReferencesInPermissionSet',
    parents: ['sso.permission_set_arns'],
  },
  'sso.permissions_boundaries': {
    action: 'sso:GetPermissionsBoundaryForPermissionSet',
    parents: ['sso.permission_set_arns'],
  },
  'sso.provisioned_accounts': { action: 'sso:ListAccountsForProvisionedPermissionSet', parents: ['sso.permission_set_arns'] },
  'sso.account_assignments': {
    action: 'sso:ListAccountAssignments',
    parents: ['sso.permission_set_arns', 'sso.provisioned_accounts'],
  },
  'sso.applications': { action: 'sso:ListApplications', parents: [] },
  'sso.application_assignments': { action: 'sso:ListApplicationAssignments', parents: ['sso.applications'] },
  'identitystore.users': { action: 'identitystore:ListUsers', parents: [] },
  'identitystore.groups': { action: 'identitystore:ListGroups', parents: [] },
  'identitystore.group_memberships': { action: 'identitystore:ListGroupMemberships', parents: ['identitystore.groups'] },
  'organizations.organizations': { action: 'organizations:DescribeOrganization', parents: [] },
  'organizations.roots': { action: 'organizations:ListRoots', parents: [] },
  'organizations.organizational_units': {
    action: 'organizations:ListOrganizationalUnitsForParent',
    parents: ['organizations.roots'],
  },
  'organizations.accounts': { action: 'organizations:ListAccounts', parents: [] },
}
