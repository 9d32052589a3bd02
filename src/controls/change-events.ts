import type { Facts, StoredState } from '../model.ts'
import { holdsAt, isUnproven, type Past } from './past.ts'

/** Rows of a dataset as parts of a thing whose changes are judged. */
export interface Watched {
  readonly dataset: string
  /** name of the thing a row belongs to; null for rows that belong to none */
  thing(state: StoredState): string | null
  /** what makes a state of it, as text; null: as if it were not there */
  signature(facts: Facts): string | null
}

/** What changed about one row. */
export interface RowChange {
  readonly dataset: string
  readonly key: string
  readonly before: Facts | null
  readonly after: Facts | null
}

/** A thing that is different from one snapshot to the next. */
export interface ChangeEvent {
  readonly thing: string
  readonly rows: readonly RowChange[]
  /** the first snapshot that shows it */
  readonly version: number
  /** the last one before that shows the state before */
  readonly notBefore: number
  /** it is again as it was before it */
  readonly isUndone: boolean
  readonly wasThere: boolean
  readonly isThere: boolean
}

/**
 * The changes of each thing. A change that was taken back, at once or over several steps, is undone, and so is the one that took it back:
 * what remains leads from the first snapshot of the period to the last.
 */
export function eventsOf(
  past: Past,
  watched: readonly Watched[],
): { readonly events: readonly ChangeEvent[]; readonly unproven: readonly StoredState[] } {
  const things = new Map<string, { readonly watched: Watched; readonly states: readonly StoredState[] }[]>()
  const unproven: StoredState[] = []
  for (const each of watched) {
    for (const states of past.timelines(each.dataset)) {
      const thing = each.thing(states[0]!)
      if (thing === null) continue
      unproven.push(...states.filter(state => isUnproven(state) && each.signature(state.facts) !== null))
      const rows = things.get(thing)
      if (rows === undefined) things.set(thing, [{ watched: each, states }])
      else rows.push({ watched: each, states })
    }
  }
  const events = [...things].flatMap(([thing, rows]) => eventsOfThing(past, thing, rows))
  return { events, unproven }
}

interface Row {
  readonly watched: Watched
  readonly states: readonly StoredState[]
}

function eventsOfThing(past: Past, thing: string, rows: readonly Row[]): readonly ChangeEvent[] {
  const begins = rows.flatMap(({ states }) =>
    states.flatMap(state => (state.isFromTheStart || isUnproven(state) ? [] : [state.from])),
  )
  const ends = rows.flatMap(({ states }) => states.flatMap(({ to }) => (to === null ? [] : [to])))
  const versions = [...new Set([...begins, ...ends])].sort((a, b) => a - b)
  const path: { readonly signature: string; readonly event: ChangeEvent | null }[] = []
  const undone: ChangeEvent[] = []
  let before = statesAt(rows, past.first)
  path.push({ signature: signatureOf(before), event: null })
  for (const version of versions) {
    const after = statesAt(rows, version)
    const signature = signatureOf(after)
    if (signature !== path.at(-1)!.signature) {
      const event = eventOf(thing, rows, before, after, version)
      const loop = path.findIndex(each => each.signature === signature)
      if (loop < 0) path.push({ signature, event })
      else undone.push(event, ...path.splice(loop + 1).map(each => each.event!))
    }
    before = after
  }
  return [...path.flatMap(({ event }) => event ?? []), ...undone.map(event => ({ ...event, isUndone: true }))]
}

type StateOfRow = { readonly state: StoredState; readonly signature: string } | null

function statesAt(rows: readonly Row[], version: number): readonly StateOfRow[] {
  return rows.map(({ watched, states }) => {
    const state = states.findLast(each => holdsAt(each, version))
    const signature = state === undefined ? null : watched.signature(state.facts)
    return state === undefined || signature === null ? null : { state, signature }
  })
}

function signatureOf(states: readonly StateOfRow[]): string {
  return JSON.stringify(states.map(each => each?.signature ?? null))
}

function eventOf(
  thing: string,
  rows: readonly Row[],
  before: readonly StateOfRow[],
  after: readonly StateOfRow[],
  version: number,
): ChangeEvent {
  const changed = rows.flatMap(({ watched, states }, index) => {
    const [was, is] = [before[index]!, after[index]!]
    if (was?.signature === is?.signature) return []
    const change: RowChange = {
      dataset: watched.dataset,
      key: states[0]!.key,
      before: was?.state.facts ?? null,
      after: is?.state.facts ?? null,
    }
    const notBefore =
      is !== null && is.state.from === version ? (is.state.notBefore ?? version - 1) : (was?.state.lastSeen ?? version - 1)
    return [{ change, notBefore }]
  })
  return {
    thing,
    rows: changed.map(each => each.change),
    version,
    notBefore: Math.min(version - 1, ...changed.map(each => each.notBefore)),
    isUndone: false,
    wasThere: before.some(each => each !== null),
    isThere: after.some(each => each !== null),
  }
}
