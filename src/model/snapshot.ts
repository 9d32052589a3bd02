import type { Progress, Resource } from './collection.ts'
import type { Coverage, Gap } from './coverage.ts'
import type { Exception } from './exception.ts'
import type { ImportedRows } from './import.ts'
import type { Facts } from './json.ts'
import type { Caller, Place, SourceIdentity } from './source.ts'

/** What a snapshot says of one dataset at one place: how much of it was read, and the digest of what was. */
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
  /** how far it had come when it last said so; null unless it is going on */
  readonly progress?: Progress | null
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

/** Since when a row is as it is, as snapshots show it. */
export type SeenSince = Pick<StoredResource, 'firstSeenAt' | 'seenFromTheStart' | 'since'>

/**
 * Rows of one dataset that only join ids (memberships and assignments), as columns: for judging millions of them. Sorted by the bytes of
 * their keys.
 */
export interface StoredEdges {
  readonly dataset: string
  readonly place: Place
  readonly count: number
  /** of row i: `parents[parentOf[i]]` */
  readonly parents: readonly string[]
  readonly parentOf: Int32Array
  /** user or group of row i: `ids[idOf[i]]` */
  readonly ids: readonly string[]
  readonly idOf: Int32Array
  /** 1: a user; 0: a group */
  readonly isUser: Uint8Array
  /** of row i: `seen[seenOf[i]]` */
  readonly seen: readonly SeenSince[]
  readonly seenOf: Int32Array
}

/** One source, as it is judged. */
export interface SourceRows {
  readonly snapshot: Snapshot
  readonly resources: AsyncIterable<StoredResource>
  /** rows that are not among the resources; left out: all are */
  readonly edges?: AsyncIterable<StoredEdges>
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

/** A snapshot that is kept, as it was found. */
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

/** Everything needed to judge as of an instant: for each source its last snapshot sealed at or before it. */
export interface EstateRows {
  readonly asOf: Date
  /** the clock of whoever judges, which may be behind what is on record; left out: it is not */
  readonly clock?: Date
  readonly sources: readonly SourceRows[]
  /** of each kind the last one by then; left out: none */
  readonly imports?: readonly ImportedRows[]
  /** the register of exceptions as of the instant; left out: nobody asked */
  readonly exceptions?: readonly Exception[]
}
