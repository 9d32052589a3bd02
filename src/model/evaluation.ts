import type { ControlInfo, Status } from './control.ts'
import type { Gap } from './coverage.ts'
import type { RegisteredException } from './exception.ts'
import type { Facts } from './json.ts'

/** What a result is about. `key` is the resource's key, or the dataset's name when the population itself could not be listed. */
export interface Subject {
  readonly kind: 'resource' | 'dataset'
  readonly source: string
  /** `user`, `group`, … as the control's `resource`; `dataset` for kind dataset */
  readonly type: string
  readonly key: string
  readonly name: string
}

/** What one control says of one subject. */
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

/** How many subjects have which status. population = pass + fail + unknown + notApplicable, always. */
export interface StatusCounts {
  readonly population: number
  /** true when the population could not be listed completely: shown as "≥ n" */
  readonly populationIsLowerBound: boolean
  readonly pass: number
  readonly fail: number
  readonly unknown: number
  readonly notApplicable: number
  /** of the fails, so many stand beside an approved exception */
  readonly excepted: number
}

/** One control on one source. */
export interface ControlOutcome extends StatusCounts {
  readonly control: ControlInfo
  readonly source: string
  readonly parametersDigest: string
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
