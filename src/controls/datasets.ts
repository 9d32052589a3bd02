/** How a dataset is read, as far as judging needs it. */
export interface DatasetFacts {
  /** IAM action that reads it; what an unknown names when nothing better is known; null for what people import */
  readonly action: string | null
  /** datasets that say which parts this one has; unread parents hide whole parts of it */
  readonly parents: readonly string[]
  /** what to configure when it is not collected at all; absent where every collection reads it */
  readonly configure?: string
}

const iam = 'set `iam.roleName` of the source'
const sets = ['sso.permission_set_arns']
const applications = ['sso.applications']
const policies = ['organizations.policies']

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
  'sso.tags': { action: 'sso:ListTagsForResource', parents: sets },
  'sso.outdated_provisioned_accounts': { action: 'sso:ListAccountsForProvisionedPermissionSet', parents: sets },
  'sso.application_assignment_configurations': { action: 'sso:GetApplicationAssignmentConfiguration', parents: applications },
  'sso.application_session_configurations': { action: 'sso:GetApplicationSessionConfiguration', parents: applications },
  'sso.application_access_scopes': { action: 'sso:ListApplicationAccessScopes', parents: applications },
  'sso.application_authentication_methods': { action: 'sso:ListApplicationAuthenticationMethods', parents: applications },
  'sso.application_grants': { action: 'sso:ListApplicationGrants', parents: applications },
  'sso.trusted_token_issuers': { action: 'sso:ListTrustedTokenIssuers', parents: [] },
  'sso.trusted_token_issuer_details': { action: 'sso:DescribeTrustedTokenIssuer', parents: ['sso.trusted_token_issuers'] },
  'sso.access_control_attributes': { action: 'sso:DescribeInstanceAccessControlAttributeConfiguration', parents: [] },
  'organizations.tags': { action: 'organizations:ListTagsForResource', parents: ['organizations.accounts'] },
  'organizations.policies': { action: 'organizations:ListPolicies', parents: [] },
  'organizations.policy_documents': { action: 'organizations:DescribePolicy', parents: policies },
  'organizations.policy_targets': { action: 'organizations:ListTargetsForPolicy', parents: policies },
  'organizations.delegated_administrators': { action: 'organizations:ListDelegatedAdministrators', parents: [] },
  'organizations.delegated_services': {
    action: 'organizations:ListDelegatedServicesForAccount',
    parents: ['organizations.delegated_administrators'],
  },
  'organizations.service_access': { action: 'organizations:ListAWSServiceAccessForOrganization', parents: [] },
  'organizations.resource_policies': { action: 'organizations:DescribeResourcePolicy', parents: [] },
  'iam.users': { action: 'iam:ListUsers', parents: [], configure: iam },
  'iam.user_details': { action: 'iam:GetAccountAuthorizationDetails', parents: [], configure: iam },
  'iam.group_details': { action: 'iam:GetAccountAuthorizationDetails', parents: [], configure: iam },
  'iam.role_details': { action: 'iam:GetAccountAuthorizationDetails', parents: [], configure: iam },
  'iam.managed_policies': { action: 'iam:GetAccountAuthorizationDetails', parents: [], configure: iam },
  'iam.roles': { action: 'iam:ListRoles', parents: [], configure: iam },
  'iam.access_keys': { action: 'iam:ListAccessKeys', parents: ['iam.users'], configure: iam },
  'iam.access_keys_last_used': { action: 'iam:GetAccessKeyLastUsed', parents: ['iam.access_keys'], configure: iam },
  'iam.mfa_devices': { action: 'iam:ListMFADevices', parents: ['iam.users'], configure: iam },
  'iam.virtual_mfa_devices': { action: 'iam:ListVirtualMFADevices', parents: [], configure: iam },
  'iam.login_profiles': { action: 'iam:GetLoginProfile', parents: ['iam.users'], configure: iam },
  'iam.credential_reports': { action: 'iam:GetCredentialReport', parents: [], configure: iam },
  'iam.account_summaries': { action: 'iam:GetAccountSummary', parents: [], configure: iam },
  'iam.password_policies': { action: 'iam:GetAccountPasswordPolicy', parents: [], configure: iam },
  'iam.organizations_features': { action: 'iam:ListOrganizationsFeatures', parents: [], configure: iam },
  'iam.policy_documents': { action: 'iam:GetPolicyVersion', parents: ['sso.managed_policies'], configure: iam },
  'import.roster': { action: null, parents: [], configure: 'run `evidenced import roster FILE`' },
  'import.approvals': { action: null, parents: [], configure: 'run `evidenced import approvals FILE`' },
  'import.reviews': { action: null, parents: [], configure: 'run `evidenced import reviews FILE`' },
  'history.snapshots': {
    action: null,
    parents: [],
    configure: 'a change shows between two snapshots: run `evidenced collect` again',
  },
  'evidenced.cross_checks': { action: null, parents: [] },
  'evidenced.access_levels': {
    action: null,
    parents: [],
    configure: 'name the action in `allowedWriteActions` if it only reads',
  },
  'ledger.exceptions': { action: null, parents: [] },
  'ledger.snapshots': { action: null, parents: [] },
  'ledger.verifications': { action: null, parents: [], configure: 'run `evidenced verify-store`' },
  'import.attestations': { action: null, parents: [], configure: 'run `evidenced import attestations FILE`' },
}

/** What AWS answers; neither what people import nor what the store and the program know themselves. */
export const collectedDatasets: readonly string[] = Object.keys(datasets).filter(
  name => !/^(import|history|ledger|evidenced)\./.test(name),
)
