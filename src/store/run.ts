import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { canonicalJson, digestOf } from '../digest.ts'
import type { Caller, CollectionPlan, Json, Progress, RunRecord, Source } from '../model.ts'
import { foldCalls } from './calls.ts'
import { type Connection, connectAlone, query, transaction, transactionOn } from './database.ts'
import { StoreError, storeError } from './error.ts'
import { discardJournal, readJournal, takeUp } from './journal.ts'
import { KnownEntities } from './known-entities.ts'
import { readKnownParts } from './known-parts.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import type { RunParts } from './run-parts.ts'
import { resolveSource, sourceIdOf } from './source.ts'
import { storable } from './staged-text.ts'
import type { Store } from './store.ts'

/** A run that is under way. Parts are saved into it and it is sealed once; disposed unsealed, it leaves its parts to the next run. */
export interface OpenRun extends AsyncDisposable {
  readonly id: string
  readonly source: Source
  /** `partKey` of the parts that an interrupted run read to a good end; what was refused or broke off is asked again */
  readonly done: ReadonlySet<string>
  readonly resumed: boolean
  /** the rest belongs to this room */
  readonly store: Store
  readonly plan: CollectionPlan
  readonly sourceId: number
  readonly collectionId: number
  /** the session that holds the source's lock */
  readonly session: pg.Client
  readonly state: RunState
}

export interface RunState {
  phase: 'open' | 'over'
  /** the session of the lock broke: another process may hold the source */
  isLost: boolean
  /** a seal under way: `return sealRun(run)` disposes of the run before the seal is done */
  sealing: Promise<unknown> | null
  readonly parts: RunParts
  /** null before the first snapshot: nothing is known */
  readonly knownEntities: KnownEntities | null
}

/** Parts older than this are read again: a snapshot's window should be a day at most. */
const resumableMs = 24 * 3_600_000

/**
 * Opens a run of one source, or resumes what an interrupted or failed one left behind within 24 hours, if it read the same things
 * with the same settings. The source is held by a session lock, which a killed process loses at once.
 * @param plan its identity was proven just now
 * @throws {StoreError} SOURCE_BUSY when another living run holds the source, SOURCE_IDENTITY_CHANGED when the label belongs to another
 *   organization or instance
 */
export async function openRun(store: Store, source: Source, plan: CollectionPlan): Promise<OpenRun> {
  const sourceId = await transaction(store.db, on => resolveSource(on, source, plan.identity, store.now()))
  const session = await connectAlone(store.db)
  try {
    const { rows } = await session.query<{ held: boolean }>('select pg_try_advisory_lock($1, $2) as held', [
      lockSpaces.source,
      sourceId,
    ])
    if (!rows[0]!.held) throw await busy(store, source, sourceId)
    const id = randomUUID()
    const begun = await transactionOn(store.db, session, on => begin(on, store, source, plan, sourceId, id))
    const parts = await readKnownParts(store.db, sourceId)
    const done = begun.resumed ? await resume(store, begun.collectionId, parts) : new Set<string>()
    const knownEntities = begun.isFirst ? null : new KnownEntities(store, sourceId)
    const state: RunState = { phase: 'open', isLost: false, sealing: null, parts, knownEntities }
    session.on('error', () => (state.isLost = true))
    session.on('end', () => (state.isLost = true))
    const { collectionId, resumed } = begun
    if (resumed) store.log.info('run resumed', { source: source.label, run: id, parts: done.size })
    return {
      ...{ id, source, plan, done, resumed, store, sourceId, collectionId, session, state },
      [Symbol.asyncDispose]: () => interrupt(store, state, session, id),
    }
  } catch (error) {
    await session.end().catch(() => {})
    throw storeError(error, store.db.where)
  }
}

/**
 * Ends a run that failed. The record keeps the error; the parts that were read stay for the next run, which decides whether they still fit.
 * Does nothing to a run that is over already.
 * @param failure `message` for people, with the way out
 */
export async function failRun(run: OpenRun, failure: { readonly code: string; readonly message: string }): Promise<void> {
  if (run.state.phase === 'over') return
  const { store, source, sourceId, id } = run
  await transaction(store.db, async on => {
    const ended = await on.execute(
      `update run set outcome = 'failed', ended_at = $2, error = $3, error_code = $4 where id = $1 and outcome = 'running'`,
      [id, store.now(), storable(failure.message), storable(failure.code)],
    )
    if (ended === 1)
      await appendTo(on, store.now(), 'run_failed', { run: id, source: source.label, sourceNumber: sourceId, code: failure.code })
  })
  await close(run.state, run.session)
}

/** Keeps a run that failed before it could be opened: no credentials, no plan. It is a record too. */
export async function recordFailure(
  store: Store,
  source: Source,
  failure: { readonly code: string; readonly message: string; readonly startedAt: Date },
): Promise<void> {
  const id = randomUUID()
  const sourceId = await sourceIdOf(store, source.label)
  await transaction(store.db, async on => {
    await on.execute(
      `insert into run (id, source_id, label, started_at, ended_at, outcome, error, error_code, software_version)
       values ($1, $2, $3, $4, $5, 'failed', $6, $7, $8)`,
      [
        id,
        sourceId,
        source.label,
        failure.startedAt,
        store.now(),
        storable(failure.message),
        storable(failure.code),
        store.softwareVersion,
      ],
    )
    await appendTo(on, store.now(), 'run_failed', { run: id, source: source.label, sourceNumber: sourceId, code: failure.code })
  })
}

/** Runs, newest first. One whose process died without a word is `interrupted`, also before the next run finds it. */
export async function listRuns(
  store: Store,
  filter: { readonly source?: string; readonly limit?: number } = {},
): Promise<readonly RunRecord[]> {
  const rows = await query<RunRow>(
    store.db,
    `select r.id, r.label, r.started_at, r.ended_at, r.snapshot_version, r.error, r.error_code,
       case when r.outcome = 'running' and not exists (
         select from pg_locks l join pg_database d on d.oid = l.database
         where d.datname = current_database() and l.locktype = 'advisory' and l.classid = $3::int and l.objid = r.source_id and l.granted
       ) then 'interrupted' else r.outcome end as outcome,
       p.phase, p.done, p.total, p.per_second, p.throttles, p.seconds_left, p.detail
     from run r left join source s on s.id = r.source_id left join run_progress p on p.run_id = r.id
     where $1::text is null or r.label = $1 or s.label = $1
     order by r.started_at desc, r.id limit $2`,
    [filter.source ?? null, filter.limit ?? 1000, lockSpaces.source],
  )
  return rows.map(row => ({
    id: row.id,
    source: row.label,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    snapshotVersion: row.snapshot_version,
    error: row.error,
    errorCode: row.error_code,
    progress: row.outcome === 'running' ? progressIn(row) : null,
  }))
}

/** Closes the session and with it the lock. */
export async function close(state: RunState, session: pg.Client): Promise<void> {
  state.phase = 'over'
  await session.end().catch(() => {})
}

/** @throws {StoreError} RUN_OVER when the run ended, or its lock was lost with its session */
export function checkOpen(run: OpenRun): void {
  if (run.state.phase === 'open' && !run.state.isLost && run.state.sealing === null) return
  throw new StoreError(
    'RUN_OVER',
    `the run ${run.id} of ${run.source.label} is over${run.state.isLost ? ': its connection to the database broke' : ''}`,
    {
      hint: 'collect again: the parts that were read are kept and not read again',
    },
  )
}

function progressIn(row: RunRow): Progress | null {
  const { phase, done, total, per_second, throttles, seconds_left: secondsLeft, detail } = row
  if (phase === null) return null
  return { phase, done, total, ...(per_second === null ? {} : { perSecond: per_second }), throttles, secondsLeft, detail }
}

interface RunRow {
  readonly id: string
  readonly label: string
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly outcome: RunRecord['outcome']
  readonly snapshot_version: number | null
  readonly error: string | null
  readonly error_code: string | null
  /** null: it has not said yet how far it is */
  readonly phase: string | null
  readonly done: number
  readonly total: number | null
  readonly per_second: number | null
  readonly throttles: number
  readonly seconds_left: number | null
  readonly detail: string
}

interface Begun {
  readonly collectionId: number
  readonly resumed: boolean
  /** no snapshot of the source was sealed yet */
  readonly isFirst: boolean
}

async function begin(
  on: Connection,
  store: Store,
  source: Source,
  plan: CollectionPlan,
  sourceId: number,
  id: string,
): Promise<Begun> {
  const now = store.now()
  // we hold the lock: whoever was running is dead
  await on.execute(`update run set outcome = 'interrupted', ended_at = $2 where source_id = $1 and outcome = 'running'`, [
    sourceId,
    now,
  ])
  await on.execute(
    `insert into run (id, source_id, label, started_at, outcome, planned_calls, software_version) values ($1, $2, $3, $4, 'running', $5, $6)`,
    [id, sourceId, source.label, now, plan.calls, store.softwareVersion],
  )
  const isFirst = (await on.query('select from snapshot where source_id = $1 limit 1', [sourceId])).length === 0
  const settings = Buffer.from(settingsDigest(store, source, plan), 'hex')
  const [left] = await on.query<{ id: number; started_at: Date; settings: Buffer; callers: string }>(
    `select id, started_at, settings, callers from collection where source_id = $1 and state = 'open' for update`,
    [sourceId],
  )
  if (left !== undefined) {
    const age = now.getTime() - left.started_at.getTime()
    if (left.settings.equals(settings) && age >= 0 && age <= resumableMs) {
      const callers = mergeCallers(JSON.parse(left.callers) as Caller[], plan.callers)
      await on.execute('update collection set run_id = $2, callers = $3 where id = $1', [left.id, id, callers])
      return { collectionId: left.id, resumed: true, isFirst }
    }
    await discardJournal(on, left.id)
    await foldCalls(on, left.id)
    await on.execute(`update collection set state = 'discarded' where id = $1`, [left.id])
  }
  const [made] = await on.query<{ id: number }>(
    `insert into collection (source_id, run_id, started_at, settings, callers, state) values ($1, $2, $3, $4, $5, 'open') returning id`,
    [sourceId, id, now, settings, mergeCallers([], plan.callers)],
  )
  return { collectionId: made!.id, resumed: false, isFirst }
}

/** Keeps the parts that came to a good end. Others are taken out, so that what is not asked again does not stand as refused. */
async function resume(store: Store, collectionId: number, parts: RunParts): Promise<ReadonlySet<string>> {
  for await (const pieces of readJournal(store, collectionId, parts)) takeUp(parts, pieces)
  const done = new Set<string>()
  for (const index of [...parts.touched()]) {
    const coverage = parts.isEnded(index) ? parts.endOf(index).coverage : 'incomplete'
    if (coverage === 'denied' || coverage === 'incomplete') parts.forget(index)
    else done.add(parts.keyOf(index))
  }
  return done
}

/** What must be equal for rows of two runs to stand in one snapshot. */
function settingsDigest(store: Store, source: Source, plan: CollectionPlan): string {
  const steps = plan.steps
    .map(({ dataset, operation, place }) => `${dataset} ${operation} ${place.accountId} ${place.region}`)
    .sort()
  return digestOf({
    identity: { ...plan.identity },
    includePersonalData: source.includePersonalData,
    ...(source.includeUserExtensions ? { includeUserExtensions: true } : {}),
    softwareVersion: store.softwareVersion,
    steps: [...new Set(steps)],
  })
}

/** Callers of all runs that read for one snapshot, each once. */
function mergeCallers(before: readonly Caller[], now: readonly Caller[]): string {
  const byText = new Map([...before, ...now].map(caller => [canonicalJson(caller as unknown as Json), caller]))
  return canonicalJson([...byText.values()] as unknown as Json)
}

async function interrupt(store: Store, state: RunState, session: pg.Client, id: string): Promise<void> {
  await state.sealing?.catch(() => {})
  if (state.phase === 'over') return
  try {
    await query(store.db, `update run set outcome = 'interrupted', ended_at = $2 where id = $1 and outcome = 'running'`, [
      id,
      store.now(),
    ])
  } catch (error) {
    store.log.warn('the interrupted run could not be recorded; the next run will', { run: id, error })
  } finally {
    await close(state, session)
  }
}

async function busy(store: Store, source: Source, sourceId: number): Promise<StoreError> {
  const [holder] = await query<{ name: string; since: Date; pid: number; address: string | null }>(
    store.db,
    `select a.application_name as name, a.backend_start as since, a.pid, host(a.client_addr) as address
     from pg_locks l join pg_stat_activity a on a.pid = l.pid join pg_database d on d.oid = l.database
     where d.datname = current_database() and l.locktype = 'advisory' and l.classid = $1::int and l.objid = $2 and l.granted`,
    [lockSpaces.source, sourceId],
  )
  const who =
    holder === undefined
      ? 'another process'
      : `${holder.name}${holder.address === null ? '' : ` at ${holder.address}`}, since ${holder.since.toISOString()},`
  return new StoreError('SOURCE_BUSY', `${who} is collecting ${source.label} at this moment`, { hint: 'wait until it is done' })
}
