import { compareBytes } from '../digest.ts'
import type { Facts, StoredResource } from '../model.ts'
import { byteOrderOf } from './byte-order.ts'
import type { GapIndex } from './gap-index.ts'
import { Since, Unknown } from './values.ts'

/** What JSON.stringify does not leave as it is; of surrogates only those without their other half. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are escaped
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** What makes a state of a resource, and how AWS dates it. */
export interface StateRule {
  readonly member: string
  /** the member that says when anything changed, as it stood when a snapshot first showed the state; null when AWS has none */
  readonly changedAt: string | null
}

/**
 * All resources of one dataset by number. A number is given when a key is first mentioned, by its own row or by a row that
 * refers to it, so rows may come in any order; a number without facts is something referred to that has no row.
 */
export class EntityTable {
  readonly dataset: string
  readonly keys: string[] = []
  readonly #facts: (Facts | undefined)[] = []
  readonly #firstSeen: Since[] = []
  readonly #stateSince: Since[] = []
  readonly #numbers = new Map<string, number>()
  readonly #absences = new Map<number, Unknown>()
  readonly #state: StateRule | null
  readonly #instants = new Map<string, Since>()
  #isPlain = true
  #seen = 0

  /** @param state what `stateSince` is about; null where nobody asks */
  constructor(dataset: string, state: StateRule | null = null) {
    this.dataset = dataset
    this.#state = state
  }

  get length(): number {
    return this.keys.length
  }

  /** The number of a key, a new one when it is not known yet. */
  number(key: string): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.keys.push(key) - 1
    this.#numbers.set(key, number)
    this.#facts.push(undefined)
    return number
  }

  /** Whether JSON writes every key as it is, between quotation marks. */
  get hasPlainKeys(): boolean {
    for (; this.#isPlain && this.#seen < this.keys.length; this.#seen++) this.#isPlain = !escaped.test(this.keys[this.#seen]!)
    return this.#isPlain
  }

  /** The number of a key; undefined when nothing mentions it. */
  find(key: string): number | undefined {
    return this.#numbers.get(key)
  }

  add(row: StoredResource): number {
    const number = this.number(row.key)
    this.#facts[number] = row.facts
    this.#firstSeen[number] = this.#since(row.firstSeenAt, !row.seenFromTheStart)
    if (this.#state !== null) this.#stateSince[number] = this.#sinceState(row, this.#state)
    return number
  }

  /** Makes a key a member of the population although its row could not be read: every fact of it is a gap. */
  addUnread(key: string): void {
    const number = this.number(key)
    this.#facts[number] ??= {}
  }

  facts(number: number): Facts | undefined {
    return this.#facts[number]
  }

  isPresent(number: number): boolean {
    return this.#facts[number] !== undefined
  }

  firstSeen(number: number): Since | undefined {
    return this.#firstSeen[number]
  }

  /** Since when the present state holds, as far as snapshots and AWS's own dates prove it. */
  stateSince(number: number): Since | undefined {
    return this.#stateSince[number]
  }

  /** Why a number has no row: the population could not be listed, or the run saw a reference to something it did not list. */
  absence(number: number, gaps: GapIndex): Unknown {
    const known = gaps.rows(this.dataset).get(this.keys[number]!) ?? gaps.list(this.dataset)
    if (known !== undefined) return known
    let absence = this.#absences.get(number)
    if (absence === undefined) {
      const key = this.keys[number]!
      const message = `${key} is referred to, but is not in ${this.dataset} of the same run: it was made or deleted while the run read`
      absence = new Unknown([{ ...gaps.absent(this.dataset, '', 'not_collected', message, key), action: null }])
      this.#absences.set(number, absence)
    }
    return absence
  }

  /** Numbers of all members, in the byte order of their keys. */
  order(): Int32Array {
    const present = this.keys.flatMap((_, number) => (this.isPresent(number) ? [number] : []))
    return sortByKey(Int32Array.from(present), number => this.keys[number]!)
  }

  #sinceState(row: StoredResource, state: StateRule): Since {
    const present = row.facts[state.member]
    let first = { from: row.since, facts: row.facts }
    let isProven = false
    for (const earlier of row.earlier) {
      if (earlier.disposed) return this.#since(first.from, false)
      const before = earlier.facts[state.member]
      // a state that was not sent may have been the present one already: only another state is proof
      if (before !== undefined && before !== present) {
        isProven = true
        break
      }
      first = earlier
    }
    const dated = state.changedAt === null ? undefined : first.facts[state.changedAt]
    const changedAt = typeof dated === 'string' ? new Date(dated) : null
    if (changedAt !== null && changedAt <= first.from) return this.#since(changedAt, true)
    if (isProven) return this.#since(first.from, true)
    return this.#since(row.firstSeenAt < first.from ? row.firstSeenAt : first.from, !row.seenFromTheStart)
  }

  #since(at: Date, isExact: boolean): Since {
    const name = `${at.getTime()} ${isExact}`
    let since = this.#instants.get(name)
    if (since === undefined) {
      since = new Since(at, isExact)
      this.#instants.set(name, since)
    }
    return since
  }
}

/** Sorts numbers by the bytes of their keys; what is sorted already (as the store sends it) costs one pass. */
export function sortByKey(numbers: Int32Array, keyOf: (number: number) => string): Int32Array {
  let isSorted = true
  for (let i = 1; i < numbers.length && isSorted; i++) {
    isSorted = compareBytes(keyOf(numbers[i - 1]!), keyOf(numbers[i]!)) < 0
  }
  if (isSorted) return numbers
  const keys = new Map(Array.from(numbers, number => [number, keyOf(number)] as const))
  const compare = byteOrderOf(keys.values())
  return numbers.sort((a, b) => compare(keys.get(a)!, keys.get(b)!))
}
