/** A configured connection. The label is a name for people; the identity is proven at each run. */
export interface Source {
  readonly label: string
  readonly kind: 'aws'
  /** `aws`, `aws-us-gov`, `aws-cn`, …: the first part of every ARN of this source */
  readonly partition: string
  /** home Region of IAM Identity Center; permission sets and assignments can be read nowhere else */
  readonly region: string
  readonly auth: SourceAuth
  /** share of AWS's documented request rate that may be used, 0 < n <= 1 */
  readonly budgetShare: number
  /** calls a second instead of AWS's documented rate, by budget key (`sso`, `identitystore`, `organizations.ListAccounts`, …); for raised quotas and tests */
  readonly rateLimits: { readonly [key: string]: number }
  /** false: Birthdate, Addresses, PhoneNumbers and Photos are withheld and stand as gaps with reason `withheld` */
  readonly includePersonalData: boolean
  /** true: ListUsers is asked for the SCIM enterprise attributes (`Extensions`); left out or false: AWS does not send them */
  readonly includeUserExtensions?: boolean
  /** IAM of the accounts; left out or null: it is not read */
  readonly iam?: SourceIam | null
}

/** How IAM of the accounts is read: a role of the same name in each, assumed by whoever the SDK's own chain says we are. */
export interface SourceIam {
  readonly roleName: string
  readonly externalId: string | null
  /** null: every ACTIVE account of the organization */
  readonly accounts: readonly string[] | null
}

/** How to get credentials: a role to assume from the SDK's own chain, or that chain alone when `roleArn` is null. */
export interface SourceAuth {
  readonly roleArn: string | null
  readonly externalId: string | null
  /** stands in CloudTrail for every call, through every role; the trust policy must allow sts:SetSourceIdentity. Left out: none */
  readonly sourceIdentity?: string | null
  /** roles that are assumed first, one from the other, before `roleArn` and the roles of the accounts; left out: none */
  readonly via?: readonly RoleOnTheWay[]
}

/** A role that is assumed on the way to another. */
export interface RoleOnTheWay {
  readonly roleArn: string
  readonly externalId: string | null
}

/** What a source really is: proven at each run, never taken from configuration. */
export interface SourceIdentity {
  readonly partition: string
  /** null when the account is in no organization, or when AWS refuses to say (a gap of `organizations.organizations` says which) */
  readonly organizationId: string | null
  readonly managementAccountId: string | null
  readonly instanceArn: string
  readonly identityStoreId: string
  readonly instanceOwnerAccountId: string | null
  readonly homeRegion: string
}

/** Where a dataset is read. `region` is the Region the request is signed for (`us-east-1` for organizations in partition aws). */
export interface Place {
  readonly accountId: string
  readonly region: string
}

/** Who asked, as sts:GetCallerIdentity says. */
export interface Caller {
  readonly place: Place
  readonly arn: string
  readonly userId: string
}
