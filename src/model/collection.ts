import type { Coverage, Gap, PartId } from './coverage.ts'
import type { Facts } from './json.ts'
import type { Caller, Place, SourceIdentity } from './source.ts'

/** One row of a part. The key is unique within (dataset, place): AWS's id or ARN, with `parent|` in front where the id alone is not unique. */
export interface Row {
  readonly key: string
  readonly facts: Facts
}

/** A row, with the part it belongs to. */
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

/** How the reading of a part ended, and what of it could not be read. */
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

/** What is saved in one go: pieces of parts, and the calls they took. */
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

/** The two ways of finding the provisioned pairs: by permission set, or by account. */
export interface PlannedDiscovery {
  /** predicted calls; null before the first snapshot */
  readonly bySet: number | null
  readonly byAccount: number | null
  /** at the budget's rate, were it alone */
  readonly secondsBySet?: number | null
  readonly secondsByAccount?: number | null
  readonly taken: 'by_set' | 'by_account'
  /** in words */
  readonly reason: string
}

/** One dataset of a plan at one place. */
export interface PlanStep {
  readonly dataset: string
  readonly operation: string
  readonly action: string
  readonly place: Place
  /** datasets whose rows name what it asks about, one part for each; left out: it is one list, or nobody says */
  readonly parents?: readonly string[]
  readonly calls: number | null
  /** at the budget's rate, were it alone */
  readonly seconds?: number | null
}

/** Rows per dataset in the last sealed snapshot of a source; empty before the first. */
export type Counts = { readonly [dataset: string]: number }

/** Told while something long goes on. `total` null: not known yet. */
export interface Progress {
  readonly phase: string
  readonly done: number
  readonly total: number | null
  readonly detail: string
  /** calls a second at the moment; left out where none are made */
  readonly perSecond?: number
  /** answers so far that said that it is too fast */
  readonly throttles?: number
  /** null: nobody knows yet */
  readonly secondsLeft?: number | null
}
