import { Broken, emptyList, join, OpenList, Undecided, type Unknown } from './values.ts'

/** What one evaluation may still spend. One step is one item looked at by a macro or by `in`, or some letters of a long text. */
export interface Meter {
  /** milliseconds since the epoch */
  readonly asOf: number
  fuel: number
}

/** Steps for one subject: some tens of milliseconds. */
export const fuelPerSubject = 1_000_000

export const outOfFuel: Broken = new Broken(`it takes more than ${fuelPerSubject} steps for one subject`)

/** Letters of a text that are looked at for one step. */
const lettersPerStep = 32

/** Spends what it takes to look at texts; false when there is not enough left. */
export function readsTexts(meter: Meter, letters: number): boolean {
  if (letters >= lettersPerStep) meter.fuel -= Math.floor(letters / lettersPerStep)
  return meter.fuel >= 0
}

/** Work of a regular expression for one step: letters times the size of its program. */
const patternWorkPerStep = 8

/** Spends what a regular expression of a size may take at worst. */
export function readsByPattern(meter: Meter, letters: number, size: number): boolean {
  meter.fuel -= Math.ceil((letters * size) / patternWorkPerStep)
  return meter.fuel >= 0
}

/** The value of a macro's body for one item. */
export type Body = (item: unknown) => unknown

type Items = readonly unknown[]

/** True when a known item satisfies it; else unknown when an item, a ghost or an unread rest may; else false. */
export function exists(list: Items | OpenList, body: Body, meter: Meter): unknown {
  return search(list, body, meter, true)
}

/** False when a known item does not satisfy it; else unknown when an item, a ghost or an unread rest may not; else true. */
export function all(list: Items | OpenList, body: Body, meter: Meter): unknown {
  return search(list, body, meter, false)
}

function search(list: Items | OpenList, body: Body, meter: Meter, wanted: boolean): unknown {
  let undecided: Undecided | null = null
  for (const item of list instanceof OpenList ? list.items : list) {
    if (--meter.fuel < 0) return outOfFuel
    const value = body(item)
    if (value === wanted) return wanted
    if (value !== !wanted) undecided = add(undecided, value)
  }
  if (!(list instanceof OpenList)) return undecided ?? !wanted
  for (const ghost of list.ghosts) {
    if (--meter.fuel < 0) return outOfFuel
    const value = body(ghost)
    if (value !== !wanted) undecided = add(undecided, value instanceof Undecided ? value : whyMaybe(ghost, list))
  }
  if (list.isOpen) undecided = add(undecided, list.why)
  return undecided ?? !wanted
}

/** Items that satisfy it stay; those that may, and ghosts that are not surely out, become ghosts. */
export function filter(list: Items | OpenList, body: Body, meter: Meter): unknown {
  const items: unknown[] = []
  const maybe: unknown[] = []
  let why: Unknown | null = null
  for (const item of list instanceof OpenList ? list.items : list) {
    if (--meter.fuel < 0) return outOfFuel
    const value = body(item)
    if (value === true) items.push(item)
    else if (value !== false) {
      if (!(value instanceof Undecided) || value instanceof Broken) return asUndecided(value)
      maybe.push(item)
      why = add(why, value) as Unknown
    }
  }
  const single = maybe.length
  if (list instanceof OpenList) {
    for (const ghost of list.ghosts) {
      if (--meter.fuel < 0) return outOfFuel
      const value = body(ghost)
      if (value === false) continue
      if (value instanceof Broken) return value
      maybe.push(ghost)
      why = add(why, value instanceof Undecided ? value : whyMaybe(ghost, list)) as Unknown
    }
    if (list.isOpen) why = add(why, list.why) as Unknown
  }
  if (why === null) return items.length === 0 ? emptyList : items
  const isUnbounded = list instanceof OpenList && list.isUnbounded && maybe.length > single
  return new OpenList(items, maybe, why, { isUnbounded, isOpen: list instanceof OpenList && list.isOpen })
}

/** Maps items and ghosts. An item whose value is unknown becomes a ghost: it may be anything. */
export function map(list: Items | OpenList, body: Body, meter: Meter): unknown {
  const items: unknown[] = []
  const maybe: unknown[] = []
  let why: Unknown | null = null
  for (const item of list instanceof OpenList ? list.items : list) {
    if (--meter.fuel < 0) return outOfFuel
    const value = body(item)
    if (value instanceof Broken) return value
    if (value instanceof Undecided) {
      maybe.push(value)
      why = add(why, value) as Unknown
    } else items.push(value)
  }
  if (!(list instanceof OpenList)) {
    return why === null ? items : new OpenList(items, maybe, why, { isUnbounded: false, isOpen: false })
  }
  for (const ghost of list.ghosts) {
    if (--meter.fuel < 0) return outOfFuel
    const value = body(ghost)
    if (value instanceof Broken) return value
    maybe.push(value)
  }
  return new OpenList(items, maybe, why === null ? list.why : (join(why, list.why) as Unknown), list)
}

/** `x in list`: true when a known item equals it, unknown when a ghost or an unread rest may. */
export function isIn(value: unknown, list: unknown, meter: Meter): unknown {
  if (list instanceof Undecided) return value instanceof Undecided ? join(value, list) : list
  const items = list instanceof OpenList ? list.items : list
  if (!Array.isArray(items)) return new Broken('`in` needs a list')
  meter.fuel -= items.length
  if (meter.fuel < 0) return outOfFuel
  if (value instanceof Undecided) return value
  if (items.includes(value)) return true
  if (!(list instanceof OpenList)) return false
  const mayBe = list.ghosts.some(ghost => ghost instanceof Undecided || ghost === value)
  return mayBe || list.isOpen ? list.why : false
}

/** Why a ghost that would satisfy the predicate leaves it undecided: nobody knows whether it is a member. */
function whyMaybe(ghost: unknown, list: OpenList): Unknown {
  const own = (ghost as { readonly why?: unknown } | null)?.why
  return own instanceof Undecided ? (own as Unknown) : list.why
}

function add(undecided: Undecided | null, value: unknown): Undecided {
  const more = asUndecided(value)
  return undecided === null ? more : join(undecided, more)
}

function asUndecided(value: unknown): Undecided {
  return value instanceof Undecided ? value : new Broken('a predicate gives neither true nor false')
}
