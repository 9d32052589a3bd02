import { compareBytes } from '../digest.ts'
import type { Framework, RunRecord, SavedEvaluation, Severity, Snapshot, SourceIdentity, StatusCounts } from '../model.ts'
import { addCounts } from '../status-counts.ts'
import { type EpisodeTracker, type FailureEpisode, trackFailures } from './failure-episodes.ts'
import type { NotCompared, PeriodChange } from './period-changes.ts'
import { type PeriodException, trackExceptions } from './period-exceptions.ts'
import { missingOf } from './source-section.ts'
import { type Standing, standingOf } from './standing.ts'

/** A day of the coverage calendar, in UTC. */
export interface CalendarDay {
  readonly day: string
  readonly coverage: 'complete' | 'partial' | 'missing'
  readonly snapshots: number
  readonly failedRuns: number
}

export interface PeriodEvaluation {
  readonly id: number
  readonly asOf: string
  readonly evaluatedAt: string
  readonly digest: string
}

/** One control in one evaluation of the period. */
export interface PeriodCount extends StatusCounts {
  readonly evaluation: number
  readonly asOf: string
  readonly standing: Standing
}

/** Evaluations of one control, one after the other, that all counted the same. */
export interface PeriodStretch extends StatusCounts {
  readonly standing: Standing
  readonly evaluations: number
  /** instants of the first and the last of them */
  readonly from: string
  readonly to: string
}

/** A control over a period. */
export interface PeriodControl {
  readonly id: string
  readonly title: string
  /** null: it was never evaluated in the period */
  readonly severity: Severity | null
  /** requirements of the framework that name it */
  readonly requirements: readonly string[]
  /** digests of its definitions in the period, in order: more than one says that it was changed */
  readonly definitions: readonly string[]
  readonly counts: readonly PeriodCount[]
  /** `counts`, those that follow each other and are the same put together */
  readonly stretches: readonly PeriodStretch[]
  /** in the last evaluation of the period */
  readonly standingAtEnd: Standing
  readonly populationAtStart: number | null
  readonly populationAtEnd: number | null
  /** evaluations of the period, by where the control stood */
  readonly standings: { readonly [standing in Standing]: number }
  readonly episodes: readonly FailureEpisode[]
  readonly openedInPeriod: number
  readonly resolvedInPeriod: number
  readonly openAtEnd: number
  /** over those resolved in the period; null when none was */
  readonly longestDaysToResolve: number | null
}

export interface PeriodSource {
  readonly label: string
  /** as the last snapshot of the period proves it; null when there is none */
  readonly identity: SourceIdentity | null
  /** ARNs of those who read it in the period, sorted */
  readonly callers: readonly string[]
  readonly calendar: readonly CalendarDay[]
  readonly days: { readonly complete: number; readonly partial: number; readonly missing: number }
  readonly snapshots: readonly {
    readonly version: number
    readonly sealedAt: string
    readonly digest: string
    readonly isComplete: boolean
    readonly missing: readonly string[]
  }[]
  readonly failedRuns: readonly { readonly startedAt: string; readonly outcome: string; readonly error: string | null }[]
}

/** Over all controls of the framework. */
export interface PeriodTotals {
  readonly controls: number
  /** by their standing in the last evaluation of the period */
  readonly controlsBy: { readonly [standing in Standing]: number }
  readonly openedInPeriod: number
  readonly resolvedInPeriod: number
  readonly openAtEnd: number
  readonly longestDaysToResolve: number | null
}

export type PeriodLine = Pick<PeriodControl, 'id' | 'title' | 'severity' | 'openAtEnd' | 'openedInPeriod' | 'resolvedInPeriod'>

/** Everything a period report says, as plain JSON. Times are RFC 3339 text. */
export interface PeriodReportView {
  readonly kind: 'period_report'
  readonly schema: 'https://evidenced.dev/schemas/period-report-v1.json'
  readonly framework: Omit<Framework, 'requirements'>
  readonly from: string
  readonly to: string
  readonly softwareVersion: string
  /** true only when every day of every source is complete, and something was judged */
  readonly isComplete: boolean
  readonly sources: readonly PeriodSource[]
  readonly evaluations: readonly PeriodEvaluation[]
  readonly totals: PeriodTotals
  /** controls with fails that were open at the end, the most severe first, then the most */
  readonly failing: readonly PeriodLine[]
  readonly controls: readonly PeriodControl[]
  /** users that appeared, that left or were disabled, and that got or lost memberships and assignments of their own */
  readonly joiners: readonly PeriodChange[]
  readonly leavers: readonly PeriodChange[]
  readonly movers: readonly PeriodChange[]
  readonly changes: readonly PeriodChange[]
  readonly notCompared: readonly NotCompared[]
  /** the register: every exception that an evaluation of the period knew, when it was in force and what it covered */
  readonly exceptions: readonly PeriodException[]
  readonly notInView: readonly string[]
}

/** What a period report is made from. */
export interface PeriodReportInput {
  readonly framework: Framework
  readonly from: Date
  readonly to: Date
  /** labels of the sources it is about */
  readonly sources: readonly string[]
  /** sealed in the period */
  readonly snapshots: readonly Snapshot[]
  /** that ended without a snapshot in the period */
  readonly failedRuns: readonly RunRecord[]
  /** by their instants; of those before the period at most the last, which says what was open when it began */
  readonly evaluations: AsyncIterable<SavedEvaluation>
  readonly changes: readonly PeriodChange[]
  readonly notCompared: readonly NotCompared[]
  readonly softwareVersion: string
  readonly notInView: readonly string[]
}

const dayMs = 86_400_000
const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low']

/** Puts together what a report of a period says. Evaluations are read one after the other: memory holds one. */
export async function periodReportView(input: PeriodReportInput): Promise<PeriodReportView> {
  const { framework, from, to } = input
  const requirements = requirementsOf(framework)
  const episodes = trackFailures(control => requirements.has(control))
  const { evaluations, controls, exceptions } = await followControls(input, requirements, episodes)
  const sources = [...input.sources].sort(compareBytes).map(label => sourceOf(label, input))
  const { requirements: _, ...about } = framework
  return {
    kind: 'period_report',
    schema: 'https://evidenced.dev/schemas/period-report-v1.json',
    framework: about,
    from: from.toISOString(),
    to: to.toISOString(),
    softwareVersion: input.softwareVersion,
    isComplete: evaluations.length > 0 && sources.length > 0 && sources.every(({ days }) => days.partial + days.missing === 0),
    sources,
    evaluations,
    totals: totalsOf(controls),
    failing: controls
      .filter(({ openAtEnd }) => openAtEnd > 0)
      .sort((a, b) => rankOf(a) - rankOf(b) || b.openAtEnd - a.openAtEnd || compareBytes(a.id, b.id))
      .map(({ id, title, severity, openAtEnd, openedInPeriod, resolvedInPeriod }) => ({
        ...{ id, title, severity, openAtEnd, openedInPeriod, resolvedInPeriod },
      })),
    controls,
    joiners: input.changes.filter(({ dataset, kind }) => dataset === 'identitystore.users' && kind === 'added'),
    leavers: input.changes.filter(isLeaver),
    movers: input.changes.filter(
      ({ dataset, userId, kind }) => userId !== null && dataset !== 'identitystore.users' && kind !== 'changed',
    ),
    changes: input.changes,
    notCompared: input.notCompared,
    exceptions,
    notInView: input.notInView,
  }
}

function requirementsOf(framework: Framework): ReadonlyMap<string, readonly string[]> {
  const byControl = new Map<string, string[]>()
  for (const { id, controls } of framework.requirements)
    for (const control of controls) byControl.set(control.id, [...(byControl.get(control.id) ?? []), id])
  return byControl
}

function isLeaver({ dataset, kind, members }: PeriodChange): boolean {
  if (dataset !== 'identitystore.users') return false
  return kind === 'removed' || members.some(({ member, now }) => member === 'UserStatus' && now === 'DISABLED')
}

interface Followed {
  readonly title: string
  readonly severity: Severity | null
  readonly definitions: readonly string[]
  readonly counts: readonly PeriodCount[]
}

async function followControls(
  { evaluations, from }: PeriodReportInput,
  requirements: ReadonlyMap<string, readonly string[]>,
  episodes: EpisodeTracker,
): Promise<{ evaluations: PeriodEvaluation[]; controls: PeriodControl[]; exceptions: readonly PeriodException[] }> {
  const register = trackExceptions(control => requirements.has(control))
  const heads: PeriodEvaluation[] = []
  const followed = new Map<string, Followed>()
  for await (const evaluation of evaluations) {
    episodes.add(evaluation)
    if (evaluation.asOf < from) continue
    register.add(evaluation)
    const asOf = evaluation.asOf.toISOString()
    heads.push({ id: evaluation.id, asOf, evaluatedAt: evaluation.evaluatedAt.toISOString(), digest: evaluation.digest })
    const named = Map.groupBy(
      evaluation.outcomes.filter(({ control }) => requirements.has(control.id)),
      ({ control }) => control.id,
    )
    for (const [id, outcomes] of named) {
      const { title, severity, digest } = outcomes[0]!.control
      const before = followed.get(id)
      const definitions = before?.definitions.at(-1) === digest ? before.definitions : [...(before?.definitions ?? []), digest]
      const count: PeriodCount = { evaluation: evaluation.id, asOf, standing: standingOf(outcomes), ...addCounts(outcomes) }
      followed.set(id, { title, severity, definitions, counts: [...(before?.counts ?? []), count] })
    }
  }
  // one that never was evaluated in the period stands in the report all the same
  for (const id of requirements.keys())
    if (!followed.has(id)) followed.set(id, { title: id, severity: null, definitions: [], counts: [] })
  const all = episodes.end()
  const start = from.toISOString()
  const controls = [...followed]
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([id, { title, severity, definitions, counts }]): PeriodControl => {
      const own = all.filter(({ control, resolvedBy }) => control === id && (resolvedBy === null || resolvedBy >= start))
      const resolved = own.filter(({ resolvedBy }) => resolvedBy !== null)
      const last = counts.at(-1)
      // what an earlier one found says nothing of the end
      const atEnd = last?.evaluation === heads.at(-1)?.id ? last : undefined
      return {
        id,
        title,
        severity,
        requirements: requirements.get(id) ?? [],
        definitions,
        counts,
        stretches: stretchesOf(counts),
        standingAtEnd: atEnd?.standing ?? 'not_evaluated',
        populationAtStart: counts[0]?.population ?? null,
        populationAtEnd: atEnd?.population ?? null,
        standings: standingCounts(counts, heads.length),
        episodes: own,
        openedInPeriod: own.filter(({ openedBy }) => openedBy >= start).length,
        resolvedInPeriod: resolved.length,
        openAtEnd: own.length - resolved.length,
        longestDaysToResolve: resolved.length === 0 ? null : Math.max(...resolved.map(({ daysOpen }) => daysOpen ?? 0)),
      }
    })
  return { evaluations: heads, controls, exceptions: register.end() }
}

function rankOf({ severity }: Pick<PeriodControl, 'severity'>): number {
  return severity === null ? severities.length : severities.indexOf(severity)
}

function stretchesOf(counts: readonly PeriodCount[]): PeriodStretch[] {
  const stretches: PeriodStretch[] = []
  for (const { evaluation: _, asOf, ...count } of counts) {
    const last = stretches.at(-1)
    if (last !== undefined && (Object.keys(count) as (keyof typeof count)[]).every(name => last[name] === count[name]))
      stretches[stretches.length - 1] = { ...last, evaluations: last.evaluations + 1, to: asOf }
    else stretches.push({ ...count, evaluations: 1, from: asOf, to: asOf })
  }
  return stretches
}

function totalsOf(controls: readonly PeriodControl[]): PeriodTotals {
  const sum = (pick: (control: PeriodControl) => number) => controls.reduce((total, control) => total + pick(control), 0)
  const at = (standing: Standing) => controls.filter(({ standingAtEnd }) => standingAtEnd === standing).length
  const days = controls.flatMap(({ longestDaysToResolve: longest }) => (longest === null ? [] : [longest]))
  return {
    controls: controls.length,
    controlsBy: {
      fail: at('fail'),
      unknown: at('unknown'),
      pass: at('pass'),
      not_applicable: at('not_applicable'),
      not_evaluated: at('not_evaluated'),
    },
    openedInPeriod: sum(each => each.openedInPeriod),
    resolvedInPeriod: sum(each => each.resolvedInPeriod),
    openAtEnd: sum(each => each.openAtEnd),
    longestDaysToResolve: days.length === 0 ? null : Math.max(...days),
  }
}

function standingCounts(counts: readonly PeriodCount[], evaluations: number): PeriodControl['standings'] {
  const of = (standing: Standing) => counts.filter(each => each.standing === standing).length
  return {
    fail: of('fail'),
    unknown: of('unknown'),
    pass: of('pass'),
    not_applicable: of('not_applicable'),
    not_evaluated: evaluations - counts.length,
  }
}

function sourceOf(label: string, { from, to, snapshots, failedRuns }: PeriodReportInput): PeriodSource {
  const own = snapshots.filter(({ source }) => source === label).sort((a, b) => a.version - b.version)
  const failed = failedRuns.filter(({ source }) => source === label).sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
  const calendar: CalendarDay[] = []
  for (let at = Date.parse(dayOf(from)); at <= to.getTime(); at += dayMs) {
    const day = dayOf(new Date(at))
    const sealed = own.filter(({ sealedAt }) => dayOf(sealedAt) === day)
    const coverage = sealed.some(snapshot => missingOf(snapshot).length === 0)
      ? 'complete'
      : sealed.length > 0
        ? 'partial'
        : 'missing'
    calendar.push({
      day,
      coverage,
      snapshots: sealed.length,
      failedRuns: failed.filter(({ startedAt }) => dayOf(startedAt) === day).length,
    })
  }
  const count = (coverage: CalendarDay['coverage']) => calendar.filter(each => each.coverage === coverage).length
  return {
    label,
    identity: own.at(-1)?.identity ?? null,
    callers: [...new Set(own.flatMap(({ callers }) => callers.map(({ arn }) => arn)))].sort(compareBytes),
    calendar,
    days: { complete: count('complete'), partial: count('partial'), missing: count('missing') },
    snapshots: own.map(snapshot => {
      const missing = missingOf(snapshot)
      const { version, sealedAt, digest } = snapshot
      return {
        version,
        sealedAt: sealedAt.toISOString(),
        digest,
        isComplete: missing.length === 0,
        missing: missing.map(({ dataset, reason }) => `${dataset}: ${reason}`),
      }
    }),
    failedRuns: failed.map(({ startedAt, outcome, error }) => ({ startedAt: startedAt.toISOString(), outcome, error })),
  }
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}
