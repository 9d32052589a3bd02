import { compareBytes } from '../digest.ts'
import type { Coverage, Gap, Place, Snapshot, SourceIdentity } from '../model.ts'
import { type GapCause, gapKey } from './gap-causes.ts'
import type { OperationCalls } from './operation-calls.ts'

/** One source in a report: who it is, what was read of it, and what was not. Times are RFC 3339 text. */
export interface SourceSection {
  readonly label: string
  readonly identity: SourceIdentity
  readonly callers: readonly {
    readonly accountId: string
    readonly region: string
    readonly arn: string
    readonly userId: string
  }[]
  readonly snapshot: {
    readonly version: number
    readonly digest: string
    readonly previousDigest: string | null
    readonly runId: string
    readonly startedAt: string
    readonly sealedAt: string
    readonly softwareVersion: string
  }
  readonly isComplete: boolean
  readonly datasets: readonly DatasetRow[]
  readonly missing: readonly MissingDataset[]
  readonly gaps: readonly GapRow[]
  readonly calls: {
    readonly planned: number | null
    readonly actual: number
    readonly throttles: number
    readonly ledgerRoot: string
    readonly operations: readonly OperationCalls[]
    /** sum over `operations`, to hold against `actual`: a difference is printed, not hidden. Null when no ledger was given */
    readonly counted: number | null
  }
}

export interface DatasetRow {
  readonly name: string
  readonly accountId: string
  readonly region: string
  readonly coverage: Coverage
  readonly count: number
  /** true when more may exist than were read: shown as "≥ n" */
  readonly isLowerBound: boolean
  readonly parts: number
  readonly openParts: number
  readonly pages: number
  readonly calls: number
  readonly duplicates: number
  readonly firstObservedAt: string | null
  readonly lastObservedAt: string | null
  readonly digest: string
  readonly reason: string | null
}

/** A dataset that was denied or not read to its end: what makes a document INCOMPLETE. */
export interface MissingDataset {
  readonly source: string
  readonly dataset: string
  readonly accountId: string
  readonly region: string
  readonly coverage: Coverage
  readonly openParts: number
  readonly reason: string
  /** IAM actions to grant, sorted; empty where no permission would help */
  readonly actions: readonly string[]
}

export interface GapRow {
  readonly dataset: string
  readonly accountId: string
  readonly region: string
  readonly parent: string
  readonly key: string | null
  readonly member: string | null
  readonly reason: string
  readonly action: string | null
  readonly errorCode: string | null
  readonly message: string
  /** unknown results that name it, of the controls that are shown; null where nothing is judged */
  readonly results: number | null
}

/** @param causes what makes results unknown; null where nothing is judged */
export function sourceSection(
  snapshot: Snapshot,
  calls: readonly OperationCalls[],
  causes: readonly GapCause[] | null = null,
): SourceSection {
  const operations = calls.filter(sum => sum.source === snapshot.source)
  const missing = missingOf(snapshot)
  const counts = causes === null ? null : new Map(causes.map(({ source, gap, results }) => [gapKey(source, gap), results]))
  return {
    label: snapshot.source,
    identity: snapshot.identity,
    callers: snapshot.callers.map(({ place, arn, userId }) => ({ ...flat(place), arn, userId })),
    snapshot: {
      version: snapshot.version,
      digest: snapshot.digest,
      previousDigest: snapshot.previousDigest,
      runId: snapshot.runId,
      startedAt: snapshot.startedAt.toISOString(),
      sealedAt: snapshot.sealedAt.toISOString(),
      softwareVersion: snapshot.softwareVersion,
    },
    isComplete: missing.length === 0,
    datasets: datasetRows(snapshot),
    missing,
    gaps: snapshot.gaps
      .map(gap => gapRow(gap, counts === null ? null : (counts.get(gapKey(snapshot.source, gap)) ?? 0)))
      .sort(byGap),
    calls: {
      planned: snapshot.plannedCalls,
      actual: snapshot.calls,
      throttles: snapshot.throttles,
      ledgerRoot: snapshot.callLedgerRoot,
      operations,
      counted: operations.length === 0 ? null : operations.reduce((sum, { calls: count }) => sum + count, 0),
    },
  }
}

/** Datasets of a snapshot that were denied or not read to their end, sorted. Empty means: everything that was asked for was read. */
export function missingOf(snapshot: Snapshot): MissingDataset[] {
  return [...snapshot.datasets]
    .filter(({ coverage }) => isOpen(coverage))
    .sort((a, b) => compareBytes(a.name, b.name) || byPlace(a.place, b.place))
    .map(({ name, place, coverage, openParts, reason }) => ({
      source: snapshot.source,
      dataset: name,
      ...flat(place),
      coverage,
      openParts,
      reason: reason ?? 'no reason was recorded',
      actions: actionsOf(snapshot.gaps.filter(gap => gap.dataset === name && byPlace(gap.place, place) === 0)),
    }))
}

/** IAM actions that would close these gaps, sorted, each once. What was withheld on purpose needs no permission. */
export function actionsOf(gaps: readonly Gap[]): string[] {
  const actions = gaps.filter(gap => gap.reason !== 'withheld').flatMap(({ action }) => (action === null ? [] : [action]))
  return [...new Set(actions)].sort(compareBytes)
}

export function datasetRows(snapshot: Snapshot): DatasetRow[] {
  return [...snapshot.datasets]
    .sort((a, b) => compareBytes(a.name, b.name) || byPlace(a.place, b.place))
    .map(({ place, firstObservedAt, lastObservedAt, ...summary }) => ({
      name: summary.name,
      ...flat(place),
      coverage: summary.coverage,
      count: summary.count,
      isLowerBound: isOpen(summary.coverage),
      parts: summary.parts,
      openParts: summary.openParts,
      pages: summary.pages,
      calls: summary.calls,
      duplicates: summary.duplicates,
      firstObservedAt: firstObservedAt?.toISOString() ?? null,
      lastObservedAt: lastObservedAt?.toISOString() ?? null,
      digest: summary.digest,
      reason: summary.reason,
    }))
}

/** Coverages that more permissions or another try could complete. What nobody can read does not make a document incomplete. */
function isOpen(coverage: Coverage): boolean {
  return coverage === 'denied' || coverage === 'incomplete'
}

function gapRow(
  { dataset, place, parent, key, member, reason, action, errorCode, message }: Gap,
  results: number | null,
): GapRow {
  return { dataset, ...flat(place), parent, key, member, reason, action, errorCode, message, results }
}

function byGap(a: GapRow, b: GapRow): number {
  const text = (gap: GapRow) => [gap.dataset, gap.accountId, gap.region, gap.parent, gap.key ?? '', gap.member ?? ''].join('\n')
  return compareBytes(text(a), text(b))
}

function byPlace(a: Place, b: Place): number {
  return compareBytes(`${a.accountId} ${a.region}`, `${b.accountId} ${b.region}`)
}

function flat(place: Place): { accountId: string; region: string } {
  return { accountId: place.accountId, region: place.region }
}
