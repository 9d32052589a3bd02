import type { UnreadPart } from './coverage.ts'
import type { Snapshot } from './snapshot.ts'

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
  /** for `unknown`: seal time of the last snapshot that shows it, unknown since; null: none showed all of it at once */
  readonly knownUntil: Date | null
  /** null: no snapshot shows that it was not there before */
  readonly beganAfter: Date | null
  /** null: no snapshot ever showed all of it at once, so that it may never have held */
  readonly beganBy: Date | null
  readonly endedAfter: Date | null
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
  /** what those, and for a period every snapshot of it, could not read and what therefore may be missing among the paths */
  readonly unread: readonly UnreadPart[]
  /** bodies that hold names and were disposed of, in words; empty when every name that was ever read is there */
  readonly disposed: readonly string[]
  /** by source, account, permission set, user and group */
  readonly paths: Iterable<AccessPath>
}
