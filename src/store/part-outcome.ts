import type { Coverage, Gap, PartEnd, Place } from '../model.ts'
import type { RunParts } from './run-parts.ts'

/** Parts of one dataset in one place that ended alike. */
export interface PartOutcome {
  readonly dataset: string
  readonly place: Place
  readonly coverage: Coverage
  readonly reason: string | null
  readonly parts: number
  readonly pages: number
  readonly duplicates: number
  readonly firstObservedAt: Date | null
  readonly lastObservedAt: Date | null
}

/** A part that has something to say of its own: it is open, or has gaps. */
export interface NotablePart {
  readonly partId: number
  readonly coverage: Coverage
  readonly reason: string | null
  readonly gaps: readonly Gap[]
}

const unended = 'its reading did not come to an end'
const unread = 'what it is about was listed, and it was not read'

/**
 * How the parts of a run ended, by dataset and place. Those whose reading broke off, and those that were not read although their parent
 * was seen, are incomplete.
 */
export function outcomesOf(parts: RunParts, missed: readonly number[]): PartOutcome[] {
  const found = new Map<string, Mutable<PartOutcome>>()
  const add = (index: number, coverage: Coverage, reason: string | null, end: PartEnd | null) => {
    const { dataset, place } = parts.groupOf(index)
    const key = JSON.stringify([dataset, place.accountId, place.region, coverage, reason])
    const nothing = { parts: 0, pages: 0, duplicates: 0, firstObservedAt: null, lastObservedAt: null }
    const outcome = found.get(key) ?? { dataset, place, coverage, reason, ...nothing }
    found.set(key, outcome)
    outcome.parts++
    if (end === null) return
    outcome.pages += end.pages
    outcome.duplicates += end.duplicates
    if (outcome.firstObservedAt === null || end.firstObservedAt < outcome.firstObservedAt)
      outcome.firstObservedAt = end.firstObservedAt
    if (outcome.lastObservedAt === null || end.lastObservedAt > outcome.lastObservedAt)
      outcome.lastObservedAt = end.lastObservedAt
  }
  for (const index of parts.touched()) {
    const end = parts.isEnded(index) ? parts.endOf(index) : null
    if (end === null) add(index, 'incomplete', unended, null)
    else add(index, end.coverage, end.reason, end)
  }
  for (const index of missed) add(index, 'incomplete', unread, null)
  return [...found.values()]
}

type Mutable<T> = { -readonly [member in keyof T]: T[member] }

/** The parts of a run that are open or have gaps, by their numbers. */
export function notableParts(parts: RunParts, missed: readonly number[]): NotablePart[] {
  const found: NotablePart[] = []
  const lacking = (index: number, reason: string) => {
    const { dataset, place, parent } = parts.partOf(index)
    const gaps = [notCollected(dataset, place, parent, reason)]
    found.push({ partId: parts.idOf(index), coverage: 'incomplete', reason, gaps })
  }
  for (const index of parts.touched()) {
    if (!parts.isEnded(index)) lacking(index, unended)
    else {
      const special = parts.specialOf(index)
      if (special === null || (parts.isComplete(index) && special.gaps.length === 0)) continue
      found.push({ partId: parts.idOf(index), ...special })
    }
  }
  for (const index of missed) lacking(index, unread)
  return found.sort((a, b) => a.partId - b.partId)
}

/** The gap of what should have been read and was not, for no reason that AWS gave. */
export function notCollected(dataset: string, place: Place, parent: string, why: string): Gap {
  const what = parent === '' ? dataset : `${dataset} of ${parent}`
  const nothing = { key: null, member: null, action: null, errorCode: null }
  return { dataset, place, parent, ...nothing, reason: 'not_collected', message: `${what} is not known: ${why}. Collect again.` }
}
