import type { DatasetSummary, Snapshot } from '../model.ts'
import { Entity, type Surroundings } from './entity.ts'
import { Since } from './values.ts'

/** One dataset of the snapshot at one place: what evidence is judged by. */
export class Collected extends Entity {
  readonly key: string
  readonly #summary: DatasetSummary
  readonly #snapshot: Snapshot

  constructor(estate: Surroundings, snapshot: Snapshot, summary: DatasetSummary) {
    super(estate, 0)
    this.#snapshot = snapshot
    this.#summary = summary
    this.key = `${summary.name}|${summary.place.accountId}|${summary.place.region}`
  }

  get typeName(): string {
    return 'Collected'
  }
  get dataset(): string {
    return this.#summary.name
  }
  get accountId(): string {
    return this.#summary.place.accountId
  }
  get name(): string {
    return `${this.dataset} in ${this.accountId}`
  }
  get coverage(): string {
    return this.#summary.coverage
  }
  get reason(): string {
    const { reason } = this.#summary
    const said = this.#gaps().map(gap => gap.message)
    return reason ?? [...new Set(said)].slice(0, 3).join('; ')
  }
  get actions(): readonly string[] {
    return [...new Set(this.#gaps().flatMap(gap => gap.action ?? []))]
  }
  /** What is not complete now has no date of completeness in this snapshot. */
  get lastComplete(): Since {
    const isComplete = this.coverage === 'complete' || this.coverage === 'complete_with_changes'
    const at = this.#summary.lastObservedAt ?? this.#snapshot.sealedAt
    return isComplete ? new Since(at, true) : new Since(at, false)
  }
  get rows(): number {
    return this.#summary.count
  }

  #gaps() {
    const { name, place } = this.#summary
    return this.#snapshot.gaps.filter(
      gap =>
        gap.dataset === name &&
        gap.member === null &&
        gap.place.accountId === place.accountId &&
        gap.place.region === place.region,
    )
  }
}
