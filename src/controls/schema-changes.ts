import { derived, type Fields } from './field.ts'

const change: Fields = {
  name: derived('string', 'what changed, for people'),
  shownAt: derived('google.protobuf.Timestamp', 'when the first snapshot that shows it was sealed'),
  unchangedAt: derived('google.protobuf.Timestamp', 'when the last snapshot that shows the state before was sealed'),
  when: derived('string', 'between which two snapshots, for people'),
  isUndone: derived('bool', 'it is again as it was before'),
  approvals: derived('list<ChangeApproval>', 'imported approvals whose every filled cell fits it'),
  ambiguousApprovals: derived('list<string>', 'tickets that name it by a name which several things have: they count for nothing'),
}

/** What is not as it was in the earlier snapshots of the period. */
export const changesSchema: { readonly [type: string]: Fields } = {
  AdminGrant: {
    ...change,
    UserId: derived('string', 'id of the user'),
    AccountId: derived('string', 'twelve digits'),
    PermissionSetArn: derived('string', 'the ARN'),
    isGained: derived(
      'bool',
      'the user did not hold the set as administrator on the account before; a gap where a snapshot could not tell',
    ),
    how: derived('list<string>', 'assignment, membership, policy: what made it so'),
    groupName: derived('dyn', 'the group it came through; null when assigned directly'),
    users: derived('list<User>', 'the user; empty when there is none any more'),
  },
  PermissionSetChange: {
    ...change,
    PermissionSetArn: derived('string', 'the ARN'),
    isNew: derived('bool', 'the set was created'),
    isGone: derived('bool', 'the set was deleted'),
    differences: derived('list<string>', 'what was and what is, in words'),
  },
  OrganizationChange: {
    ...change,
    kind: derived('string', 'policy, attachment, delegation, delegationPolicy, organization or account'),
    resourceId: derived('string', 'id of what changed'),
    what: derived('string', 'created, deleted, attached, detached, added, gone, changed, ...'),
    policyType: derived('dyn', 'type of the policy; null for other kinds, and when nobody knows it any more'),
    differences: derived('list<string>', 'what was and what is, in words'),
  },
  NewIdentity: {
    ...change,
    kind: derived('string', 'user, iamUser or accessKey'),
    resourceId: derived('string', 'id or ARN'),
    people: derived('list<Person>', 'people of the roster that a user may be; unknown while no roster is imported'),
  },
  ChangeApproval: {
    ticket: derived('string', 'the ticket'),
    approver: derived('string', 'who approved'),
    requester: derived('dyn', 'who asked for it, or null'),
    approvedAt: derived('google.protobuf.Timestamp', 'when; a day means its end in UTC'),
    hoursAfter: derived(
      'double',
      'hours from the first snapshot that shows the change to the approval; negative when it came first',
    ),
    daysBefore: derived('double', 'days from the approval to the last snapshot before the change; negative when it came later'),
    isValid: derived('bool', 'its validUntil had not passed before the change'),
    isByAffected: derived('bool', 'the approver is the user who gains'),
  },
  Entitlement: {
    name: derived('string', 'who holds what, for people'),
    kind: derived('string', 'membership or assignment'),
    since: derived('Since', 'the first snapshot that shows it'),
    isPrivileged: derived('bool', 'an admin-equivalent permission set is assigned by it, or to the group'),
    decisions: derived('list<ReviewDecision>', 'imported decisions about it'),
    hasAmbiguousDecision: derived('bool', 'a decision names its account by a name that several have: it counts for nothing'),
  },
  ReviewDecision: {
    reviewer: derived('string', 'who decided'),
    reviewedAt: derived('google.protobuf.Timestamp', 'when; a day means its end in UTC'),
    decidedAt: derived(
      'google.protobuf.Timestamp',
      'the same; of a revoke that only says again what was decided, that of the first',
    ),
    decision: derived('string', 'keep or revoke'),
    isLast: derived('bool', 'no later decision is known, and of a keep no revoke of the same time'),
    hoursBefore: derived(
      'double',
      'from the decision to the first snapshot that shows what it is about as it is; 0 when it came later',
    ),
    isBySubject: derived('bool', 'the reviewer is the user whose access it is'),
  },
  Leaver: {
    name: derived('string', 'name of the person'),
    terminationDate: derived('google.protobuf.Timestamp', 'last day (its end in UTC) or moment'),
    identities: derived('list<LeaverIdentity>', 'users of the person, those that are gone by now too'),
  },
  LeaverIdentity: {
    UserName: derived('string', 'sign-in name'),
    isEnabled: derived('bool', 'it can still sign in'),
    enabledAfterHours: derived(
      'double',
      'hours from the termination to the last snapshot that shows the user enabled; not more than 0 when it was taken away before',
    ),
    takenAfterHours: derived(
      'double',
      'hours from the termination until it was disabled or gone, which lies between two snapshots',
    ),
    unseenHours: derived('double', 'hours between those two; where none showed it enabled, from the termination to the first'),
  },
}

const changeOf = (type: string, ...datasets: readonly string[]) => ({
  type,
  populations: ['import.approvals', 'history.snapshots', ...datasets],
})

/** Kinds of changes that controls judge, and what is reviewed. */
export const changeTypes = {
  adminGrant: changeOf('AdminGrant', 'identitystore.group_memberships', 'sso.account_assignments'),
  permissionSetChange: changeOf(
    'PermissionSetChange',
    'sso.permission_set_arns',
    'sso.permission_sets',
    'sso.inline_policies',
    'sso.managed_policies',
    'sso.customer_managed_policy_references',
    'sso.permissions_boundaries',
  ),
  organizationChange: changeOf(
    'OrganizationChange',
    'organizations.policies',
    'organizations.policy_documents',
    'organizations.policy_targets',
    'organizations.delegated_administrators',
    'organizations.delegated_services',
    'organizations.organizations',
    'organizations.accounts',
  ),
  newIdentity: changeOf('NewIdentity', 'identitystore.users', 'iam.users', 'iam.access_keys'),
  entitlement: {
    type: 'Entitlement',
    populations: ['import.reviews', 'sso.account_assignments', 'identitystore.group_memberships'],
  },
  leaver: { type: 'Leaver', populations: ['import.roster', 'history.snapshots', 'identitystore.users'] },
} as const
