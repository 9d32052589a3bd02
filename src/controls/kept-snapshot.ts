import type { Kept, KeptSnapshot } from '../model.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import { Since, Unknown } from './values.ts'

/** A snapshot of the source that the store keeps. */
export class StoredSnapshot extends Entity {
  readonly key: string
  readonly version: number
  readonly sealedAt: Date
  readonly #kept: Kept
  readonly #snapshot: KeptSnapshot

  constructor(estate: Surroundings, kept: Kept, snapshot: KeptSnapshot) {
    super(estate, 0)
    this.#kept = kept
    this.#snapshot = snapshot
    this.version = snapshot.version
    this.sealedAt = snapshot.sealedAt
    this.key = String(snapshot.version).padStart(8, '0')
  }

  get typeName(): string {
    return 'StoredSnapshot'
  }
  get name(): string {
    return `snapshot ${this.version}`
  }
  get isOldest(): boolean {
    return this.#kept.snapshots.every(({ version }) => version >= this.version)
  }
  get problems(): List {
    return this.#snapshot.problems
  }
  /** When the whole store was last computed again, the snapshot in it. */
  get lastVerified(): Since | Unknown {
    const { verifiedAt } = this.#kept
    if (verifiedAt !== null && verifiedAt >= this.sealedAt) return new Since(verifiedAt, true)
    const message = 'the store was not computed again since it was sealed'
    return new Unknown([this.estate.gaps.absent('ledger.verifications', '', 'not_collected', message)])
  }
}
