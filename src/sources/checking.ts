import { sha256 } from '../digest.ts'
import type { Facts } from '../model.ts'
import { checksDataset, type Operation } from './dataset.ts'
import type { KeyLog } from './key-log.ts'
import { Lanes } from './lanes.ts'
import type { Session } from './session.ts'
import { invalidAnswer, type Trouble } from './trouble.ts'
import type { Witness } from './witness.ts'

/** Examples that are kept of what differs; the number is always whole. */
const mostExamples = 100
const sideBySide = 8

/** What one check is made with. */
export interface Checking {
  readonly session: Session
  readonly witness: Witness
  /** hexadecimal; the same seed draws the same sample from the same population */
  readonly seed: string
  /** true: everything is compared, not a sample */
  readonly isExhaustive: boolean
  /** calls this check may make; not kept to when exhaustive */
  readonly calls: number
}

/** What a check compared of what it drew, and what it took: some are asked about page after page. */
export interface Spent {
  /** infinite when everything is compared */
  readonly allowed: number
  calls: number
  compared: number
}

/** Nothing spent yet. */
export function allowanceOf({ isExhaustive, calls }: Checking): Spent {
  return { allowed: isExhaustive ? Number.POSITIVE_INFINITY : calls, calls: 0, compared: 0 }
}

/** What a check found. Differences are evidence: they are listed and change nothing. */
export interface CrossCheck {
  readonly name: string
  readonly made: boolean
  /** what was compared, or why nothing was */
  readonly statement: string
  readonly population: number
  readonly compared: number
  readonly differences: readonly string[]
  /** how many there are, where not all of them are listed */
  readonly found?: number
}

/** The facts under which a check is kept with the snapshot. */
export function factsOf(check: CrossCheck, seed: string): Facts {
  const { name, made, statement, population, compared, differences, found = differences.length } = check
  const examples = [...differences].sort().slice(0, mostExamples)
  return { name, made, statement, population, compared, differences: found, examples, seed }
}

export function notMade(name: string, reason: string): CrossCheck {
  return { name, made: false, statement: `Not made: ${reason}.`, population: 0, compared: 0, differences: [] }
}

export function refused(name: string, trouble: Trouble, operation: Operation): CrossCheck {
  return notMade(name, `${operation.service}:${operation.name} was answered with ${trouble.code}`)
}

/** The keys of each dataset, or why they cannot be compared: of the first that was not read in full. */
export function keysOf<const Names extends readonly string[]>(
  witness: Witness,
  datasets: Names,
): { readonly [i in keyof Names]: KeyLog } | string {
  const found: KeyLog[] = []
  for (const dataset of datasets) {
    const keys = witness.keys(dataset)
    if (typeof keys === 'string') return keys
    found.push(keys)
  }
  return found as { readonly [i in keyof Names]: KeyLog }
}

/** What a check asks about: all keys when it is exhaustive, else a sample of as many as it may ask. */
export function drawnFrom(keys: Iterable<string>, { isExhaustive, calls, seed }: Checking): readonly string[] {
  return isExhaustive ? [...keys] : sampleOf(keys, calls, seed)
}

/** Draws without replacement: the n smallest of SHA-256(seed, key), so that anyone with seed and population can draw again. */
export function sampleOf(keys: Iterable<string>, n: number, seed: string): readonly string[] {
  let drawn: { readonly key: string; readonly rank: string }[] = []
  let largest = 'g'
  const cut = () => {
    drawn = drawn.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, n)
    largest = drawn.length < n ? largest : (drawn.at(-1)?.rank ?? '')
  }
  for (const key of keys) {
    const rank = sha256(`${seed} ${key}`)
    if (rank > largest) continue
    // of a large population, the ranks that cannot be drawn any more are not kept
    if (drawn.push({ key, rank }) >= 2 * n + 1000) cut()
  }
  // all of them in the order in which they came
  if (drawn.length > n) cut()
  return drawn.map(({ key }) => key)
}

/**
 * All elements of a list of AWS, or why not.
 * @param pick what is kept of each: a list of a hundred thousand users is not
 */
export async function listed<T>(
  session: Session,
  operation: Operation,
  input: Facts,
  list: string,
  pick: (element: Facts) => T,
  spent: Spent | null = null,
): Promise<readonly T[] | Trouble> {
  const found: T[] = []
  const seen = new Set<string>()
  for (let token: string | null = null, page = 1; ; page++) {
    const said = await session.ask({
      operation,
      input: { ...input, ...(token === null ? {} : { NextToken: token }) },
      dataset: checksDataset,
      page,
      items: answer => (Array.isArray(answer[list]) ? answer[list].length : 0),
    })
    if (spent !== null) spent.calls++
    if ('trouble' in said) return said.trouble
    const elements: unknown = said.answer[list] ?? (operation.leavesOutEmpty ? [] : null)
    const next = said.answer.NextToken ?? ''
    // compared with a list that is none or left out, or has no end, everything would differ
    if (!Array.isArray(elements) || elements.includes(null) || typeof next !== 'string' || seen.has(next)) return invalidAnswer()
    for (const element of elements as readonly Facts[]) found.push(pick(element))
    if (next === '') return found
    seen.add(next)
    token = next
  }
}

export function isTrouble(said: readonly unknown[] | Trouble): said is Trouble {
  return !Array.isArray(said)
}

/** A few at a time; the first failure ends all. */
async function forEach<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const lanes = new Lanes()
  for (const item of items) lanes.add('checks', sideBySide, () => run(item))
  await lanes.finished()
}

/**
 * Runs for each item, a few at a time and in their order, as long as calls are left.
 * @returns the first trouble; nothing more is begun after it
 */
export async function eachOf(
  items: readonly string[],
  spent: Spent,
  run: (item: string) => Promise<Trouble | null>,
): Promise<Trouble | null> {
  let trouble: Trouble | null = null
  await forEach(items, async item => {
    if (trouble !== null || spent.calls >= spent.allowed) return
    const said = await run(item)
    trouble ??= said
    spent.compared++
  })
  return trouble
}

/** What only one of two sets holds, in words. */
export function compared(
  one: ReadonlySet<string>,
  other: ReadonlySet<string>,
  onlyOne: string,
  onlyOther: string,
): readonly string[] {
  return [
    ...[...one].filter(key => !other.has(key)).map(key => `${key} ${onlyOne}`),
    ...[...other].filter(key => !one.has(key)).map(key => `${key} ${onlyOther}`),
  ]
}

/** With no difference in a sample, fewer than so many of all differ, at 95 %: `1 - 0.05^(1/n)`, as a percentage. */
export function boundPercent(n: number): string {
  return (100 * (1 - 0.05 ** (1 / Math.max(1, n)))).toPrecision(2)
}
