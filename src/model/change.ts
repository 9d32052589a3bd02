import type { UnreadPart } from './coverage.ts'
import type { Facts } from './json.ts'
import type { Snapshot } from './snapshot.ts'
import type { Place } from './source.ts'

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

/** What differs between two snapshots of one source. */
export interface SnapshotDiff {
  readonly from: Snapshot
  readonly to: Snapshot
  /** what either snapshot could not read: nothing is said about it but `unknown` */
  readonly unread: readonly UnreadPart[]
  /** by dataset, place and key as UTF-8 bytes; read when it is asked for */
  readonly changes: AsyncIterable<Change>
}
