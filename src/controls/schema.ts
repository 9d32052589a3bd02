import { derived, type Fields, linkOrNull, list, text, textOrNull, timeOrNull } from './field.ts'
import { changesSchema, changeTypes } from './schema-changes.ts'
import { evidenceSchema, evidenceTypes } from './schema-evidence.ts'
import { iamSchema } from './schema-iam.ts'
import { organizationSchema } from './schema-organization.ts'

const principalFields: Fields = {
  PrincipalType: derived('string', 'USER or GROUP'),
  PrincipalId: derived('string', 'id of the user or group'),
  principal: linkOrNull(['User', 'Group'], 'the user or group; null when it is in neither list of the same run'),
  principalName: derived('dyn', 'UserName or DisplayName; null when the principal does not exist'),
}

/** Every type an expression may meet. The checker and the getters of facts both come from here. */
export const schema: { readonly [type: string]: Fields } = {
  User: {
    UserId: text('id in the identity store'),
    UserName: text('sign-in name'),
    UserStatus: text('ENABLED or DISABLED; a gap when AWS does not send it, never a default'),
    DisplayName: textOrNull('name for people'),
    NickName: textOrNull('name among colleagues'),
    Title: textOrNull('job title'),
    UserType: textOrNull('free text'),
    Locale: textOrNull('free text'),
    Timezone: textOrNull('free text'),
    Birthdate: textOrNull('withheld unless personal data is collected'),
    Emails: list('at most one, with Value, Type and Primary'),
    ExternalIds: list('ids of an external identity provider'),
    Addresses: list('withheld unless personal data is collected'),
    PhoneNumbers: list('withheld unless personal data is collected'),
    Photos: list('withheld unless personal data is collected'),
    CreatedAt: timeOrNull('when AWS made the user'),
    CreatedBy: textOrNull('free text'),
    UpdatedAt: timeOrNull('last change of any member'),
    UpdatedBy: textOrNull('free text'),
    name: derived('string', 'UserName'),
    firstSeen: derived('Since', 'CreatedAt where AWS sent it, else the first snapshot that shows the user'),
    disabledSince: derived(
      'Since',
      'UpdatedAt as it stood when a snapshot first showed the user disabled; where AWS did not send it, that snapshot',
    ),
    kind: derived('string', 'user'),
    groups: derived('list<Group>', 'groups the user is a member of'),
    people: derived('list<Person>', 'people of the roster the user may be'),
    primaryEmail: derived('dyn', 'the primary address, else the only one; null when there is none'),
    emailDomain: derived('dyn', 'lower-case domain of the primary address; null when there is none'),
    sameEmail: derived('list<User>', 'other users with the same address after lower-casing and taking plus-tags out'),
    sameUserName: derived('list<User>', 'other users with the same UserName after lower-casing and taking plus-tags out'),
    isDirectoryExternal: derived('bool', 'at least 80 % of all users carry an ExternalId'),
    effectiveAssignments: derived('list<AccountAssignment>', 'account assignments, direct and through groups'),
    assignments: derived('list<AccountAssignment>', 'direct account assignments'),
    applicationAssignments: derived('list<ApplicationAssignment>', 'direct application assignments'),
  },
  Group: {
    GroupId: text('id in the identity store'),
    DisplayName: textOrNull('name for people'),
    Description: textOrNull('free text'),
    ExternalIds: list('ids of an external identity provider'),
    CreatedAt: timeOrNull('when AWS made the group'),
    CreatedBy: textOrNull('free text'),
    UpdatedAt: timeOrNull('last change of any member'),
    UpdatedBy: textOrNull('free text'),
    name: derived('string', 'DisplayName, else GroupId'),
    firstSeen: derived('Since', 'CreatedAt where AWS sent it, else the first snapshot that shows the group'),
    kind: derived('string', 'group'),
    isDirectoryExternal: derived('bool', 'at least 80 % of all users carry an ExternalId'),
    members: derived('list<User>', 'users in the group; groups do not nest'),
    assignments: derived('list<AccountAssignment>', 'account assignments of the group'),
    applicationAssignments: derived('list<ApplicationAssignment>', 'application assignments of the group'),
  },
  PermissionSet: {
    PermissionSetArn: derived('string', 'the ARN'),
    Name: text('the name people see'),
    Description: textOrNull('free text'),
    SessionDuration: textOrNull('ISO 8601; null counts as PT1H'),
    RelayState: textOrNull('where the console opens'),
    relayHost: derived('dyn', 'host of an https address in RelayState, in lower case; null when it is none'),
    CreatedDate: timeOrNull('when AWS made the set'),
    name: derived('string', 'Name'),
    sessionHours: derived('double', 'SessionDuration in hours; 1 when AWS sends none'),
    InlinePolicy: derived('dyn', 'the inline policy as text; null when there is none'),
    hasInlinePolicy: derived('bool', 'an inline policy is written'),
    managedPolicies: derived('list<ManagedPolicy>', 'AWS managed policies that are attached'),
    customerManagedPolicies: derived('list<CustomerManagedPolicy>', 'customer managed policies that are referred to by name'),
    writtenStatements: derived('list<Statement>', 'statements of the inline policy and of the customer managed policies'),
    inlineStatements: derived('list<Statement>', 'statements of the inline policy alone'),
    hasBoundary: derived('bool', 'a permissions boundary is set'),
    boundaryAllowsAll: derived(
      'bool',
      'the permissions boundary allows every action on every resource and denies nothing: it bounds nothing',
    ),
    boundaryName: derived('dyn', 'name of the permissions boundary; null when there is none'),
    tags: derived('list<Tag>', 'tags of the set'),
    created: derived('Since', 'CreatedDate where AWS sent it, else the first snapshot that shows the set'),
    canEscalate: derived('bool', 'its policies satisfy a family of data/escalation.yaml, or it is admin-equivalent'),
    escalations: derived('list<string>', 'titles of the families that are satisfied'),
    adminReason: derived('string', 'what makes the set admin-equivalent, in words; empty when it is not'),
    assignments: derived('list<AccountAssignment>', 'account assignments with this set'),
  },
  ManagedPolicy: {
    Name: derived('string', 'e.g. AdministratorAccess'),
    Arn: derived('string', 'the ARN'),
  },
  CustomerManagedPolicy: {
    Name: derived('string', 'name, the same in every account'),
    Path: derived('string', 'path, / unless set'),
  },
  Statement: {
    policy: derived('string', 'where it is written'),
    sid: derived('dyn', 'Sid, or null'),
    effect: derived('string', 'Allow or Deny'),
    serviceWildcards: derived(
      'list<string>',
      'services of which an Allow statement grants every action on every resource; * for all',
    ),
    isFullAccess: derived('bool', 'Allow of every action (or NotAction alone) on every resource without a limiting Condition'),
  },
  Account: {
    Id: text('twelve digits'),
    Name: textOrNull('name for people'),
    Email: textOrNull('address of the root user'),
    Arn: textOrNull('the ARN'),
    State: text('PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED'),
    JoinedMethod: textOrNull('INVITED or CREATED'),
    JoinedTimestamp: timeOrNull('when it joined the organization'),
    name: derived('string', 'Name, else Id'),
    isManagement: derived('bool', 'the management account of the organization'),
    stateSince: derived('Since', 'the first snapshot that shows this State after another one'),
    tags: derived('list<Tag>', 'tags of the account'),
    parentIsRoot: derived('bool', 'it sits directly under the root'),
    ouNames: derived('list<string>', 'names of the organizational units above it, outermost first'),
    hasServiceControlPolicies: derived('bool', 'SERVICE_CONTROL_POLICY is ENABLED on the root'),
    guardrails: derived(
      'list<Policy>',
      'service and resource control policies that reach it, without the ones that allow everything',
    ),
    hasRoster: derived('bool', 'a roster is imported'),
    delegatedServices: derived('list<string>', 'service principals it administers for the organization'),
    organizationAdmins: derived('list<User>', 'distinct users who are admin on any account of the organization'),
    assignments: derived('list<AccountAssignment>', 'assignments on this account'),
    admins: derived(
      'list<User>',
      'distinct users who reach the account with an admin-equivalent set, directly or through a group',
    ),
  },
  Application: {
    ApplicationArn: text('the ARN'),
    Name: textOrNull('name for people'),
    Status: textOrNull('ENABLED or DISABLED'),
    Description: textOrNull('free text'),
    ApplicationAccount: textOrNull('account that owns it'),
    ApplicationProviderArn: textOrNull('what kind of application it is'),
    CreatedDate: timeOrNull('when AWS made it'),
    name: derived('string', 'Name, else the ARN'),
    assignmentRequired: derived('bool', 'AssignmentRequired; false: everybody may open it'),
    created: derived('Since', 'CreatedDate where AWS sent it, else the first snapshot that shows it'),
    isCustomerManaged: derived('bool', 'its provider is a generic one, or it has none of AWS'),
    effectiveUsers: derived('list<User>', 'distinct users assigned to it, directly or through a group'),
    assignments: derived('list<ApplicationAssignment>', 'users and groups assigned to it'),
  },
  AccountAssignment: {
    kind: derived('string', 'account'),
    AccountId: derived('string', 'twelve digits'),
    PermissionSetArn: derived('string', 'the ARN'),
    ...principalFields,
    account: linkOrNull(['Account'], 'the account; null when it is no longer in the organization'),
    permissionSet: derived('PermissionSet', 'the permission set'),
    targetName: derived('string', 'account and permission set, for people'),
  },
  ApplicationAssignment: {
    kind: derived('string', 'application'),
    ApplicationArn: derived('string', 'the ARN'),
    ...principalFields,
    application: linkOrNull(['Application'], 'the application; null when it is not in the list of the same run'),
    targetName: derived('string', 'the application, for people'),
  },
  Principal: {
    kind: derived('string', 'user or group'),
    name: derived('string', 'UserName, or DisplayName'),
    ExternalIds: list('ids of an external identity provider'),
    isDirectoryExternal: derived('bool', 'at least 80 % of all users carry an ExternalId'),
  },
  Tag: {
    Key: derived('string', 'the key'),
    Value: derived('string', 'the value'),
  },
  ...organizationSchema,
  ...changesSchema,
  ...evidenceSchema,
  ...iamSchema,
  Assignment: {
    kind: derived('string', 'account or application'),
    ...principalFields,
    targetName: derived('string', 'what is assigned, for people'),
  },
}

/** A kind of thing that controls judge: its name in `resource:` and in expressions. */
export interface ResourceType {
  readonly type: string
  /** datasets whose rows are the population */
  readonly populations: readonly string[]
}

export const resourceTypes: { readonly [resource: string]: ResourceType } = {
  user: { type: 'User', populations: ['identitystore.users'] },
  group: { type: 'Group', populations: ['identitystore.groups'] },
  /** users and groups together */
  principal: { type: 'Principal', populations: ['identitystore.users', 'identitystore.groups'] },
  permissionSet: { type: 'PermissionSet', populations: ['sso.permission_set_arns'] },
  provisioning: { type: 'Provisioning', populations: ['sso.provisioned_accounts'] },
  account: { type: 'Account', populations: ['organizations.accounts'] },
  application: { type: 'Application', populations: ['sso.applications'] },
  accountAssignment: { type: 'AccountAssignment', populations: ['sso.account_assignments'] },
  applicationAssignment: { type: 'ApplicationAssignment', populations: ['sso.application_assignments'] },
  /** account and application assignments together */
  assignment: { type: 'Assignment', populations: ['sso.account_assignments', 'sso.application_assignments'] },
  instance: { type: 'Instance', populations: ['sso.instances'] },
  organization: { type: 'Organization', populations: ['organizations.organizations'] },
  delegation: { type: 'Delegation', populations: ['organizations.delegated_services', 'organizations.resource_policies'] },
  /** an account whose IAM is collected */
  iamAccount: { type: 'IamAccount', populations: ['iam.account_summaries'] },
  iamUser: { type: 'IamUser', populations: ['iam.users'] },
  /** IAM users and groups together */
  iamPrincipal: { type: 'IamPrincipal', populations: ['iam.users', 'iam.group_details'] },
  accessKey: { type: 'AccessKey', populations: ['iam.access_keys'] },
  /** one row of the imported roster */
  person: { type: 'Person', populations: ['import.roster'] },
  /** a person of the roster, where IAM is collected too */
  iamPerson: { type: 'Person', populations: ['import.roster', 'iam.users'] },
  /** a user, where a roster is imported */
  rosteredUser: { type: 'User', populations: ['import.roster', 'identitystore.users'] },
  /** an instance of Identity Center, where attestations are imported */
  attestedInstance: { type: 'Instance', populations: ['import.attestations', 'sso.instances'] },
  ...changeTypes,
  ...evidenceTypes,
  /** one dataset of the snapshot at one place */
  collected: { type: 'Collected', populations: [] },
}
