import type {
  Facts,
  Finding,
  FindingFigures,
  FindingNote,
  FindingState,
  RegisteredException,
  SavedEvaluation,
  Severity,
} from '../model.ts'
import { type ControlSection, controlSections } from './control-section.ts'
import { type ExceptionNote, type ExceptionRow, exceptionNotes, exceptionRow } from './exception-row.ts'
import { actionsOf } from './source-section.ts'

/** A finding in a list. Times are RFC 3339 text. */
export interface FindingRow {
  readonly id: number
  readonly control: string
  readonly source: string
  readonly kind: Finding['kind']
  readonly subjectType: string
  readonly subjectKey: string
  readonly name: string
  readonly severity: Severity
  readonly state: FindingState['state']
  readonly status: FindingState['status']
  readonly reason: string
  readonly subjects: number
  readonly exceptions: readonly string[]
  readonly endedExceptions: readonly string[]
  readonly isReopened: boolean
  readonly openedAfter: string | null
  readonly openedBy: string
  readonly resolvedAfter: string | null
  readonly resolvedBy: string | null
  readonly raisedBecause: FindingState['raisedBecause']
  readonly dueAt: string | null
  readonly isOverdue: boolean
  readonly owner: string | null
  readonly ticket: string | null
}

/** What a list of findings was asked for; null: everything. */
export interface FindingChoice {
  readonly state: 'open' | 'resolved' | null
  readonly severity: Severity | null
  readonly control: string | null
  readonly owner: string | null
  readonly due: 'overdue' | null
}

/** The page of findings, filtered as chosen. */
export interface FindingsView {
  readonly kind: 'findings'
  readonly softwareVersion: string
  readonly now: string
  readonly choice: FindingChoice
  readonly figures: readonly FindingFigures[]
  readonly rows: readonly FindingRow[]
  /** findings that are not in `rows`, since a page has an end */
  readonly more: number
}

/** Longest list of findings on a page. */
const longestList = 1000

/** The page that lists findings. Pure: the clock is `now`. */
export function findingsView(input: {
  readonly softwareVersion: string
  readonly now: Date
  readonly choice: FindingChoice
  readonly figures: readonly FindingFigures[]
  readonly findings: readonly Finding[]
}): FindingsView {
  const { softwareVersion, now, choice, figures, findings } = input
  return {
    kind: 'findings',
    softwareVersion,
    now: now.toISOString(),
    choice,
    figures,
    rows: findings.slice(0, longestList).map(finding => findingRow(finding, now)),
    more: Math.max(0, findings.length - longestList),
  }
}

/** The page of one finding, with its history. */
export interface FindingView {
  readonly kind: 'finding'
  readonly softwareVersion: string
  readonly now: string
  readonly finding: FindingRow
  /** title of its control; null when the last evaluation does not hold it */
  readonly title: string | null
  readonly remediation: string | null
  /** what the last evaluation found on it; null: it says nothing of it any more */
  readonly found: { readonly reason: string; readonly facts: Facts; readonly actions: readonly string[] } | null
  readonly exceptions: readonly ExceptionNote[]
  readonly history: readonly {
    readonly asOf: string
    readonly evaluation: number
    readonly state: FindingState['state']
    readonly status: FindingState['status']
    readonly episode: number
    readonly exceptions: readonly string[]
    readonly dueAt: string | null
  }[]
  readonly notes: readonly {
    readonly at: string
    readonly by: string
    readonly kind: FindingNote['kind']
    readonly owner: string | null
    readonly ticket: string | null
    readonly text: string | null
  }[]
}

/** The page of one finding: what it is, what was found last, every state it had, and what was said. */
export function findingView(input: {
  readonly softwareVersion: string
  readonly now: Date
  readonly finding: Finding
  readonly versions: readonly (FindingState & { readonly asOf: Date; readonly evaluation: number })[]
  readonly notes: readonly FindingNote[]
  readonly evaluation: SavedEvaluation | null
}): FindingView {
  const { softwareVersion, now, finding, versions, notes, evaluation } = input
  const outcome = evaluation?.outcomes.find(each => each.control.id === finding.control && each.source === finding.source)
  const result = outcome?.results.find(
    ({ subject }) => subject.type === finding.subjectType && subject.key === finding.subjectKey,
  )
  const known = exceptionNotes(evaluation?.exceptions ?? [])
  return {
    kind: 'finding',
    softwareVersion,
    now: now.toISOString(),
    finding: findingRow(finding, now),
    title: outcome?.control.title ?? null,
    remediation: outcome?.control.remediation ?? null,
    found: result === undefined ? null : { reason: result.reason, facts: result.facts, actions: actionsOf(result.gaps) },
    exceptions: finding.exceptions.flatMap(id => known.get(id) ?? []),
    history: versions.map(({ asOf, evaluation: number, state, status, episode, exceptions, dueAt }) => ({
      ...{ asOf: asOf.toISOString(), evaluation: number, state, status, episode, exceptions },
      dueAt: dueAt?.toISOString() ?? null,
    })),
    notes: notes.map(({ at, by, kind, owner, ticket, text }) => ({ at: at.toISOString(), by, kind, owner, ticket, text })),
  }
}

/** The page of one control. */
export interface ControlView {
  readonly kind: 'control'
  readonly softwareVersion: string
  readonly now: string
  readonly evaluation: { readonly id: number; readonly asOf: string; readonly digest: string }
  readonly control: ControlSection
  readonly figures: readonly FindingFigures[]
  readonly rows: readonly FindingRow[]
  readonly exceptions: readonly ExceptionRow[]
}

/** The page of one control: what it asks, what the last evaluation found, its findings and exceptions. Null: it was not evaluated. */
export function controlView(input: {
  readonly softwareVersion: string
  readonly now: Date
  readonly id: string
  readonly evaluation: SavedEvaluation
  readonly figures: readonly FindingFigures[]
  readonly findings: readonly Finding[]
}): ControlView | null {
  const { softwareVersion, now, id, evaluation, figures, findings } = input
  const { exceptions = [] } = evaluation
  const outcomes = evaluation.outcomes.filter(({ control }) => control.id === id)
  const [control] = controlSections(outcomes, exceptions)
  if (control === undefined) return null
  return {
    kind: 'control',
    softwareVersion,
    now: now.toISOString(),
    evaluation: { id: evaluation.id, asOf: evaluation.asOf.toISOString(), digest: evaluation.digest },
    control,
    figures,
    rows: findings.slice(0, longestList).map(finding => findingRow(finding, now)),
    exceptions: exceptions.filter(each => each.controls.includes(id)).map(exceptionRow),
  }
}

/** The page of the register of exceptions. */
export interface ExceptionsView {
  readonly kind: 'exceptions'
  readonly softwareVersion: string
  readonly now: string
  readonly exceptions: readonly ExceptionRow[]
  readonly problems: readonly string[]
}

/** The page that lists exceptions. */
export function exceptionsView(input: {
  readonly softwareVersion: string
  readonly now: Date
  readonly register: readonly RegisteredException[]
  readonly problems: readonly string[]
}): ExceptionsView {
  const { softwareVersion, now, register, problems } = input
  return { kind: 'exceptions', softwareVersion, now: now.toISOString(), exceptions: register.map(exceptionRow), problems }
}

function findingRow(finding: Finding, now: Date): FindingRow {
  const { episode, raisedBy: _, openedAfter, openedBy, resolvedAfter, resolvedBy, dueAt, ...rest } = finding
  return {
    ...rest,
    isReopened: episode > 1,
    openedAfter: openedAfter?.toISOString() ?? null,
    openedBy: openedBy.toISOString(),
    resolvedAfter: resolvedAfter?.toISOString() ?? null,
    resolvedBy: resolvedBy?.toISOString() ?? null,
    dueAt: dueAt?.toISOString() ?? null,
    isOverdue: dueAt !== null && dueAt < now,
  }
}
