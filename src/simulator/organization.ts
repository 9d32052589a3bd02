import type { SimulatedIam, SimulatedManagedPolicy } from './iam-account.ts'
import type { Wire } from './wire.ts'

/**
 * A simulated AWS organization: plain data that tests change at will, between calls and while the simulator runs.
 *
 * Members in AWS's PascalCase go on the wire as they are, also those nobody declared here (`user.Revision`, or what AWS adds
 * tomorrow); a `Date` becomes what the protocol sends for one. Members in camelCase are ours: they answer other operations and never leave.
 *
 * Add, remove and replace rows freely. Lists of more than 2,000 rows are indexed: there, changing what a row belongs to (a membership's
 * `GroupId`) in the middle of a list may go unseen; put a new row in its place at the end, or replace the list.
 */
export interface SimulatedOrganization {
  partition: string
  /** null: no account belongs to an organization */
  organization: (Wire & { Id: string; Arn: string; MasterAccountId: string; FeatureSet: string }) | null
  roots: SimulatedRoot[]
  ous: SimulatedOu[]
  accounts: SimulatedAccount[]
  /** child (account or OU) → root or OU that holds it; `moveAccount` keeps it in step with `Paths` */
  parents: { [childId: string]: string }
  /** of roots, OUs, accounts and policies of Organizations, by id */
  organizationTags: { [resourceId: string]: SimulatedTag[] }
  policies: SimulatedPolicy[]
  serviceAccess: (Wire & { ServicePrincipal: string; DateEnabled: Date })[]
  delegations: SimulatedDelegation[]
  resourcePolicy: string | null
  /** null: IAM Identity Center is not enabled */
  instance: SimulatedInstance | null
  /** where users come from; AWS refuses to list an `active_directory` without a filter */
  identitySource: 'identity_center' | 'external' | 'active_directory'
  /** which networks the identity store answers to, as DescribeIdentityStore says it; left out: to all */
  networkConfiguration?: object
  users: SimulatedUser[]
  groups: SimulatedGroup[]
  memberships: SimulatedMembership[]
  permissionSets: SimulatedPermissionSet[]
  assignments: SimulatedAssignment[]
  /** provisioned although nothing is assigned; a pair with an assignment is provisioned anyway and need not stand here */
  provisionedPairs: SimulatedPair[]
  /** left out by both discovery lists although provisioned, as a fault of AWS's own bookkeeping would */
  unlistedPairs: SimulatedPair[]
  /** provisioned with an older state of the permission set: it was changed and not provisioned again */
  outdatedPairs: SimulatedPair[]
  /** writes that Identity Center is still working on */
  pendingRequests: SimulatedRequest[]
  applications: SimulatedApplication[]
  applicationAssignments: SimulatedApplicationAssignment[]
  trustedTokenIssuers: (Wire & { TrustedTokenIssuerArn: string; Name: string; configuration?: Wire })[]
  /** attributes for access control; null: not enabled */
  accessControlAttributes: (Wire & { Status: string }) | null
  /** what IAM does with the root users of members; null: IAM is no trusted service of the organization */
  rootFeatures: string[] | null
  /** IAM of each account, by account id; an account that is not here has an empty one. Roles of Identity Center come by themselves */
  iam: { [accountId: string]: SimulatedIam }
  /** policies under `arn:<partition>:iam::aws:policy/` */
  managedPolicies: SimulatedManagedPolicy[]
  /** what is wrong here on purpose, so that a test can look for it by name */
  defects: SimulatedDefect[]
}

export interface SimulatedTag {
  Key: string
  Value: string
}

export interface SimulatedRoot extends Wire {
  Id: string
  Arn: string
  Name: string
}

export interface SimulatedOu extends Wire {
  Id: string
  Arn: string
  Name: string
  /** `o-…/r-…/ou-…/` */
  Path?: string
}

export interface SimulatedAccount extends Wire {
  Id: string
  Arn: string
  Email: string
  Name: string
  State: string
  /** absent in older partitions; the tree calls go by `parents` */
  Paths?: string[]
  JoinedMethod: string
  JoinedTimestamp: Date
}

export interface SimulatedPolicy extends Wire {
  Id: string
  Arn: string
  Name: string
  Type: string
  AwsManaged: boolean
  content: string
  /** ids of the roots, OUs and accounts it is attached to */
  targets: string[]
}

export interface SimulatedDelegation {
  accountId: string
  servicePrincipal: string
  enabledAt: Date
}

export interface SimulatedInstance extends Wire {
  InstanceArn: string
  IdentityStoreId: string
  OwnerAccountId: string
  Name?: string
  Status: string
  CreatedDate: Date
  /** home Region: permission sets and assignments answer nowhere else */
  PrimaryRegion: string
  Regions: { RegionName: string; Status: string; AddedDate: Date; IsPrimaryRegion: boolean }[]
  /** what DescribeInstance adds: PermissionSetsEnabled, EncryptionConfigurationDetails, … */
  details: Wire
}

export interface SimulatedUser extends Wire {
  IdentityStoreId: string
  UserId: string
  UserName: string
  UserStatus?: string
  CreatedAt?: Date
  UpdatedAt?: Date
}

export interface SimulatedGroup extends Wire {
  IdentityStoreId: string
  GroupId: string
  DisplayName: string
}

export interface SimulatedMembership extends Wire {
  IdentityStoreId: string
  MembershipId: string
  GroupId: string
  MemberId: { UserId: string }
}

export interface SimulatedPermissionSet extends Wire {
  PermissionSetArn: string
  Name: string
  CreatedDate: Date
  Description?: string
  /** ISO 8601 duration */
  SessionDuration?: string
  RelayState?: string
  /** policy document as text, '' for none */
  inlinePolicy: string
  managedPolicies: { Name: string; Arn: string }[]
  customerManagedPolicyReferences: { Name: string; Path: string }[]
  permissionsBoundary: { ManagedPolicyArn?: string; CustomerManagedPolicyReference?: { Name: string; Path: string } } | null
  tags: SimulatedTag[]
}

export interface SimulatedPair {
  AccountId: string
  PermissionSetArn: string
}

export interface SimulatedAssignment extends Wire, SimulatedPair {
  PrincipalType: 'USER' | 'GROUP'
  PrincipalId: string
}

export interface SimulatedRequest extends SimulatedPair {
  kind: 'creation' | 'deletion' | 'provisioning'
  RequestId: string
  Status: 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED'
  CreatedDate: Date
  /** of assignments */
  PrincipalType?: 'USER' | 'GROUP'
  PrincipalId?: string
}

export interface SimulatedApplication extends Wire {
  ApplicationArn: string
  Name: string
  ApplicationAccount: string
  /** false: every user of the store may use it without an assignment */
  assignmentRequired: boolean
  /** left out: AWS sends no status */
  backgroundSessions?: 'ENABLED' | 'DISABLED'
  accessScopes?: (Wire & { Scope: string })[]
  authenticationMethods?: (Wire & { AuthenticationMethodType: string })[]
  grants?: (Wire & { GrantType: string })[]
}

export interface SimulatedApplicationAssignment extends Wire {
  ApplicationArn: string
  PrincipalType: 'USER' | 'GROUP'
  PrincipalId: string
}

/** Something that a check is expected to find. */
export interface SimulatedDefect {
  /** id of the control that must fail */
  control: string
  /** the name people know it by: user name, group name, permission set name, account name; of an assignment, `principal → set @ account` */
  name: string
  /** AWS's id or ARN; of an assignment `accountId|permissionSetArn|principalType|principalId` */
  key: string
  text: string
}
