import { digestOf } from '../digest.ts'
import type { Caller, Counts, Coverage, DatasetSummary, Gap, Snapshot, SourceIdentity } from '../model.ts'
import { type Connection, query } from './database.ts'
import { inOrder } from './dataset-summary.ts'
import { StoreError } from './error.ts'
import { sortGaps } from './gap.ts'
import { outside } from './outside.ts'
import type { Store } from './store.ts'

/** Which snapshot of a source: a version, the last one sealed at or before an instant, or the last. */
export type WhichSnapshot = 'latest' | { readonly version: number } | { readonly asOf: Date }

/** Digest of a snapshot: SHA-256 of the canonical JSON of all its other members, times as RFC 3339 with milliseconds. */
export function snapshotDigest(snapshot: Omit<Snapshot, 'digest'>): string {
  return digestOf(outside(snapshot))
}

/**
 * One snapshot of a source.
 * @returns null when there is none
 */
export async function readSnapshot(store: Store, source: string, which: WhichSnapshot): Promise<Snapshot | null> {
  const rows = await query<SnapshotRow>(
    store.db,
    `${selectSnapshot} where o.label = $1 and ($2::int is null or s.version = $2) and ($3::timestamptz is null or s.sealed_at <= $3)
     order by s.version desc limit 1`,
    [
      source,
      which !== 'latest' && 'version' in which ? which.version : null,
      which !== 'latest' && 'asOf' in which ? which.asOf : null,
    ],
  )
  return (await complete(store, rows))[0] ?? null
}

/**
 * Sealed snapshots, newest first.
 * @param filter `limit` 1,000 when left out
 */
export async function listSnapshots(
  store: Store,
  filter: { readonly source?: string; readonly limit?: number } = {},
): Promise<readonly Snapshot[]> {
  const rows = await query<SnapshotRow>(
    store.db,
    `${selectSnapshot} where $1::text is null or o.label = $1 order by s.sealed_at desc, s.source_id, s.version desc limit $2`,
    [filter.source ?? null, filter.limit ?? 1000],
  )
  return complete(store, rows)
}

/** Each source's last snapshot sealed at or before an instant, by label. */
export async function snapshotsAsOf(store: Store, asOf: Date): Promise<Snapshot[]> {
  return Promise.all((await sealedAsOf(store, asOf)).map(each => each.snapshot))
}

/** A snapshot whose datasets and gaps are still being read. */
export interface SealedSnapshot {
  readonly source: string
  readonly sourceId: number
  readonly version: number
  readonly snapshot: Promise<Snapshot>
}

/** The same for who needs to know only which they are to go on. */
export async function sealedAsOf(store: Store, asOf: Date): Promise<SealedSnapshot[]> {
  const rows = await query<SnapshotRow>(
    store.db,
    `select distinct on (o.label) ${snapshotColumns} where s.sealed_at <= $1 order by o.label, s.version desc`,
    [asOf],
  )
  const completed = complete(store, rows)
  // an error is thrown where a snapshot is awaited
  completed.catch(() => {})
  return rows.map(({ label, source_id: sourceId, version }, i) => {
    const snapshot = completed.then(all => all[i]!)
    snapshot.catch(() => {})
    return { source: label, sourceId, version, snapshot }
  })
}

/** Rows per dataset in the last snapshot of a source, over all its places; empty before the first. */
export async function lastCounts(store: Store, source: string): Promise<Counts> {
  const rows = await query<{ name: string; count: number }>(
    store.db,
    `select d.name, sum(y.count)::int as count
     from dataset_summary y join dataset d on d.id = y.dataset_id join source o on o.id = y.source_id
     where o.label = $1 and y.version = (select max(version) from snapshot s where s.source_id = o.id)
     group by d.name`,
    [source],
  )
  return Object.fromEntries(rows.map(row => [row.name, row.count]))
}

/** Where a snapshot's rows are. */
export interface SnapshotPosition {
  readonly sourceId: number
  readonly version: number
  readonly collectionId: number
}

/** @throws {StoreError} NOT_FOUND when this store never sealed it */
export async function locate(store: Store, snapshot: Snapshot): Promise<SnapshotPosition> {
  const [found] = await query<{ source_id: number; version: number; collection_id: number }>(
    store.db,
    'select source_id, version, collection_id from snapshot where run_id = $1',
    [snapshot.runId],
  )
  if (found === undefined) throw new StoreError('NOT_FOUND', `there is no snapshot of the run ${snapshot.runId} in this database`)
  return { sourceId: found.source_id, version: found.version, collectionId: found.collection_id }
}

/** Writes a snapshot's own row and those of its datasets. */
export async function insertSnapshot(on: Connection, sourceId: number, collectionId: number, snapshot: Snapshot): Promise<void> {
  const { source, version, runId, startedAt, sealedAt, plannedCalls, calls, throttles, softwareVersion } = snapshot
  await on.execute(
    `insert into snapshot (source_id, version, run_id, collection_id, label, identity, callers, started_at, sealed_at, previous_digest, digest,
       planned_calls, calls, throttles, call_ledger_root, software_version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      ...[sourceId, version, runId, collectionId, source, JSON.stringify(snapshot.identity), JSON.stringify(snapshot.callers)],
      ...[startedAt, sealedAt, snapshot.previousDigest === null ? null : Buffer.from(snapshot.previousDigest, 'hex')],
      ...[
        Buffer.from(snapshot.digest, 'hex'),
        plannedCalls,
        calls,
        throttles,
        Buffer.from(snapshot.callLedgerRoot, 'hex'),
        softwareVersion,
      ],
    ],
  )
  const all = snapshot.datasets
  await on.execute(
    `insert into dataset_summary (source_id, version, dataset_id, place_id, coverage, count, digest, parts, open_parts, pages, calls, duplicates,
       first_observed_at, last_observed_at, reason)
     select $1, $2, d.id, l.id, n.coverage, n.count, n.digest, n.parts, n.open_parts, n.pages, n.calls, n.duplicates, n.first, n.last, n.reason
     from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bytea[], $9::int[], $10::int[], $11::int[], $12::int[], $13::int[],
       $14::timestamptz[], $15::timestamptz[], $16::text[])
       as n (name, account_id, region, coverage, count, digest, parts, open_parts, pages, calls, duplicates, first, last, reason)
     join dataset d on d.name = n.name join place l on l.account_id = n.account_id and l.region = n.region`,
    [
      ...[
        sourceId,
        version,
        all.map(each => each.name),
        all.map(each => each.place.accountId),
        all.map(each => each.place.region),
      ],
      ...[
        all.map(each => each.coverage),
        all.map(each => each.count),
        all.map(each => `\\x${each.digest}`),
        all.map(each => each.parts),
      ],
      ...[
        all.map(each => each.openParts),
        all.map(each => each.pages),
        all.map(each => each.calls),
        all.map(each => each.duplicates),
      ],
      ...[
        all.map(each => each.firstObservedAt?.toISOString() ?? null),
        all.map(each => each.lastObservedAt?.toISOString() ?? null),
      ],
      all.map(each => each.reason),
    ],
  )
}

interface SnapshotRow {
  readonly source_id: number
  readonly version: number
  readonly run_id: string
  readonly label: string
  readonly identity: string
  readonly callers: string
  readonly started_at: Date
  readonly sealed_at: Date
  readonly previous_digest: Buffer | null
  readonly digest: Buffer
  readonly planned_calls: number | null
  readonly calls: number
  readonly throttles: number
  readonly call_ledger_root: Buffer
  readonly software_version: string
}

interface SummaryRow {
  readonly source_id: number
  readonly version: number
  readonly name: string
  readonly account_id: string
  readonly region: string
  readonly coverage: Coverage
  readonly count: number
  readonly digest: Buffer
  readonly parts: number
  readonly open_parts: number
  readonly pages: number
  readonly calls: number
  readonly duplicates: number
  readonly first_observed_at: Date | null
  readonly last_observed_at: Date | null
  readonly reason: string | null
}

const snapshotColumns = `s.source_id, s.version, s.run_id, s.label, s.identity, s.callers, s.started_at, s.sealed_at, s.previous_digest, s.digest,
  s.planned_calls, s.calls, s.throttles, s.call_ledger_root, s.software_version
  from snapshot s join source o on o.id = s.source_id`
const selectSnapshot = `select ${snapshotColumns}`

/** Adds datasets and gaps to the rows of snapshots. */
async function complete(store: Store, rows: readonly SnapshotRow[]): Promise<Snapshot[]> {
  if (rows.length === 0) return []
  const wanted = [rows.map(row => row.source_id), rows.map(row => row.version)]
  const summariesRead = query<SummaryRow>(
    store.db,
    `select y.*, d.name, l.account_id, l.region
     from unnest($1::int[], $2::int[]) as w (source_id, version)
     join dataset_summary y on y.source_id = w.source_id and y.version = w.version
     join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id`,
    wanted,
  )
  const gapsRead = query<{ source_id: number; version: number; body: string }>(
    store.db,
    `select w.source_id, w.version, g.body
     from unnest($1::int[], $2::int[]) as w (source_id, version)
     join gap_version g on g.source_id = w.source_id and g.from_version <= w.version and g.to_version > w.version`,
    wanted,
  )
  const [summaries, gaps] = await Promise.all([summariesRead, gapsRead])
  const summariesOf = Map.groupBy(summaries, snapshotKey)
  const gapsOf = Map.groupBy(gaps, snapshotKey)
  return rows.map(row => {
    const key = snapshotKey(row)
    return snapshotOf(
      row,
      summariesOf.get(key) ?? [],
      (gapsOf.get(key) ?? []).map(gap => JSON.parse(gap.body) as Gap),
    )
  })
}

function snapshotKey(row: { readonly source_id: number; readonly version: number }): string {
  return `${row.source_id} ${row.version}`
}

function snapshotOf(row: SnapshotRow, summaries: readonly SummaryRow[], gaps: readonly Gap[]): Snapshot {
  return {
    source: row.label,
    version: row.version,
    runId: row.run_id,
    identity: JSON.parse(row.identity) as SourceIdentity,
    callers: JSON.parse(row.callers) as Caller[],
    startedAt: row.started_at,
    sealedAt: row.sealed_at,
    previousDigest: row.previous_digest?.toString('hex') ?? null,
    digest: row.digest.toString('hex'),
    datasets: summaries.map(summaryOf).sort(inOrder),
    gaps: sortGaps(gaps),
    plannedCalls: row.planned_calls,
    calls: row.calls,
    throttles: row.throttles,
    callLedgerRoot: row.call_ledger_root.toString('hex'),
    softwareVersion: row.software_version,
  }
}

function summaryOf(row: SummaryRow): DatasetSummary {
  return {
    name: row.name,
    place: { accountId: row.account_id, region: row.region },
    coverage: row.coverage,
    count: row.count,
    digest: row.digest.toString('hex'),
    parts: row.parts,
    openParts: row.open_parts,
    pages: row.pages,
    calls: row.calls,
    duplicates: row.duplicates,
    firstObservedAt: row.first_observed_at,
    lastObservedAt: row.last_observed_at,
    reason: row.reason,
  }
}
