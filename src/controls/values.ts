import type { Gap } from '../model.ts'

/**
 * What an expression gives when it gives no value. It is a value itself and never thrown, so that
 * `&&`, `||`, counts and lists can go on with what is known.
 */
export abstract class Undecided {}

/** The answer lies in a gap. `gaps` are those that stand in the way, at most a score of them. */
export class Unknown extends Undecided {
  readonly gaps: readonly Gap[]

  constructor(gaps: readonly Gap[]) {
    super()
    this.gaps = gaps
  }
}

/** The control itself is wrong: it asks for something that does not exist. It says nothing about the resource. */
export class Broken extends Undecided {
  readonly message: string

  constructor(message: string) {
    super()
    this.message = message
  }
}

const mostGaps = 20

/** Joins two reasons for having no answer: broken outranks unknown, gaps add up. */
export function join(a: Undecided, b: Undecided): Undecided {
  if (a === b || a instanceof Broken) return a
  if (b instanceof Broken) return b
  return joinGaps(a as Unknown, b as Unknown)
}

export function joinGaps(a: Unknown, b: Unknown): Unknown {
  if (a === b || a.gaps.length >= mostGaps) return a
  const more = b.gaps.filter(gap => !a.gaps.includes(gap))
  return more.length === 0 ? a : new Unknown([...a.gaps, ...more].slice(0, mostGaps))
}

/**
 * A list of which not everything could be read. A complete list is a plain array.
 * `items` are members for certain. `ghosts` are things that may be members: what is known of them can be asked, and one
 * that fails a predicate for certain cannot matter. `isUnbounded`: a ghost may stand for any number of members (matters to
 * `size()` alone). `isOpen`: there may be members of which nothing is known.
 */
export class OpenList {
  readonly items: readonly unknown[]
  readonly ghosts: readonly unknown[]
  readonly isUnbounded: boolean
  readonly isOpen: boolean
  readonly why: Unknown

  constructor(
    items: readonly unknown[],
    ghosts: readonly unknown[],
    why: Unknown,
    more: { isUnbounded: boolean; isOpen: boolean },
  ) {
    this.items = items
    this.ghosts = ghosts
    this.why = why
    this.isUnbounded = more.isUnbounded && ghosts.length > 0
    this.isOpen = more.isOpen
  }
}

export const emptyList: readonly unknown[] = Object.freeze([])

/** The size of an open list: at least `low`, at most `high` (possibly Infinity). A complete list gives a plain number. */
export class Count {
  readonly low: number
  readonly high: number
  readonly why: Unknown

  constructor(low: number, high: number, why: Unknown) {
    this.low = low
    this.high = high
    this.why = why
  }
}

export function sizeOf(list: readonly unknown[] | OpenList): number | Count {
  if (!(list instanceof OpenList)) return list.length
  const low = list.items.length
  const high = list.isOpen || list.isUnbounded ? Number.POSITIVE_INFINITY : low + list.ghosts.length
  return high === low ? low : new Count(low, high, list.why)
}

/**
 * Since when something is so. Not exact: it was already so when we first looked (at `at`), and nobody knows how long before;
 * no grace period can be proven then, so it is older than any.
 */
export class Since {
  readonly at: Date
  readonly isExact: boolean
  #text: string | null = null

  constructor(at: Date, isExact: boolean) {
    this.at = at
    this.isExact = isExact
  }

  /** In words, put together once: thousands of subjects share one instant. */
  get text(): string {
    this.#text ??= this.isExact ? timeText(this.at) : `${timeText(this.at)} or before`
    return this.#text
  }

  isOlderThan(ms: number, asOf: number): boolean {
    return !this.isExact || asOf - this.at.getTime() > ms
  }
}

/** RFC 3339 in UTC, milliseconds only when there are any. */
export function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z')
}
