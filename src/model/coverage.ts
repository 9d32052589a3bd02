import type { Place } from './source.ts'

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

/** How much of a part, or of a dataset, was read. Only what is complete may say that something is gone. */
export type Coverage =
  | 'complete'
  /** complete, and something it refers to changed while it was read (a group deleted between list and members, confirmed) */
  | 'complete_with_changes'
  | 'incomplete'
  | 'denied'
  | 'not_enabled'
  | 'not_applicable'
  | 'not_collectable'

/** Why something could not be read, or is not kept. */
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
  | 'unconfirmed_empty'
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
