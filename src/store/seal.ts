import { setImmediate as turn } from 'node:timers/promises'
import type { Caller, Snapshot } from '../model.ts'
import { foldCalls } from './calls.ts'
import { judgeUnread } from './closing-parts.ts'
import { Copier } from './copier.ts'
import { type Connection, transactionOn } from './database.ts'
import { datasetKey, isOpen, type Population, populationsOfNext, summarise } from './dataset-summary.ts'
import { StoreError } from './error.ts'
import { sortGaps, writeGaps, writeOpenParts } from './gap.ts'
import { discardJournal } from './journal.ts'
import { LeafSet } from './leaf-set.ts'
import { appendTo } from './ledger.ts'
import { internPlaces, numberParts } from './number-parts.ts'
import { replaceContents } from './part-content.ts'
import { notableParts, notCollected, outcomesOf } from './part-outcome.ts'
import { ResourceKeys } from './resource-keys.ts'
import { checkOpen, close, type OpenRun } from './run.ts'
import type { PartGroup, RunParts } from './run-parts.ts'
import { countSeenRows } from './seen-rows.ts'
import { insertSnapshot, snapshotDigest } from './snapshot.ts'
import { SpillFile } from './spill-file.ts'
import { settleUnseen } from './unseen-entities.ts'
import { type ComparedPart, compareEdges } from './versions.ts'
import { temporaryTables, writeEdges } from './write-edges.ts'
import { writeEntities } from './write-entities.ts'

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
  const snapshot = await transactionOn(store.db, session, on => seal(on, run)).catch((error: unknown) => {
    state.parts.dropNumbers()
    throw error
  })
  await close(state, session)
  return snapshot
}

async function seal(on: Connection, run: OpenRun): Promise<Snapshot> {
  const { store, sourceId, collectionId, source } = run
  const { parts, knownEntities } = run.state
  const collection = await takeCollection(on, run)
  // what was staged is compared already
  knownEntities?.forget()
  refuseEmpty(parts, source.label)
  const [last] = await on.query<{ version: number; digest: Buffer; sealed_at: Date }>(
    'select version, digest, sealed_at from snapshot where source_id = $1 order by version desc limit 1',
    [sourceId],
  )
  const version = (last?.version ?? 0) + 1
  using aside = new SpillFile()
  const { missed, written } = await writeRows(on, run, version, last === undefined ? aside : null)

  const outcomes = outcomesOf(parts, missed)
  const calls = await foldCalls(on, collectionId)
  const populations =
    written ??
    (await populationsOfNext(on, sourceId, version, touched =>
      countSeenRows(run.session, parts, { sourceId, version }, touched, aside),
    ))
  const datasets = summarise(run.plan, outcomes, populations, rowCounts(parts), calls.counts)
  const unread = datasets.filter(each => each.parts === 0).map(each => notCollected(each.name, each.place, '', each.reason!))
  const notable = notableParts(parts, missed)
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
  return snapshot
}

/** What writing the rows of a run gave. */
interface WrittenRows {
  /** parts that were not read although their parent was seen */
  readonly missed: readonly number[]
  /** every row of the snapshot, where all of them were written with it; else null */
  readonly written: readonly Population[] | null
}

/** Writes what the run saw as versions. @param aside takes leaves of the first snapshot; null for a later one */
async function writeRows(on: Connection, run: OpenRun, version: number, aside: SpillFile | null): Promise<WrittenRows> {
  const { store, sourceId, state } = run
  const { parts } = state
  const isFirst = aside !== null
  const copier = new Copier(on)
  const groups = await numberParts(on, store, sourceId, parts, copier)
  const keys = new ResourceKeys(store, sourceId, copier, isFirst)
  const leaves = isFirst ? new Map([...groups.keys()].map(group => [group, new LeafSet(aside)])) : null
  const entities = await writeEntities({ on, run, version, copier, keys, groups, leaves })
  const { vanished, missed } = await judgeUnread(on, sourceId, run.plan, parts, entities.seen)
  const isClosing = (index: number) => parts.isComplete(index) || vanished.has(index)
  const gone = isFirst ? 0 : await settleUnseen(on, sourceId, version, entities.seen, closingByNumber(parts, isClosing))
  if (hasDifferentEdges(parts)) await on.execute(temporaryTables)
  const edges = await writeEdges({ run, version, isFirst, copier, keys, leaves })
  const compared = { membership: [] as ComparedPart[], assignment: [] as ComparedPart[] }
  const doubtful: number[] = []
  for (let index = 0; index < parts.count; index++) {
    const kind = parts.groupOf(index).edges
    const isKnown = parts.idOf(index) > 0 && !parts.isFresh(index) && !isFirst
    const isUnchanged = parts.isUnchanged(index) || edges.unchanged.has(index)
    if (kind === null || !(edges.compared.has(index) || (isKnown && !isUnchanged))) continue
    compared[kind].push({ partId: parts.idOf(index), isClosing: isClosing(index) })
    doubtful.push(parts.idOf(index))
  }
  const versions = await compareEdges(on, sourceId, version, compared)
  await replaceContents(on, doubtful, new Map([...edges.contents].map(([index, digest]) => [parts.idOf(index), digest])))
  const isMuch = entities.begun + entities.ended + gone + edges.begun + versions.begun + versions.ended >= manyRows
  // a role without ownership may not, and then autovacuum does it in a minute: that is a warning of the server and no error
  const analysing = isMuch
    ? on.execute('analyze resource_key, part, entity, entity_salt, entity_version, membership_version, assignment_version')
    : null
  analysing?.catch(() => {})
  // the server does that while we put the leaves in order
  await turn()
  const written = leaves === null ? null : populationsIn(leaves)
  await analysing
  return { missed, written }
}

function populationsIn(leaves: ReadonlyMap<PartGroup, LeafSet>): Population[] {
  return [...leaves].map(([{ dataset, place }, set]) => ({ dataset, place, count: set.count, digest: set.digest() }))
}

/** False when the edges of every part are those of the last snapshot. */
function hasDifferentEdges(parts: RunParts): boolean {
  for (let index = 0; index < parts.count; index++)
    if (parts.groupOf(index).edges !== null && !parts.isUnchanged(index)) return true
  return false
}

function closingByNumber(parts: RunParts, isClosing: (index: number) => boolean): (partId: number) => boolean {
  const byNumber = new Map<number, number>()
  return partId => {
    if (byNumber.size === 0) for (let index = 0; index < parts.count; index++) byNumber.set(parts.idOf(index), index)
    const index = byNumber.get(partId)
    return index !== undefined && isClosing(index)
  }
}

/** @throws {StoreError} RUN_EMPTY when no part came to an end: that is a run that read nothing */
function refuseEmpty(parts: RunParts, source: string): void {
  for (const index of parts.touched()) if (parts.isEnded(index)) return
  throw new StoreError('RUN_EMPTY', `the run of ${source} read nothing, so there is nothing to seal`, { hint: 'collect again' })
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

/** Rows that AWS showed in parts that ended, by dataset and place. */
function rowCounts(parts: RunParts): Map<string, number> {
  const counts = new Map<string, number>()
  for (const index of parts.touched()) {
    if (!parts.isEnded(index)) continue
    const { dataset, place } = parts.groupOf(index)
    const key = datasetKey(dataset, place)
    counts.set(key, (counts.get(key) ?? 0) + parts.rowsOf(index))
  }
  return counts
}

async function endRun(on: Connection, run: OpenRun, snapshot: Snapshot): Promise<void> {
  const { id, sourceId, collectionId, source, plan } = run
  await on.execute(
    'update source set label = $2, organization_id = coalesce($3, organization_id) where id = $1 and (label <> $2 or organization_id is distinct from $3)',
    [sourceId, source.label, plan.identity.organizationId],
  )
  await discardJournal(on, collectionId)
  await on.execute(
    `with sealed as (update collection set state = 'sealed' where id = $4)
     update run set outcome = 'sealed', ended_at = $2, snapshot_version = $3 where id = $1 and outcome = 'running'`,
    [id, snapshot.sealedAt, snapshot.version, collectionId],
  )
}
