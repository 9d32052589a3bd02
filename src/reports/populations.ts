import type { Facts, Json, StoredResource } from '../model.ts'
import type { Cell } from './csv.ts'

/** What a row of a population looks up in other datasets. Each answer is a cell; none is empty where AWS refused. */
export interface Lookups {
  /** label of the source */
  readonly source: string
  /** name of the row with this key, or why there is none: `not read: …`, or `not listed` when the dataset was read and does not hold it */
  name(dataset: string, key: string): string
  /** all rows of a dataset under a parent, as texts separated by spaces; '' only when the part was read and is empty */
  list(dataset: string, parent: string, textOf: (facts: Facts) => string): string
  /** `not read: …` when this member of this row is a gap, null when AWS simply did not send it */
  gap(row: StoredResource, member: string): string | null
}

export interface PopulationColumn {
  readonly name: string
  readonly meaning: string
  value(row: StoredResource, lookups: Lookups): Cell
}

/** One CSV of one population: everything AWS listed, with nothing left out. */
export interface Population {
  readonly name: string
  readonly title: string
  /** its rows */
  readonly dataset: string
  /** more rows, of datasets that stand in a snapshot only where the source is configured for them */
  readonly also?: readonly string[]
  /** where it looks names up: by key, in this member */
  readonly names: readonly { readonly dataset: string; readonly member: string }[]
  /** where it looks up all rows under its own key as parent */
  readonly parts: readonly string[]
  readonly columns: readonly PopulationColumn[]
  /** true: there is none unless the dataset was collected, which is asked for on purpose */
  readonly isOptional?: boolean
}

const users = { dataset: 'identitystore.users', member: 'UserName' }
const groups = { dataset: 'identitystore.groups', member: 'DisplayName' }
const accounts = { dataset: 'organizations.accounts', member: 'Name' }
const setNames = { dataset: 'sso.permission_sets', member: 'Name' }

/** The populations and their columns; `facts` and what all have in common is added by `populationArtifacts`. */
export const populations: readonly Population[] = [
  {
    name: 'users',
    title: 'Users of the identity store, disabled ones and those without any grant included',
    dataset: 'identitystore.users',
    names: [],
    parts: [],
    columns: [
      fact('userId', 'UserId', 'id of the user'),
      fact('userName', 'UserName', 'sign-in name'),
      fact('displayName', 'DisplayName', 'display name'),
      fact('status', 'UserStatus', 'ENABLED or DISABLED'),
      {
        name: 'email',
        meaning: 'primary e-mail address, else the first',
        value: (row, { gap }) => emailOf(row.facts.Emails) ?? gap(row, 'Emails'),
      },
      fact('userType', 'UserType', 'type, as the directory sets it'),
      {
        name: 'externalIds',
        meaning: 'ids in the external identity provider, "issuer id"',
        value: ({ facts }) => externalIdsOf(facts.ExternalIds),
      },
      fact('createdAt', 'CreatedAt', 'when AWS says it was made; empty where AWS does not say'),
      fact('updatedAt', 'UpdatedAt', 'when AWS says it was last changed; empty where AWS does not say'),
    ],
  },
  {
    name: 'people-accounts',
    title:
      'Accounts of people: every user of IAM Identity Center, and every IAM user of the accounts whose IAM is read (none where it is not configured)',
    dataset: 'identitystore.users',
    also: ['iam.users'],
    names: [],
    parts: [],
    columns: [
      {
        name: 'name',
        meaning: 'display name, else the sign-in name',
        value: (row, { gap }) => cell(row.facts.DisplayName) ?? gap(row, 'DisplayName') ?? cell(row.facts.UserName),
      },
      fact('userName', 'UserName', 'sign-in name'),
      {
        name: 'status',
        meaning: 'ENABLED or DISABLED; "no status" of an IAM user, which AWS cannot disable as a whole',
        value: (row, { gap }) =>
          isIamUser(row) ? 'no status' : (cell(row.facts.UserStatus) ?? gap(row, 'UserStatus') ?? 'not read: not_sent'),
      },
      {
        name: 'application',
        meaning: '"AWS IAM Identity Center" or "AWS IAM"',
        value: row => (isIamUser(row) ? 'AWS IAM' : 'AWS IAM Identity Center'),
      },
      { name: 'source', meaning: 'label of the source', value: (_row, { source }) => source },
      {
        name: 'accountId',
        meaning: 'account of an IAM user; empty: the user is of the whole organization',
        value: row => (isIamUser(row) ? row.place.accountId : null),
      },
      {
        name: 'email',
        meaning: 'primary e-mail address, else the first; IAM users have none',
        value: (row, { gap }) => emailOf(row.facts.Emails) ?? (isIamUser(row) ? null : gap(row, 'Emails')),
      },
      {
        name: 'createdAt',
        meaning: 'when AWS says it was made; empty where AWS does not say',
        value: (row, { gap }) =>
          isIamUser(row)
            ? (cell(row.facts.CreateDate) ?? gap(row, 'CreateDate'))
            : (cell(row.facts.CreatedAt) ?? gap(row, 'CreatedAt')),
      },
      {
        name: 'externalIds',
        meaning: 'ids in the external identity provider, "issuer id"',
        value: ({ facts }) => externalIdsOf(facts.ExternalIds),
      },
    ],
  },
  {
    name: 'groups',
    title: 'Groups of the identity store, empty ones included',
    dataset: 'identitystore.groups',
    names: [],
    parts: [],
    columns: [
      fact('groupId', 'GroupId', 'id of the group'),
      fact('displayName', 'DisplayName', 'name'),
      fact('description', 'Description', 'description'),
      {
        name: 'externalIds',
        meaning: 'ids in the external identity provider, "issuer id"',
        value: ({ facts }) => externalIdsOf(facts.ExternalIds),
      },
      fact('createdAt', 'CreatedAt', 'when AWS says it was made; empty where AWS does not say'),
      fact('updatedAt', 'UpdatedAt', 'when AWS says it was last changed; empty where AWS does not say'),
    ],
  },
  {
    name: 'group-memberships',
    title: 'Memberships: which user is in which group',
    dataset: 'identitystore.group_memberships',
    names: [users, groups],
    parts: [],
    columns: [
      fact('membershipId', 'MembershipId', 'id of the membership'),
      fact('groupId', 'GroupId', 'id of the group'),
      {
        name: 'groupName',
        meaning: 'name of the group',
        value: ({ facts }, { name }) => name(groups.dataset, text(facts.GroupId)),
      },
      { name: 'userId', meaning: 'id of the user', value: ({ facts }) => userIdOf(facts) },
      {
        name: 'userName',
        meaning: 'sign-in name of the user',
        value: ({ facts }, { name }) => name(users.dataset, userIdOf(facts)),
      },
    ],
  },
  {
    name: 'permission-sets',
    title: 'Permission sets with the policies they grant, unassigned ones included',
    dataset: 'sso.permission_set_arns',
    names: [],
    parts: [
      setNames.dataset,
      'sso.managed_policies',
      'sso.customer_managed_policy_references',
      'sso.inline_policies',
      'sso.permissions_boundaries',
      'sso.provisioned_accounts',
    ],
    columns: [
      fact('permissionSetArn', 'PermissionSetArn', 'ARN'),
      detail('name', 'Name', 'name'),
      detail('description', 'Description', 'description'),
      detail('sessionDuration', 'SessionDuration', 'longest session, ISO 8601 duration; AWS takes PT1H where none is set'),
      detail('relayState', 'RelayState', 'where a session begins'),
      detail('createdDate', 'CreatedDate', 'when AWS says it was made'),
      part('managedPolicies', 'sso.managed_policies', 'ARNs of AWS managed policies, separated by spaces', facts =>
        text(facts.Arn),
      ),
      part(
        'customerManagedPolicies',
        'sso.customer_managed_policy_references',
        'path and name of customer managed policies, separated by spaces',
        facts => `${text(facts.Path)}${text(facts.Name)}`,
      ),
      part('inlinePolicy', 'sso.inline_policies', 'the inline policy document; empty: none', facts => text(facts.InlinePolicy)),
      part('permissionsBoundary', 'sso.permissions_boundaries', 'the boundary as JSON; empty: none is set', facts =>
        JSON.stringify(facts),
      ),
      part('provisionedAccounts', 'sso.provisioned_accounts', 'accounts it is provisioned in, separated by spaces', facts =>
        text(facts.AccountId),
      ),
    ],
  },
  {
    name: 'account-assignments',
    title: 'Account assignments: who may use which permission set in which account, assignments of deleted principals included',
    dataset: 'sso.account_assignments',
    names: [users, groups, accounts, setNames],
    parts: [],
    columns: [
      fact('accountId', 'AccountId', 'account'),
      {
        name: 'accountName',
        meaning: 'name of the account',
        value: ({ facts }, { name }) => name(accounts.dataset, text(facts.AccountId)),
      },
      fact('permissionSetArn', 'PermissionSetArn', 'ARN of the permission set'),
      {
        name: 'permissionSetName',
        meaning: 'name of the permission set',
        value: ({ facts }, { name }) => name(setNames.dataset, text(facts.PermissionSetArn)),
      },
      ...principal(),
    ],
  },
  {
    name: 'applications',
    title: 'Applications of IAM Identity Center',
    dataset: 'sso.applications',
    names: [],
    parts: [],
    columns: [
      fact('applicationArn', 'ApplicationArn', 'ARN'),
      fact('name', 'Name', 'name'),
      fact('status', 'Status', 'ENABLED or DISABLED'),
      fact('applicationAccount', 'ApplicationAccount', 'account it belongs to'),
      fact('applicationProviderArn', 'ApplicationProviderArn', 'ARN of its provider'),
      fact('createdDate', 'CreatedDate', 'when AWS says it was made'),
    ],
  },
  {
    name: 'application-assignments',
    title: 'Application assignments: who may use which application',
    dataset: 'sso.application_assignments',
    names: [users, groups, { dataset: 'sso.applications', member: 'Name' }],
    parts: [],
    columns: [
      fact('applicationArn', 'ApplicationArn', 'ARN of the application'),
      {
        name: 'applicationName',
        meaning: 'name of the application',
        value: ({ facts }, { name }) => name('sso.applications', text(facts.ApplicationArn)),
      },
      ...principal(),
    ],
  },
  {
    name: 'accounts',
    title: 'Accounts of the organization, suspended and closed ones included',
    dataset: 'organizations.accounts',
    names: [],
    parts: [],
    columns: [
      fact('accountId', 'Id', 'account'),
      fact('name', 'Name', 'name'),
      fact('state', 'State', 'state of the account, as AWS says it'),
      fact('email', 'Email', 'e-mail address of the root user'),
      fact('joinedMethod', 'JoinedMethod', 'INVITED or CREATED'),
      fact('joinedTimestamp', 'JoinedTimestamp', 'when it joined the organization'),
      { name: 'paths', meaning: 'where it hangs in the organization', value: ({ facts }) => cell(facts.Paths) },
    ],
  },
  {
    name: 'organizational-units',
    title: 'Organizational units',
    dataset: 'organizations.organizational_units',
    names: [],
    parts: [],
    columns: [
      fact('organizationalUnitId', 'Id', 'id'),
      fact('name', 'Name', 'name'),
      { name: 'parentId', meaning: 'root or organizational unit it was listed under', value: ({ parent }) => parent },
    ],
  },
  {
    name: 'iam-users',
    title: 'IAM users of the accounts, those without password or key included',
    dataset: 'iam.users',
    isOptional: true,
    names: [accounts],
    parts: ['iam.login_profiles', 'iam.mfa_devices', 'iam.access_keys'],
    columns: [
      ...ofAccount(),
      fact('userName', 'UserName', 'name of the user'),
      fact('arn', 'Arn', 'ARN'),
      fact('path', 'Path', 'path'),
      fact('createdAt', 'CreateDate', 'when AWS says it was made'),
      fact('passwordLastUsed', 'PasswordLastUsed', 'when AWS says the password was last used; empty: never, or there is none'),
      part('password', 'iam.login_profiles', 'when the console password was made; empty: there is none', facts =>
        String(cell(facts.CreateDate) ?? 'yes'),
      ),
      part('mfaDevices', 'iam.mfa_devices', 'serial numbers of its MFA devices, separated by spaces; empty: none', facts =>
        text(facts.SerialNumber),
      ),
      part(
        'accessKeys',
        'iam.access_keys',
        'ids of its access keys with their state, separated by spaces; empty: none',
        facts => `${text(facts.AccessKeyId)}:${text(facts.Status)}`,
      ),
    ],
  },
  {
    name: 'iam-access-keys',
    title: 'Access keys of IAM users, inactive ones included',
    dataset: 'iam.access_keys',
    isOptional: true,
    names: [accounts],
    parts: ['iam.access_keys_last_used'],
    columns: [
      ...ofAccount(),
      fact('userName', 'UserName', 'name of the user'),
      { name: 'userArn', meaning: 'ARN of the user', value: ({ parent }) => parent },
      fact('accessKeyId', 'AccessKeyId', 'id of the key'),
      fact('status', 'Status', 'Active or Inactive'),
      fact('createdAt', 'CreateDate', 'when AWS says it was made'),
      part(
        'lastUsed',
        'iam.access_keys_last_used',
        'when, for which service and in which Region AWS says it was last used',
        facts => lastUseOf(facts.AccessKeyLastUsed),
      ),
    ],
  },
]

/** A JSON value as one cell: text as it is, a list of texts separated by spaces, anything else as JSON; what AWS did not send is empty. */
export function cell(value: Json | undefined): Cell {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value.join(' ')
  return JSON.stringify(value)
}

function fact(name: string, member: string, meaning: string): PopulationColumn {
  return { name, meaning, value: (row, { gap }) => cell(row.facts[member]) ?? gap(row, member) }
}

function detail(name: string, member: string, meaning: string): PopulationColumn {
  return {
    name,
    meaning,
    value: ({ key }, lookups) => lookups.list(setNames.dataset, key, facts => String(cell(facts[member]) ?? '')),
  }
}

function part(name: string, dataset: string, meaning: string, textOf: (facts: Facts) => string): PopulationColumn {
  return { name, meaning, value: ({ key }, lookups) => lookups.list(dataset, key, textOf) }
}

/** IAM's rows stand in the account they were read in. */
function ofAccount(): PopulationColumn[] {
  return [
    { name: 'accountId', meaning: 'account it was read in', value: ({ place }) => place.accountId },
    {
      name: 'accountName',
      meaning: 'name of the account',
      value: ({ place }, { name }) => name(accounts.dataset, place.accountId),
    },
  ]
}

function lastUseOf(use: Json | undefined): string {
  const { LastUsedDate: at, ServiceName: service, Region: region } = (use ?? {}) as Facts
  return at === undefined ? 'never' : [at, service, region].map(each => text(each)).join(' ')
}

function principal(): PopulationColumn[] {
  return [
    fact('principalType', 'PrincipalType', 'USER or GROUP'),
    fact('principalId', 'PrincipalId', 'id of the user or group'),
    {
      name: 'principalName',
      meaning: 'sign-in name of the user or name of the group; "not listed" when the directory does not list it (any more)',
      value: ({ facts }, { name }) => {
        const { dataset } = facts.PrincipalType === 'GROUP' ? groups : users
        return name(dataset, text(facts.PrincipalId))
      },
    },
  ]
}

function isIamUser({ dataset }: StoredResource): boolean {
  return dataset === 'iam.users'
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function userIdOf({ MemberId: member }: Facts): string {
  return typeof member === 'object' && member !== null && 'UserId' in member ? text(member.UserId) : ''
}

function emailOf(emails: Json | undefined): Cell {
  if (!Array.isArray(emails)) return null
  const primary = emails.find(email => email?.Primary === true) ?? emails[0]
  return cell(primary?.Value)
}

function externalIdsOf(ids: Json | undefined): Cell {
  return Array.isArray(ids) ? ids.map(id => `${text(id?.Issuer)} ${text(id?.Id)}`).join(' ') : null
}
