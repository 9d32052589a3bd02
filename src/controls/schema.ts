/**
 * What a control's expression may ask, by type. Facts keep AWS's PascalCase; what we derive is camelCase.
 * The checker and the getters of facts both come from here.
 */
export interface Field {
  /** type in the expression language; `dyn` where the value may be null */
  readonly type: string
  /** for a field that is null or one of these types: lets members below it be checked */
  readonly nullableOf?: readonly string[]
  /** a member AWS sends, and how it is read; absent for what is derived */
  readonly fact?: 'text' | 'time' | 'list'
  /** AWS may leave it out, which means that there is none. A member that must be there and is not is a gap. */
  readonly isNullable?: boolean
  readonly doc: string
}

export type Fields = { readonly [name: string]: Field }

const text = (doc: string): Field => ({ type: 'string', fact: 'text', doc })
const textOrNull = (doc: string): Field => ({ type: 'dyn', fact: 'text', isNullable: true, doc })
const timeOrNull = (doc: string): Field => ({ type: 'dyn', fact: 'time', isNullable: true, doc })
const list = (doc: string): Field => ({ type: 'list<dyn>', fact: 'list', isNullable: true, doc })
const derived = (type: string, doc: string): Field => ({ type, doc })
const linkOrNull = (nullableOf: readonly string[], doc: string): Field => ({ type: 'dyn', nullableOf, doc })

const principalFields: Fields = {
  PrincipalType: derived('string', 'USER or GROUP'),
  PrincipalId: derived('string', 'id of the user or group'),
  principal: linkOrNull(['User', 'Group'], 'the user or group; null when it is in neither list of the same run'),
  principalName: derived('dyn', 'UserName or DisplayName; null when the principal does not exist'),
}

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
    groups: derived('list<Group>', 'groups the user is a member of'),
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
    CreatedDate: timeOrNull('when AWS made the set'),
    name: derived('string', 'Name'),
    sessionHours: derived('double', 'SessionDuration in hours; 1 when AWS sends none'),
    InlinePolicy: derived('dyn', 'the inline policy as text; null when there is none'),
    hasInlinePolicy: derived('bool', 'an inline policy is written'),
    managedPolicies: derived('list<ManagedPolicy>', 'AWS managed policies that are attached'),
    customerManagedPolicies: derived('list<CustomerManagedPolicy>', 'customer managed policies that are referred to by name'),
    writtenStatements: derived('list<Statement>', 'statements of the inline policy and of the customer managed policies'),
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
    isFullAccess: derived('bool', 'Allow of every action (or NotAction alone) on every resource without a Condition'),
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
  permissionSet: { type: 'PermissionSet', populations: ['sso.permission_set_arns'] },
  account: { type: 'Account', populations: ['organizations.accounts'] },
  application: { type: 'Application', populations: ['sso.applications'] },
  accountAssignment: { type: 'AccountAssignment', populations: ['sso.account_assignments'] },
  applicationAssignment: { type: 'ApplicationAssignment', populations: ['sso.application_assignments'] },
  /** account and application assignments together */
  assignment: { type: 'Assignment', populations: ['sso.account_assignments', 'sso.application_assignments'] },
}
