import { partKey } from '../digest.ts'
import { IntColumn } from '../int-column.ts'
import type { Coverage, Gap, PartEnd, PartId, Place } from '../model.ts'
import { PartNames } from '../part-names.ts'
import { Digests } from './digests.ts'
import { edgeKindOf } from './edge.ts'

/** A dataset in one place. */
export interface PartGroup {
  readonly dataset: string
  readonly place: Place
  readonly edges: 'membership' | 'assignment' | null
}

/** The end of a part that is more than `complete`. */
export interface SpecialEnd {
  readonly coverage: Coverage
  readonly reason: string | null
  readonly gaps: readonly Gap[]
}

const plain: SpecialEnd = { coverage: 'complete', reason: null, gaps: [] }
const states = { untouched: 0, begun: 1, ended: 2 } as const

/**
 * Parts of one source, and how far a run is with each. A part is an index here; columns instead of objects, since there may be hundreds
 * of thousands of them.
 */
export class RunParts {
  readonly groups: PartGroup[] = []
  readonly #groupOf = new Map<string, number>()
  readonly #names = new PartNames()
  readonly #ids = new IntColumn()
  readonly #fresh = new IntColumn()
  readonly #contents = new IntColumn()
  readonly #states = new IntColumn()
  readonly #generations = new IntColumn()
  readonly #rows = new IntColumn()
  readonly #unchanged = new IntColumn()
  readonly #pages = new IntColumn()
  readonly #duplicates = new IntColumn()
  readonly #first: number[] = []
  readonly #last: number[] = []
  readonly #special = new Map<number, SpecialEnd>()
  readonly #digests = new Digests()
  #lastGroup = 0

  get count(): number {
    return this.#names.count
  }

  /** @returns the index of a part, which it gets here when it is new */
  indexOf(part: PartId): number {
    const groupIndex = this.#isOfLastGroup(part) ? this.#lastGroup : this.#indexOfGroup(part.dataset, part.place)
    this.#lastGroup = groupIndex
    return this.#names.enter(groupIndex, part.parent)
  }

  /** Takes up a part that the database knows. @param content digest of its edges in hexadecimal, if it is known */
  know(part: PartId, id: number, content: string | null): void {
    const index = this.indexOf(part)
    this.#ids.set(index, id)
    if (content !== null) this.#contents.set(index, this.#digests.add(content) + 1)
  }

  /** number in the database; 0 for a part that it does not know yet */
  idOf(index: number): number {
    return this.#ids.get(index)
  }

  /** Gives a part that the database did not know its number. */
  setId(index: number, id: number): void {
    this.#ids.set(index, id)
    this.#fresh.set(index, 1)
  }

  /** Takes back the numbers that were given: their transaction failed. */
  dropNumbers(): void {
    for (let index = 0; index < this.count; index++) {
      if (!this.isFresh(index)) continue
      this.#ids.set(index, 0)
      this.#fresh.set(index, 0)
    }
  }

  /** the database did not know it before this run, so that no row of it is there */
  isFresh(index: number): boolean {
    return this.#fresh.get(index) === 1
  }

  groupOf(index: number): PartGroup {
    return this.groups[this.#names.groupOf(index)]!
  }

  /** tells groups apart by a number */
  groupIndexOf(index: number): number {
    return this.#names.groupOf(index)
  }

  parentOf(index: number): string {
    return this.#names.parentOf(index)
  }

  partOf(index: number): PartId {
    const { dataset, place } = this.groupOf(index)
    return { dataset, place, parent: this.parentOf(index) }
  }

  keyOf(index: number): string {
    return partKey(this.partOf(index))
  }

  /** digest of the edges that the last snapshot shows of it; null when they have to be compared row by row */
  contentOf(index: number): string | null {
    const at = this.#contents.get(index)
    return at === 0 ? null : this.#digests.get(at - 1)
  }

  begin(index: number): void {
    this.#states.set(index, states.begun)
    this.#generations.set(index, this.#generations.get(index) + 1)
    this.#rows.set(index, 0)
    this.#unchanged.set(index, 0)
    this.#special.delete(index)
  }

  addRows(index: number, rows: number): void {
    this.#rows.set(index, this.#rows.get(index) + rows)
  }

  end(index: number, end: PartEnd, isUnchanged: boolean): void {
    this.#states.set(index, states.ended)
    this.#unchanged.set(index, isUnchanged ? 1 : 0)
    this.#pages.set(index, end.pages)
    this.#duplicates.set(index, end.duplicates)
    this.#first[index] = end.firstObservedAt.getTime()
    this.#last[index] = end.lastObservedAt.getTime()
    if (!isPlain(end)) this.#special.set(index, { coverage: end.coverage, reason: end.reason, gaps: end.gaps })
  }

  /** Takes a part out of the run: what was staged of it does not count. */
  forget(index: number): void {
    this.#states.set(index, states.untouched)
    this.#special.delete(index)
  }

  isTouched(index: number): boolean {
    return this.#states.get(index) !== states.untouched
  }

  isEnded(index: number): boolean {
    return this.#states.get(index) === states.ended
  }

  /** its edges are those of the last snapshot */
  isUnchanged(index: number): boolean {
    return this.isEnded(index) && this.#unchanged.get(index) === 1
  }

  /** counts up with every first piece, so that pieces from before it can be told */
  generationOf(index: number): number {
    return this.#generations.get(index)
  }

  rowsOf(index: number): number {
    return this.#rows.get(index)
  }

  /** Of a part that ended. */
  endOf(index: number): PartEnd {
    return {
      ...(this.#special.get(index) ?? plain),
      pages: this.#pages.get(index),
      duplicates: this.#duplicates.get(index),
      firstObservedAt: new Date(this.#first[index]!),
      lastObservedAt: new Date(this.#last[index]!),
    }
  }

  lastObservedOf(index: number): number {
    return this.#last[index]!
  }

  specialOf(index: number): SpecialEnd | null {
    return this.#special.get(index) ?? null
  }

  /** read to its end, with nothing missing; that a feature is switched off is such an end: what it showed before is over */
  isComplete(index: number): boolean {
    if (!this.isEnded(index)) return false
    const coverage = this.#special.get(index)?.coverage ?? 'complete'
    return coverage === 'complete' || coverage === 'complete_with_changes' || coverage === 'not_enabled'
  }

  *touched(): Generator<number> {
    for (let index = 0; index < this.count; index++) if (this.isTouched(index)) yield index
  }

  /** parts of one dataset and place come in a row */
  #isOfLastGroup({ dataset, place }: PartId): boolean {
    const last = this.groups[this.#lastGroup]
    return (
      last !== undefined &&
      last.dataset === dataset &&
      last.place.accountId === place.accountId &&
      last.place.region === place.region
    )
  }

  #indexOfGroup(dataset: string, place: Place): number {
    const key = `${dataset} ${place.accountId} ${place.region}`
    const known = this.#groupOf.get(key)
    if (known !== undefined) return known
    const index = this.groups.push({ dataset, place, edges: edgeKindOf(dataset) }) - 1
    this.#groupOf.set(key, index)
    return index
  }
}

export function isPlain(end: PartEnd): boolean {
  return end.coverage === 'complete' && end.reason === null && end.gaps.length === 0
}
