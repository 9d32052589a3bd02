/**
 * The nouns that cross a door between rooms. Types only: what one room alone uses lives in that room.
 * Times are `Date` inside and RFC 3339 outside; digests are lower-case hexadecimal SHA-256.
 */

/** JSON as AWS sends it and as it is kept: no undefined, no Date. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json }

/** What AWS said of one thing, in AWS's own spelling; timestamps as RFC 3339 text. Members that AWS did not send are absent. */
export type Facts = { readonly [member: string]: Json }

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

/**
 * The piece of a dataset that one paging sequence reads: memberships of one group, assignments of one pair, all users.
 * `parent` is '' for a dataset that is one list, else the key of what was asked about
 * (group id; permission set ARN; `accountId|permissionSetArn` for a pair; application ARN; root or OU id).
 */
export interface PartId {
  readonly dataset: string
  readonly place: Place
  readonly parent: string
}

export type Coverage =
  | 'complete'
  /** complete, and something it refers to changed while it was read (a group deleted between list and members, confirmed) */
  | 'complete_with_changes'
  | 'incomplete'
  | 'denied'
  | 'not_enabled'
  | 'not_applicable'
  | 'not_collectable'

export type GapReason =
  | 'access_denied'
  | 'throttled'
  | 'server_error'
  | 'timeout'
  | 'network'
  | 'page_token'
  | 'credentials_expired'
  | 'encryption_key'
  | 'unsupported'
  | 'invalid_answer'
  | 'directory_not_listable'
  | 'still_exists'
  | 'unconfirmed_drop'
  | 'external_id_not_demanded'
  | 'parent_not_read'
  | 'withheld'
  | 'not_sent'
  | 'not_collected'
  /** it was read, and its body was disposed of since: under retention, or on a person's request */
  | 'disposed'

/**
 * What could not be read. It says nothing about the thing itself: refused is not absent.
 * Which: `member` null = the whole part (or, with `key`, the whole resource); `parent` '' and `key` null = the whole dataset at that place.
 */
export interface Gap {
  readonly dataset: string
  readonly place: Place
  readonly parent: string
  readonly key: string | null
  readonly member: string | null
  readonly reason: GapReason
  /** IAM action to grant, e.g. `sso:GetInlinePolicyForPermissionSet`; null where no permission would help */
  readonly action: string | null
  readonly errorCode: string | null
  /** for people: what was asked, what AWS answered, the way out. No request id and no time: a gap is versioned like a resource */
  readonly message: string
}

/** One row of a part. The key is unique within (dataset, place): AWS's id or ARN, with `parent|` in front where the id alone is not unique. */
export interface Row {
  readonly key: string
  readonly facts: Facts
}

export interface Resource extends Row {
  readonly dataset: string
  readonly place: Place
  readonly parent: string
}

/**
 * What `collect` hands on: a part may come in several pieces, in order.
 * `isFirst` throws away what an earlier attempt of the same part had staged; the part counts only once its `end` is there.
 */
export interface PartPiece {
  readonly part: PartId
  readonly isFirst: boolean
  readonly rows: readonly Row[]
  readonly end: PartEnd | null
}

export interface PartEnd {
  readonly coverage: Coverage
  /** in words, for every coverage but `complete` */
  readonly reason: string | null
  readonly gaps: readonly Gap[]
  readonly pages: number
  /** rows AWS listed more than once; they are kept once */
  readonly duplicates: number
  readonly firstObservedAt: Date
  readonly lastObservedAt: Date
}

/** One call as the ledger keeps it: all attempts of one request for one page. */
export interface CallRecord {
  readonly at: Date
  readonly service: string
  readonly operation: string
  readonly place: Place
  /** the dataset it was made for; absent for a question beside them (credentials, confirmations, checks) */
  readonly dataset?: string
  /** what was asked, without page tokens and secrets */
  readonly parameters: Facts
  /** 1 for the first page */
  readonly page: number
  /** rows in the answer; 0 for an error */
  readonly items: number
  readonly status: number | null
  readonly errorCode: string | null
  readonly requestId: string | null
  readonly attempts: number
  readonly throttles: number
  readonly ms: number
}

export interface CollectedBatch {
  readonly pieces: readonly PartPiece[]
  readonly calls: readonly CallRecord[]
}

/** What a run will read, told before it starts. */
export interface CollectionPlan {
  readonly source: string
  readonly identity: SourceIdentity
  readonly callers: readonly Caller[]
  readonly steps: readonly PlanStep[]
  /** predicted sum; null while nothing is known of the organization's size */
  readonly calls: number | null
  readonly seconds: number | null
  /** what finding the provisioned pairs costs both ways; absent where there are none to find */
  readonly discovery?: PlannedDiscovery
  /** rows per dataset, and per `dataset accountId`, when it was last read to its end or confirmed: a list that is much shorter is not believed at once */
  readonly baseline?: Counts
}

export interface PlannedDiscovery {
  /** predicted calls; null before the first snapshot */
  readonly bySet: number | null
  readonly byAccount: number | null
  readonly taken: 'by_set' | 'by_account'
  /** in words */
  readonly reason: string
}

export interface PlanStep {
  readonly dataset: string
  readonly operation: string
  readonly action: string
  readonly place: Place
  readonly calls: number | null
  /** at the budget's rate, were it alone */
  readonly seconds?: number | null
}

/** Rows per dataset in the last sealed snapshot of a source; empty before the first. */
export type Counts = { readonly [dataset: string]: number }

export interface DatasetSummary {
  readonly name: string
  readonly place: Place
  readonly coverage: Coverage
  readonly count: number
  /** `setDigest` over `digestOf([key, parent, row digest])` of the rows seen in this snapshot, so that no row can take another's place */
  readonly digest: string
  readonly parts: number
  /** parts that are neither complete nor complete_with_changes */
  readonly openParts: number
  readonly pages: number
  readonly calls: number
  readonly duplicates: number
  readonly firstObservedAt: Date | null
  readonly lastObservedAt: Date | null
  readonly reason: string | null
}

/** A sealed run. Its digest covers everything here but itself. */
export interface Snapshot {
  readonly source: string
  readonly version: number
  readonly runId: string
  readonly identity: SourceIdentity
  readonly callers: readonly Caller[]
  readonly startedAt: Date
  readonly sealedAt: Date
  readonly previousDigest: string | null
  readonly digest: string
  readonly datasets: readonly DatasetSummary[]
  readonly gaps: readonly Gap[]
  /** predicted and actual */
  readonly plannedCalls: number | null
  readonly calls: number
  readonly throttles: number
  /** SHA-256 over the ledger's lines in order */
  readonly callLedgerRoot: string
  readonly softwareVersion: string
}

/** A run that did not end in a snapshot is a record too. */
export interface RunRecord {
  readonly id: string
  readonly source: string
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly outcome: 'running' | 'sealed' | 'failed' | 'interrupted'
  readonly snapshotVersion: number | null
  /** for people, with the way out; null unless failed */
  readonly error: string | null
  readonly errorCode: string | null
}

/** A resource as the store gives it back for judging. */
export interface StoredResource extends Resource {
  readonly digest: string
  /** hexadecimal salt of the digest; null for rows without one (memberships and assignments hold opaque ids only) */
  readonly salt: string | null
  /** seal time of the first snapshot that shows this key */
  readonly firstSeenAt: Date
  /** true when that was the first snapshot of the source: it may be older than anything we know */
  readonly seenFromTheStart: boolean
  /**
   * earlier states, newest first, when there were any; `from` is the seal time of the snapshot that began each; of one that was disposed of
   * the facts are empty
   */
  readonly earlier: readonly { readonly from: Date; readonly facts: Facts; readonly disposed?: true }[]
  /** seal time of the snapshot that began the present state */
  readonly since: Date
  /** why `facts` is empty and `salt` null, in words with day and ledger entry; absent while the body is kept */
  readonly disposed?: string
}

export interface SourceRows {
  readonly snapshot: Snapshot
  readonly resources: AsyncIterable<StoredResource>
  /** what changed before it; left out: nobody asked */
  readonly history?: SourceHistory
  /** the snapshots of the source that are kept; left out: nobody asked */
  readonly kept?: Kept
}

/** The evidence of a source as it is kept, up to the judged snapshot. */
export interface Kept {
  /** oldest first */
  readonly snapshots: readonly KeptSnapshot[]
  /** when the whole store was last computed again, by the instant of the judgement; null: never */
  readonly verifiedAt: Date | null
}

export interface KeptSnapshot {
  readonly version: number
  readonly sealedAt: Date
  /** what is not as it was sealed: found now in itself, its chain and the ledger, and by the last verification in its rows and calls */
  readonly problems: readonly string[]
}

/** What changed in a source over a period that ends with the judged snapshot. */
export interface SourceHistory {
  /**
   * Oldest first: the last snapshot sealed by the beginning of the period (where there is none, the first of all), and every one since, the
   * judged one included. A single one: there is nothing to compare with.
   */
  readonly snapshots: readonly { readonly version: number; readonly sealedAt: Date }[]
  /** datasets of the snapshot before the judged one; null when there is none */
  readonly previous: readonly DatasetSummary[] | null
  /** every state of the resources that are not in the last snapshot as they were in the first, or were not so in between; of some datasets */
  readonly states: AsyncIterable<StoredState>
}

/** One state of a resource, with the snapshots that show it. */
export interface StoredState extends Resource {
  /** version of the first snapshot of the period that shows it so */
  readonly from: number
  /** version of the last snapshot of the period before that which proves that it was not so; null: none does, or it was so from the beginning */
  readonly notBefore: number | null
  /** true: it was so already in the period's first snapshot, or before */
  readonly isFromTheStart: boolean
  /** version of the last snapshot that shows it so; those up to `to` could not tell */
  readonly lastSeen: number
  /** version of the first snapshot that shows it so no more; null while it holds */
  readonly to: number | null
  /** why its facts are no longer kept, in words; absent while they are */
  readonly disposed?: string
}

/** What people bring beside AWS: one file, replaced as a whole by the next of its kind. */
export type ImportKind = 'roster' | 'attestations' | 'approvals' | 'reviews'

/** A file as it was read: every row right, or the file is refused. */
export interface ImportFile {
  readonly kind: ImportKind
  /** where it came from: path or URL, without credentials */
  readonly location: string
  /** SHA-256 over its bytes */
  readonly digest: string
  /** members by column name, as text; empty cells are left out */
  readonly rows: readonly Facts[]
}

export interface ImportedRows extends ImportFile {
  readonly importedAt: Date
  /** rows that are no longer kept, and why, in words with day and ledger entry; absent while all are */
  readonly disposed?: { readonly rows: number; readonly reason: string }
}

/** Everything needed to judge as of an instant: for each source its last snapshot sealed at or before it. */
export interface EstateRows {
  readonly asOf: Date
  readonly sources: readonly SourceRows[]
  /** of each kind the last one by then; left out: none */
  readonly imports?: readonly ImportedRows[]
  /** the register of exceptions as of the instant; left out: nobody asked */
  readonly exceptions?: readonly Exception[]
}

export type Severity = 'critical' | 'high' | 'medium' | 'low'
export type Status = 'pass' | 'fail' | 'unknown' | 'not_applicable'
export type ParameterValue = boolean | number | string | readonly string[]
export type ParameterValues = { readonly [name: string]: ParameterValue }

/**
 * Parameter values for where all conditions that are not null hold. By tag outranks by source, by source outranks by profile; of two of
 * one rank the later wins.
 */
export interface ParameterOverride {
  /** label of a source */
  readonly source: string | null
  /** tags of the account that a subject is, lies in or gives access to; all of them */
  readonly tag: { readonly [key: string]: string } | null
  /** framework whose parameter profile is in force */
  readonly profile: string | null
  /** by control id */
  readonly parameters: { readonly [controlId: string]: ParameterValues }
}

/** What people and reports need to know of a control; the compiled form stays in the controls room. */
export interface ControlInfo {
  readonly id: string
  readonly version: string
  readonly title: string
  readonly severity: Severity
  /** what it judges: `user`, `group`, `permissionSet`, `account`, `assignment`, … */
  readonly resource: string
  readonly datasets: readonly string[]
  readonly rationale: string
  readonly remediation: string
  readonly references: readonly string[]
  /** the declarative text, for the auditor */
  readonly appliesTo: string
  readonly requirement: string
  /** as they are for the source that was judged */
  readonly parameters: ParameterValues
  /** what replaces them for subjects of accounts with these tags, in the order in which they apply; left out: nothing */
  readonly parametersByTag?: readonly {
    readonly tag: { readonly [key: string]: string }
    readonly parameters: ParameterValues
  }[]
  /** of the control's file without cases and without parameter overrides */
  readonly digest: string
}

export interface Requirement {
  readonly id: string
  /** our own label where the framework's text is protected */
  readonly label: string
  readonly controls: readonly { readonly id: string; readonly basis: 'public' | 'judgement' }[]
}

export interface Framework {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly publisher: string
  readonly licence: string
  readonly source: string
  /** parameter values by control id that the framework asks for; in force when the configuration chooses its profile */
  readonly profile?: { readonly [controlId: string]: ParameterValues }
  readonly requirements: readonly Requirement[]
  readonly digest: string
}

/** What a result is about. `key` is the resource's key, or the dataset's name when the population itself could not be listed. */
export interface Subject {
  readonly kind: 'resource' | 'dataset'
  readonly source: string
  /** `user`, `group`, … as the control's `resource`; `dataset` for kind dataset */
  readonly type: string
  readonly key: string
  readonly name: string
}

export interface Result {
  readonly subject: Subject
  readonly status: Status
  /** what was found on this subject, in words; for unknown, what could not be read and the action to grant */
  readonly reason: string
  /** the facts it rests on, as shown beside it */
  readonly facts: Facts
  readonly gaps: readonly Gap[]
  /** ids of the approved exceptions that stand beside a fail; left out: none. They never change the status */
  readonly exceptions?: readonly string[]
}

/**
 * What an exception covers: the fails of its controls that meet every member that is not null. All null: all of them.
 * Only fails are covered: what is unknown is not excused.
 */
export interface ExceptionScope {
  /** label of a source */
  readonly source: string | null
  /** keys of subjects */
  readonly subjects: readonly string[] | null
  /** attribute (`account`, `permissionSet`, `tag:environment`, …) → patterns, of which one must fit; `*` stands for any characters */
  readonly match: { readonly [attribute: string]: readonly string[] } | null
  /** a CEL expression over the controls' resource that must be true */
  readonly when: string | null
}

/** Fails that someone accepts for a time and a reason, and someone else approved. Times are RFC 3339 text, digested as they stand. */
export interface Exception {
  readonly id: string
  /** `file`: a row of a file under version control; `database`: requested and approved by command */
  readonly origin: 'file' | 'database'
  readonly controls: readonly string[]
  readonly scope: ExceptionScope
  readonly reason: string
  readonly ticket: string | null
  readonly requestedBy: string
  readonly requestedAt: string | null
  /** null: nobody has approved it, so it covers nothing */
  readonly approvedBy: string | null
  readonly approvedAt: string | null
  readonly expiresAt: string
  readonly revokedBy: string | null
  readonly revokedAt: string | null
  readonly revokedReason: string | null
}

export type ExceptionState = 'requested' | 'approved' | 'lapsed' | 'revoked'

/** An exception as an evaluation knew it. */
export interface RegisteredException extends Exception {
  /** at the instant of the evaluation */
  readonly state: ExceptionState
  /** fails that it stands beside in this evaluation */
  readonly covers: number
  /** why it can cover nothing although it is approved (a control that is gone, a selector that no longer fits); null: it can */
  readonly problem: string | null
}

/** What a file of exceptions says, as it was read. */
export interface ExceptionFile {
  /** path of the file or folder */
  readonly location: string
  /** SHA-256 over the bytes of all its files, of a broken one as it was when it could be parsed */
  readonly digest: string
  readonly exceptions: readonly Exception[]
  /** rows that do not count and files that cannot be parsed, one line each with place and mistake */
  readonly problems: readonly string[]
  /** which file says what; absent in what was kept by versions that did not know */
  readonly files?: readonly ExceptionFilePart[]
}

/** One file as it was when it could last be parsed. */
export interface ExceptionFilePart {
  /** below the location; '' when the location is the file */
  readonly path: string
  /** SHA-256 of its bytes */
  readonly digest: string
  /** ids of the exceptions that count */
  readonly exceptions: readonly string[]
}

/** One control on one source. population = pass + fail + unknown + notApplicable, always. */
export interface ControlOutcome {
  readonly control: ControlInfo
  readonly source: string
  readonly parametersDigest: string
  readonly population: number
  /** true when the population could not be listed completely: shown as "≥ n" */
  readonly populationIsLowerBound: boolean
  readonly pass: number
  readonly fail: number
  readonly unknown: number
  readonly notApplicable: number
  /** of the fails, so many stand beside an approved exception */
  readonly excepted: number
  /** over the sorted (subject key, status) pairs of the whole population */
  readonly populationDigest: string
  /** the status of every subject that has no row in `results` */
  readonly implied: 'pass' | 'not_applicable'
  /** every subject whose status is not the implied one, sorted by key */
  readonly results: readonly Result[]
  /** a control that is broken at run time says so here and decides nothing: all its subjects are unknown */
  readonly error: string | null
}

/** One catalog on one estate. */
export interface Evaluation {
  readonly asOf: Date
  readonly catalogDigest: string
  readonly snapshots: readonly { readonly source: string; readonly version: number; readonly digest: string }[]
  readonly outcomes: readonly ControlOutcome[]
  /** the register as it was known at the instant, sorted by id; absent in evaluations that are older than exceptions */
  readonly exceptions?: readonly RegisteredException[]
}

/** An evaluation as the store keeps it. */
export interface SavedEvaluation extends Evaluation {
  readonly id: number
  readonly evaluatedAt: Date
  /** of the canonical JSON of everything it says; stands in the ledger */
  readonly digest: string
}

/**
 * How a finding stands, from one evaluation to the next that changes it. It began after `openedAfter` and by `openedBy`, it ended after
 * `resolvedAfter` and by `resolvedBy`: seal times of snapshots, or instants of evaluations where one snapshot was judged twice. An `…After` of
 * null: it may be older than anything that was judged.
 */
export interface FindingState {
  /** a fail that becomes unknown, or is judged no more, is not resolved */
  readonly state: 'open' | 'resolved'
  /** what the last evaluation made of it; `pass_or_gone`: it passes, or is not there any more */
  readonly status: 'fail' | 'unknown' | 'not_judged' | 'pass' | 'not_applicable' | 'pass_or_gone'
  readonly name: string
  readonly severity: Severity
  /** what was found when it was opened */
  readonly reason: string
  /** subjects that an unknown makes undecided; 1 for a fail */
  readonly subjects: number
  /** ids of the approved exceptions beside it: it stays open, and is not due */
  readonly exceptions: readonly string[]
  /** 1 when it was opened, one more each time it was reopened */
  readonly episode: number
  readonly openedAfter: Date | null
  readonly openedBy: Date
  readonly resolvedAfter: Date | null
  readonly resolvedBy: Date | null
  /** since when its days to be mended count */
  readonly raisedBy: Date
  readonly raisedBecause: 'opened' | 'reopened' | 'exception_ended'
  /** null once it is resolved, and while it is excepted */
  readonly dueAt: Date | null
}

/** A failing subject over time, or one cause that leaves subjects of a control unknown. */
export interface Finding extends FindingState {
  readonly id: number
  readonly control: string
  readonly source: string
  readonly kind: 'fail' | 'unknown'
  readonly subjectType: string
  /** key of the subject; of an unknown its cause: `dataset|reason|IAM action` */
  readonly subjectKey: string
  readonly owner: string | null
  readonly ticket: string | null
}

/** What someone said of a finding. */
export interface FindingNote {
  readonly id: number
  readonly at: Date
  readonly by: string
  readonly kind: 'assigned' | 'note'
  /** after an assignment; null: nobody, none */
  readonly owner: string | null
  readonly ticket: string | null
  readonly text: string | null
}

/** Open findings, and how long the resolved ones took, of one severity. */
export interface FindingFigures {
  readonly severity: Severity
  readonly open: number
  /** of the open ones */
  readonly excepted: number
  readonly overdue: number
  /** of the open ones, those that are causes of unknowns */
  readonly unknown: number
  /** episodes that ended */
  readonly resolved: number
  /** from `openedBy` to `resolvedBy`, in days; null: none was resolved */
  readonly meanDaysToResolve: number | null
  readonly medianDaysToResolve: number | null
}

/** One entry of the hash-chained ledger of everything that matters. */
export interface LedgerEntry {
  readonly position: number
  readonly at: Date
  readonly kind:
    | 'snapshot'
    | 'run_failed'
    | 'evaluation'
    | 'bundle'
    | 'catalog'
    | 'config'
    | 'key'
    | 'download'
    | 'confirmation'
    | 'verification'
    | 'import'
    | 'hold'
    | 'disposal'
    | 'exception'
    | 'exception_file'
    | 'finding'
  readonly payload: Facts
  readonly previousDigest: string | null
  readonly digest: string
}

/**
 * What stands in and outside the database for one snapshot or evaluation, so that a rewrite of history shows even when its author fixed every hash inside.
 * The signature is Ed25519 over the canonical JSON of the other members but `keyFingerprint`.
 */
export interface SignedHead {
  /** stable name of the source over changes of its label: partition and instance, e.g. `aws-ssoins-1234567890abcdef`; or `evaluations` */
  readonly stream: string
  /** of a snapshot, or number of an evaluation */
  readonly version: number
  /** one of these two */
  readonly snapshotDigest?: string
  readonly evaluationDigest?: string
  /** its own entry of the ledger, and with it everything before */
  readonly ledgerPosition: number
  readonly ledgerDigest: string
  /** lines of the change set, and SHA-256 over them, each followed by a line feed */
  readonly lines: number
  readonly linesDigest: string
  /** SHA-256 of the canonical JSON of the head before, signature included; null for the first */
  readonly previousDigest: string | null
  readonly keyFingerprint: string
  /** base64 */
  readonly signature: string
}

/** One file of evidence. `read` may be called more than once and gives the same bytes each time. */
export interface Artifact {
  readonly path: string
  readonly mediaType: string
  readonly title: string
  read(): AsyncIterable<Uint8Array>
}

export interface BundleRecord {
  readonly id: string
  readonly issuedAt: Date
  readonly asOf: Date
  readonly framework: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly manifestDigest: string
  readonly keyFingerprint: string
  readonly ledgerPosition: number
  /** false when an input of it was denied or incomplete */
  readonly complete: boolean
}

/**
 * What differs between two snapshots about one key. `unknown`: one of the two could not see it, so that nobody can say whether it
 * is new, gone or changed; the facts are then what was last known on each side.
 */
export interface Change {
  readonly kind: 'added' | 'removed' | 'changed' | 'unknown'
  readonly dataset: string
  readonly place: Place
  readonly parent: string
  readonly key: string
  /** null when the earlier snapshot has no such key */
  readonly before: Facts | null
  /** null when the later snapshot has no such key */
  readonly after: Facts | null
  /** why `before` is null although the earlier snapshot has the key: its body was disposed of */
  readonly beforeDisposed?: string
  /** the same of `after` */
  readonly afterDisposed?: string
  /** seal time of the snapshot that began `after` or ended `before`; it happened between the snapshot before that one and this time */
  readonly shownAt: Date
}

/** A part that a snapshot could not read completely. */
export interface UnreadPart {
  readonly source: string
  readonly version: number
  readonly dataset: string
  readonly place: Place
  /** '' for the whole dataset at that place */
  readonly parent: string
  readonly coverage: Coverage
  readonly reason: string | null
}

export interface SnapshotDiff {
  readonly from: Snapshot
  readonly to: Snapshot
  /** what either snapshot could not read: nothing is said about it but `unknown` */
  readonly unread: readonly UnreadPart[]
  /** by dataset, place and key as UTF-8 bytes; read when it is asked for */
  readonly changes: AsyncIterable<Change>
}

/**
 * How a user reaches an account: directly, or through a group. The four times are those of the grant (assignment and membership), each
 * the seal time of a snapshot: it began after `beganAfter` and by `beganBy`, it ended after `endedAfter` and by `endedBy`.
 */
export interface AccessPath {
  readonly source: string
  readonly user: {
    readonly id: string
    /** null when the directory never showed it */
    readonly name: string | null
    /** as AWS sends it (`ENABLED`, `DISABLED`); null when it was not sent or not read */
    readonly status: string | null
    /** `deleted`: the users were listed and this one is not among them; `not_asked`: ids only were asked for */
    readonly presence: 'present' | 'deleted' | 'not_read' | 'not_asked'
  }
  /** null: assigned directly */
  readonly group: { readonly id: string; readonly name: string | null } | null
  readonly permissionSet: { readonly arn: string; readonly name: string | null }
  readonly account: { readonly id: string; readonly name: string | null }
  /**
   * what stored policy analysis said of the permission set while the path held; the most powerful where it changed; null: no evaluation
   * judged those snapshots
   */
  readonly classification: PermissionSetClass['classification'] | null
  /** at the instant asked about, or at the end of the period; `unknown`: it held when it was last read, and was not read then */
  readonly state: 'held' | 'ended' | 'unknown'
  /** for `unknown`: seal time of the last snapshot that shows it; unknown since */
  readonly knownUntil: Date | null
  /** null: no snapshot shows that it was not there before */
  readonly beganAfter: Date | null
  readonly beganBy: Date
  readonly endedAfter: Date
  /** null: no snapshot shows its end */
  readonly endedBy: Date | null
}

/** What policy analysis says of one permission set. */
export interface PermissionSetClass {
  readonly source: string
  readonly permissionSetArn: string
  readonly classification: 'admin' | 'can_escalate' | 'none' | 'unknown'
  readonly reason: string
}

/** Who reaches what, as the snapshots of each source saw it. */
export interface AccessAnswer {
  /** the snapshots it rests on: the last ones sealed by the instant asked about, or by the end of the period */
  readonly snapshots: readonly Snapshot[]
  /** what those could not read and what therefore may be missing among the paths */
  readonly unread: readonly UnreadPart[]
  /** bodies that hold names and were disposed of, in words; empty when every name that was ever read is there */
  readonly disposed: readonly string[]
  /** by source, account, permission set, user and group */
  readonly paths: Iterable<AccessPath>
}

/** Told while something long goes on. `total` null: not known yet. */
export interface Progress {
  readonly phase: string
  readonly done: number
  readonly total: number | null
  readonly detail: string
}
