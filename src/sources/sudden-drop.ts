import type { Facts, Place } from '../model.ts'
import type { Cause } from './gap.ts'

/** A population of at least so many that lost more than this share is not believed until somebody confirms it. */
const smallestPopulation = 20
const mostDrop = 0.2

/** What earlier runs know, asked only when it is needed. */
export interface Remembered {
  /** facts of a dataset that still hold, by key */
  keptFacts?(dataset: string): Promise<ReadonlyMap<string, Facts>>
  /** accounts that had provisioned pairs when they were last known, and whether the organization listed them then */
  accountsWithPairs?(): Promise<ReadonlyMap<string, boolean>>
  /** rows of a dataset that held when it was last read, by parent */
  heldRows?(dataset: string, place: Place): Promise<ReadonlyMap<string, number>>
  /** rows that the interrupted run had staged, by parent */
  stagedRows?(dataset: string, place: Place): ReadonlyMap<string, number>
}

/** Whether so many fewer rows are no matter of course. */
export function isSuddenDrop(rows: number, before: number): boolean {
  return before >= smallestPopulation && rows < before * (1 - mostDrop)
}

/** What the parts of one dataset showed, for holding their sum against the last time. */
export class ShownRows {
  readonly #rows = new Map<string, number>()
  /** parts that are open for another reason than a drop: what they do not show may be there */
  readonly #open = new Set<string>()
  readonly #dropped = new Set<string>()

  note(parent: string, rows: number, cause: Cause | null): void {
    const isDrop = cause?.gap.reason === 'unconfirmed_drop'
    this.#rows.set(parent, rows)
    if (isDrop) this.#dropped.add(parent)
    else this.#dropped.delete(parent)
    if (cause === null || isDrop) this.#open.delete(parent)
    else this.#open.add(parent)
  }

  /** Takes up parts that were staged before and not read again. */
  addStaged(staged: ReadonlyMap<string, number>, isParent: (parent: string) => boolean): void {
    for (const [parent, rows] of staged) if (isParent(parent) && !this.#rows.has(parent)) this.#rows.set(parent, rows)
  }

  /**
   * Rows in all; what could not be read counts as it was.
   * @param hasAllParents false: parents that were not seen may be there too
   */
  sum(held: ReadonlyMap<string, number>, hasAllParents: boolean): number {
    let sum = 0
    for (const rows of this.#rows.values()) sum += rows
    for (const [parent, before] of held) {
      const rows = this.#rows.get(parent)
      if (rows === undefined ? !hasAllParents : this.#open.has(parent)) sum += Math.max(0, before - (rows ?? 0))
    }
    return sum
  }

  /** Parts that were read to their end and show fewer rows than the last time. */
  shrunk(held: ReadonlyMap<string, number>): string[] {
    return [...this.#rows]
      .filter(([parent, rows]) => rows < (held.get(parent) ?? 0) && !this.#open.has(parent))
      .map(([parent]) => parent)
  }

  /** Parts that ended open, because they showed fewer rows twice. */
  get dropped(): readonly string[] {
    return [...this.#dropped]
  }
}
