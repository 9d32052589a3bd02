import type { BundleRecord, FindingFigures, RunRecord, SavedEvaluation, Snapshot, StatusCounts } from '../model.ts'
import { progressText } from '../progress.ts'
import { addCounts } from '../status-counts.ts'
import { byUrgency, type ControlSection, controlSections } from './control-section.ts'
import { type DatasetRow, datasetRows, type MissingDataset, missingOf } from './source-section.ts'
import { checkOutcome, type Standing } from './standing.ts'

/** What the first page is made of. `href`s are decided by the server. */
export interface HomeInput {
  readonly softwareVersion: string
  readonly now: Date
  /** every configured source, with its last snapshot and its last run, which may be a failed one after it */
  readonly sources: readonly {
    readonly label: string
    readonly snapshot: Snapshot | null
    readonly lastRun: RunRecord | null
    /** when a collection was due that has brought no snapshot; left out or null: none was */
    readonly overdueSince?: Date | null
  }[]
  /** what a person should look at, in words; left out: nothing */
  readonly attention?: readonly string[]
  readonly evaluation: SavedEvaluation | null
  /** findings by severity; left out: none */
  readonly figures?: readonly FindingFigures[]
  readonly bundles: readonly { readonly record: BundleRecord; readonly href: string }[]
  readonly reports: readonly { readonly title: string; readonly href: string }[]
  /** SHA-256 of the signing key, for auditors to compare */
  readonly keyFingerprint: string | null
  /** when the whole store was last computed again, and what was found; left out: nothing is said of it */
  readonly verification?: {
    readonly last: {
      readonly at: Date
      readonly snapshots: number
      readonly evaluations: number
      readonly problems: number
      /** null: not counted then */
      readonly headsMissing: number | null
      readonly first: readonly { readonly kind: string; readonly name: string; readonly message: string }[]
    } | null
    /** why it could not be done the last time, in words; null: it could */
    readonly failure: string | null
    /** cron expression */
    readonly schedule: string
  }
}

/** The first page: coverage of the last run, controls, evidence to download. */
export interface HomeView {
  readonly kind: 'home'
  readonly softwareVersion: string
  readonly now: string
  readonly isComplete: boolean
  /** a source is older than the schedule asks for */
  readonly isStale: boolean
  readonly attention: readonly string[]
  readonly missing: readonly MissingDataset[]
  readonly sources: readonly HomeSource[]
  readonly evaluation: HomeEvaluation | null
  readonly findings: { readonly open: number; readonly overdue: number; readonly excepted: number; readonly resolved: number }
  readonly bundles: readonly (Omit<BundleRecord, 'issuedAt' | 'asOf' | 'path'> & {
    readonly issuedAt: string
    readonly asOf: string
    readonly href: string
  })[]
  readonly reports: readonly { readonly title: string; readonly href: string }[]
  readonly keyFingerprint: string | null
  readonly verification: {
    readonly last: {
      readonly at: string
      readonly age: string
      readonly snapshots: number
      readonly evaluations: number
      readonly problems: number
      readonly headsMissing: number
      /** the first ten problems, in words */
      readonly first: readonly string[]
    } | null
    readonly failure: string | null
    readonly schedule: string
  } | null
}

export interface HomeSource {
  readonly label: string
  /** null: never collected */
  readonly snapshot: {
    readonly version: number
    readonly digest: string
    readonly sealedAt: string
    readonly age: string
    readonly organizationId: string | null
    readonly instanceArn: string
    readonly region: string
    readonly calls: number
    readonly resources: number
    readonly isComplete: boolean
    readonly datasets: readonly (DatasetRow & { readonly actions: readonly string[] })[]
  } | null
  /** the last run, when it is not the one that made the snapshot */
  readonly laterRun: {
    readonly outcome: RunRecord['outcome']
    readonly startedAt: string
    readonly error: string | null
    /** in words; null unless it is going on and has said how far it is */
    readonly progress: string | null
  } | null
}

export interface HomeEvaluation {
  readonly id: number
  readonly asOf: string
  readonly evaluatedAt: string
  readonly age: string
  readonly digest: string
  readonly totals: StatusCounts
  /** judged another snapshot than the last one of a source: `label version` of what it judged */
  readonly olderThanSnapshots: readonly string[]
  /** controls by where they stand, those to look at first; groups without a control are left out */
  readonly groups: readonly { readonly standing: Standing; readonly controls: readonly ControlSection[] }[]
}

/** Puts together the first page: coverage first, then controls, then downloads. Pure: the clock is `input.now`. @throws {ReportsError} TOTALS_DIFFER */
export function homeView(input: HomeInput): HomeView {
  const sources = input.sources.map(source => homeSource(source, input.now))
  const missing = input.sources.flatMap(({ snapshot }) => (snapshot === null ? [] : missingOf(snapshot)))
  return {
    kind: 'home',
    softwareVersion: input.softwareVersion,
    now: input.now.toISOString(),
    isComplete: missing.length === 0 && sources.length > 0 && sources.every(({ snapshot }) => snapshot !== null),
    isStale: input.sources.some(({ overdueSince }) => (overdueSince ?? null) !== null),
    attention: input.attention ?? [],
    missing,
    sources,
    findings: findingsOf(input.figures ?? []),
    evaluation: input.evaluation === null ? null : homeEvaluation(input.evaluation, input),
    bundles: input.bundles.map(({ record: { path: _, ...record }, href }) => ({
      ...record,
      issuedAt: record.issuedAt.toISOString(),
      asOf: record.asOf.toISOString(),
      href,
    })),
    reports: input.reports,
    keyFingerprint: input.keyFingerprint,
    verification: input.verification === undefined ? null : verificationOf(input.verification, input.now),
  }
}

function verificationOf(
  { last, failure, schedule }: NonNullable<HomeInput['verification']>,
  now: Date,
): NonNullable<HomeView['verification']> {
  if (last === null) return { last, failure, schedule }
  const first = last.first.slice(0, 10).map(({ kind, name, message }) => `${kind} ${name}: ${message}`)
  const told = { ...last, at: last.at.toISOString(), age: ageOf(last.at, now), headsMissing: last.headsMissing ?? 0, first }
  return { last: told, failure, schedule }
}

function findingsOf(figures: readonly FindingFigures[]): HomeView['findings'] {
  const sum = (name: 'open' | 'overdue' | 'excepted' | 'resolved') => figures.reduce((total, each) => total + each[name], 0)
  return { open: sum('open'), overdue: sum('overdue'), excepted: sum('excepted'), resolved: sum('resolved') }
}

function homeSource({ label, snapshot, lastRun }: HomeInput['sources'][number], now: Date): HomeSource {
  const isLater = lastRun !== null && lastRun.outcome !== 'sealed' && lastRun.id !== snapshot?.runId
  return {
    label,
    snapshot: snapshot === null ? null : homeSnapshot(snapshot, now),
    laterRun: isLater ? laterRunOf(lastRun) : null,
  }
}

function laterRunOf({ outcome, startedAt, error, progress = null }: RunRecord): NonNullable<HomeSource['laterRun']> {
  return { outcome, startedAt: startedAt.toISOString(), error, progress: progress === null ? null : progressText(progress) }
}

function homeSnapshot(snapshot: Snapshot, now: Date): NonNullable<HomeSource['snapshot']> {
  const missing = missingOf(snapshot)
  return {
    version: snapshot.version,
    digest: snapshot.digest,
    sealedAt: snapshot.sealedAt.toISOString(),
    age: ageOf(snapshot.sealedAt, now),
    organizationId: snapshot.identity.organizationId,
    instanceArn: snapshot.identity.instanceArn,
    region: snapshot.identity.homeRegion,
    calls: snapshot.calls,
    resources: snapshot.datasets.reduce((sum, { count }) => sum + count, 0),
    isComplete: missing.length === 0,
    datasets: datasetRows(snapshot).map(row => ({
      ...row,
      actions:
        missing.find(m => m.dataset === row.name && m.accountId === row.accountId && m.region === row.region)?.actions ?? [],
    })),
  }
}

function homeEvaluation(evaluation: SavedEvaluation, { sources, now }: HomeInput): HomeEvaluation {
  evaluation.outcomes.forEach(checkOutcome)
  const controls = controlSections(evaluation.outcomes, evaluation.exceptions).sort(byUrgency)
  const judged = new Map(evaluation.snapshots.map(snapshot => [snapshot.source, snapshot]))
  const order: readonly Standing[] = ['fail', 'unknown', 'pass', 'not_applicable']
  return {
    id: evaluation.id,
    asOf: evaluation.asOf.toISOString(),
    evaluatedAt: evaluation.evaluatedAt.toISOString(),
    age: ageOf(evaluation.evaluatedAt, now),
    digest: evaluation.digest,
    totals: addCounts(controls),
    olderThanSnapshots: sources.flatMap(({ label, snapshot }) => {
      if (snapshot === null || judged.get(label)?.digest === snapshot.digest) return []
      return [`${label} ${judged.has(label) ? `version ${judged.get(label)?.version}` : 'not at all'}`]
    }),
    groups: order
      .map(standing => ({ standing, controls: controls.filter(control => control.standing === standing) }))
      .filter(({ controls: { length } }) => length > 0),
  }
}

/** How long ago, in the largest unit that fits: `4 minutes`. A time ahead of the clock is said to be so. */
function ageOf(at: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - at.getTime()) / 1000)
  if (seconds < -60) return 'ahead of this clock'
  const units: [string, number][] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ]
  const unit = units.find(([, size]) => seconds >= size)
  if (unit === undefined) return 'less than a minute ago'
  const count = Math.floor(seconds / unit[1])
  return `${count} ${unit[0]}${count === 1 ? '' : 's'} ago`
}
