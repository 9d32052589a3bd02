import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { connectAlone, query } from './database.ts'
import { StoreError } from './error.ts'
import { lockSpaces } from './locks.ts'
import type { Store } from './store.ts'

const patienceMs = 2000
const againMs = 5000
/** longest name that the server keeps of a session. @see https://www.postgresql.org/docs/18/runtime-config-logging.html#GUC-APPLICATION-NAME */
const longestName = 63

/**
 * Makes this process the one daemon of an embedded database, until it is disposed of or dies; commands that end by themselves are not
 * concerned. Daemons on an external database share its work, and nothing is held.
 * @throws {StoreError} DAEMON_RUNNING when another process is it, with its pid, host and begin
 */
export async function becomeOnlyDaemon(store: Store): Promise<AsyncDisposable> {
  if (store.kind === 'external') return { async [Symbol.asyncDispose]() {} }
  const deadline = performance.now() + patienceMs
  let session = await take(store)
  // the server notices after a moment that a process was killed
  while (session === null && performance.now() < deadline) {
    await sleep(100)
    session = await take(store)
  }
  if (session === null) throw await running(store)
  return keep(store, session)
}

/** Null: another session has it. */
async function take(store: Store): Promise<pg.Client | null> {
  const client = await connectAlone(store.db)
  try {
    const name = `daemon ${process.pid} on ${hostname()}`.slice(0, longestName)
    await client.query(`select set_config('application_name', $1, false)`, [name])
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, 0) as taken', [lockSpaces.daemon])
    if (rows[0]!.taken) return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
  await client.end()
  return null
}

/** Takes it again when the server died and was started again, or when another that was faster has ended. */
function keep(store: Store, first: pg.Client): AsyncDisposable {
  const over = new AbortController()
  let session: pg.Client | null = first
  let taking: Promise<void> = Promise.resolve()
  const takeAgain = async (): Promise<void> => {
    session = null
    while (!over.signal.aborted && session === null) {
      session = await take(store).catch(() => null)
      if (session === null) await sleep(againMs, null, { signal: over.signal }).catch(() => {})
    }
    if (session !== null) watch(session)
  }
  const watch = (client: pg.Client) =>
    client.once('end', () => {
      if (!over.signal.aborted) taking = takeAgain()
    })
  watch(first)
  return {
    async [Symbol.asyncDispose]() {
      over.abort()
      await taking
      await session?.end().catch(() => {})
    },
  }
}

async function running(store: Store): Promise<StoreError> {
  const [holder] = await query<{ name: string; since: Date }>(
    store.db,
    `select a.application_name as name, a.backend_start as since from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.database = (select oid from pg_database where datname = current_database()) and l.locktype = 'advisory'
       and l.classid = $1::int and l.objid = 0 and l.granted`,
    [lockSpaces.daemon],
  )
  const [, pid, host] = /^daemon (\d+) on (.*)$/.exec(holder?.name ?? '') ?? []
  const who = pid === undefined ? 'another process' : `process ${pid} on ${host}, since ${holder!.since.toISOString()},`
  return new StoreError('DAEMON_RUNNING', `${who} is the daemon on ${store.db.where}`, {
    hint: 'end that process first, or give this one a dataDir of its own; on a database of yours (database.url) several may run',
  })
}
