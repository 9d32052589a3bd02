import type { Caller, Snapshot } from '../model.ts'
import { addUpCalls } from './calls.ts'
import { type Connection, query, transactionOn } from './database.ts'
import { datasetKey, isOpen, populationsOfNext, summarise } from './dataset-summary.ts'
import { sortGaps, writeGaps, writeOpenParts } from './gap.ts'
import { appendTo } from './ledger.ts'
import { notCollected, readNotableParts, readOutcomes, settleParts } from './part-outcome.ts'
import { checkOpen, close, type OpenRun } from './run.ts'
import { gatherClosingParts, gatherSeen, refuseEmpty } from './seen.ts'
import { insertSnapshot, snapshotDigest } from './snapshot.ts'
import { discardStaging, internPlaces } from './staged-part.ts'
import { writeVersions } from './versions.ts'

/** From so many written rows on the planner is told about them at once. */
const manyRows = 5000

/**
 * Makes a run into the next snapshot of its source, in one transaction: versions, gaps, summaries, digests, chain and ledger, or nothing.
 * Only a part that was read completely ends what it did not show; the rest of what was not seen stays as last known.
 * @throws {StoreError} RUN_OVER, RUN_EMPTY, DISK_FULL, DATABASE_UNREACHABLE; the run can be resumed then
 */
export async function sealRun(run: OpenRun): Promise<Snapshot> {
  checkOpen(run)
  const sealing = sealAndClose(run)
  run.state.sealing = sealing
  try {
    return await sealing
  } finally {
    run.state.sealing = null
  }
}

async function sealAndClose(run: OpenRun): Promise<Snapshot> {
  const { store, session, state } = run
  const { snapshot, written } = await transactionOn(store.db, session, on => seal(on, run))
  await close(state, session)
  if (written >= manyRows) {
    // a role without ownership may not, and then autovacuum does it in a minute
    const tables = 'resource_key, part, entity, entity_salt, entity_version, membership_version, assignment_version'
    await query(store.db, `analyze ${tables}`).catch(error => store.log.debug('tables were not analysed', { error }))
  }
  return snapshot
}

async function seal(on: Connection, run: OpenRun): Promise<{ snapshot: Snapshot; written: number }> {
  const { store, sourceId, collectionId, source } = run
  const collection = await takeCollection(on, run)
  await refuseEmpty(on, collectionId, source.label)
  const [last] = await on.query<{ version: number; digest: Buffer; sealed_at: Date }>(
    'select version, digest, sealed_at from snapshot where source_id = $1 order by version desc limit 1',
    [sourceId],
  )
  const version = (last?.version ?? 0) + 1

  await gatherSeen(on, sourceId, collectionId)
  const missed = await gatherClosingParts(on, sourceId, collectionId)
  const { begun, ended } = await writeVersions(on, sourceId, version)

  const staged = await stagedCounts(on, collectionId)
  await settleParts(on, collectionId, missed)
  const outcomes = await readOutcomes(on, collectionId)
  const calls = await addUpCalls(on, collectionId)
  const datasets = summarise(run.plan, outcomes, await populationsOfNext(on, sourceId, version), staged, calls.counts)
  const unread = datasets.filter(each => each.parts === 0).map(each => notCollected(each.name, each.place, '', each.reason!))
  const notable = await readNotableParts(on, collectionId)
  const gaps = sortGaps([...notable.flatMap(part => part.gaps), ...unread])
  await internPlaces(on, gaps)
  await writeGaps(on, sourceId, version, gaps)
  await writeOpenParts(on, sourceId, version, notable.filter(isOpen))

  const now = store.now()
  const body: Omit<Snapshot, 'digest'> = {
    source: source.label,
    version,
    runId: run.id,
    identity: run.plan.identity,
    callers: JSON.parse(collection.callers) as Caller[],
    startedAt: collection.started_at,
    // a clock that was set back must not put this snapshot before the last one
    sealedAt: last !== undefined && last.sealed_at > now ? last.sealed_at : now,
    previousDigest: last?.digest.toString('hex') ?? null,
    datasets,
    gaps,
    plannedCalls: run.plan.calls,
    calls: calls.calls,
    throttles: calls.throttles,
    callLedgerRoot: calls.root,
    softwareVersion: store.softwareVersion,
  }
  const snapshot: Snapshot = { ...body, digest: snapshotDigest(body) }
  await insertSnapshot(on, sourceId, collectionId, snapshot)
  await endRun(on, run, snapshot)
  await appendTo(on, snapshot.sealedAt, 'snapshot', {
    source: source.label,
    sourceNumber: sourceId,
    version,
    digest: snapshot.digest,
    run: run.id,
  })
  return { snapshot, written: begun + ended }
}

/** The collection is ours alone until the end of the transaction: batches under way are waited for. */
async function takeCollection(on: Connection, run: OpenRun): Promise<{ started_at: Date; callers: string }> {
  const [held] = await on.query<{ started_at: Date; callers: string }>(
    `select started_at, callers from collection where id = $1 and run_id = $2 and state = 'open' for update`,
    [run.collectionId, run.id],
  )
  if (held !== undefined) return held
  run.state.isLost = true
  checkOpen(run)
  throw new Error('unreachable')
}

/** Rows staged in parts that ended, by dataset and place. */
async function stagedCounts(on: Connection, collectionId: number): Promise<Map<string, number>> {
  const rows = await on.query<{ dataset: string; account_id: string; region: string; count: number }>(
    `select d.name as dataset, l.account_id, l.region, count(*)::int as count
     from (
       select collection_id, part_id from staged_entity where collection_id = $1
       union all select collection_id, part_id from staged_membership where collection_id = $1
       union all select collection_id, part_id from staged_assignment where collection_id = $1
     ) r join staged_part s on s.collection_id = r.collection_id and s.part_id = r.part_id and s.coverage is not null
     join part p on p.id = r.part_id join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id
     group by d.name, l.account_id, l.region`,
    [collectionId],
  )
  return new Map(rows.map(row => [datasetKey(row.dataset, { accountId: row.account_id, region: row.region }), row.count]))
}

async function endRun(on: Connection, run: OpenRun, snapshot: Snapshot): Promise<void> {
  const { id, sourceId, collectionId, source, plan } = run
  await on.execute(
    'update source set label = $2, organization_id = coalesce($3, organization_id) where id = $1 and (label <> $2 or organization_id is distinct from $3)',
    [sourceId, source.label, plan.identity.organizationId],
  )
  await discardStaging(on, collectionId)
  await on.execute(`update collection set state = 'sealed' where id = $1`, [collectionId])
  await on.execute(
    `update run set outcome = 'sealed', ended_at = $2, snapshot_version = $3 where id = $1 and outcome = 'running'`,
    [id, snapshot.sealedAt, snapshot.version],
  )
}
