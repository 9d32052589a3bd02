import pg from 'pg'
import type { Log } from '../log.ts'
import { type CopyValue, copyBytes, copyRows } from './copy.ts'
import { isUnreachable, storeError } from './error.ts'

/** How to reach one database. `where` names it for people and holds no password. */
export interface Database {
  readonly where: string
  readonly config: pg.ClientConfig
  readonly pool: pg.Pool
  /** brings an embedded server back after it died; null for a server that is not ours */
  readonly revive: (() => Promise<void>) | null
}

/** One connection, for the statements that belong together. */
export interface Connection {
  /** rows of one statement */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** number of rows that one statement changed */
  execute(text: string, values?: readonly unknown[]): Promise<number>
  /** rows sent by binary COPY: numbers as int4, strings as text, bytes as bytea */
  copy(table: string, columns: readonly string[], rows: Iterable<readonly CopyValue[]>): Promise<void>
  /** the same of rows that are encoded already, as `CopyRows` does */
  copyBytes(table: string, columns: readonly string[], bytes: Buffer): Promise<void>
}

/** The pool with what every connection of ours needs. No network yet. */
export function openDatabase(config: pg.ClientConfig, where: string, log: Log, revive: (() => Promise<void>) | null): Database {
  const onConnect = async (client: pg.ClientBase) => {
    client.on('error', () => {})
    await client.query(sessionSettings)
  }
  const pool = new pg.Pool({ ...config, max: 8, idleTimeoutMillis: 30_000, onConnect })
  // without this handler a server that stops takes the process with it
  const tell = lossTeller(where, log, revive !== null)
  // one that stops while its last connections are being closed takes nothing from anybody
  pool.on('error', error => (pool.ending ? undefined : tell(error)))
  return { where, config, pool, revive }
}

/** A server that stops ends every idle connection at once: that is one event, told once. */
function lossTeller(where: string, log: Log, isOurs: boolean): (error: Error) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return error => {
    const now = performance.now()
    if (now - toldAt < oneEventMs) return
    toldAt = now
    const wasStopped = 'code' in error && error.code === '57P01'
    if (!wasStopped) return void log.warn('database connection lost', { database: where, error })
    const next = isOurs ? 'it is started again when it is needed' : 'the next question connects again'
    log.warn('database was stopped', { database: where, next })
  }
}

const oneEventMs = 1000

/** Dates are read as ISO text whatever the server's default is; a dead peer is noticed in a minute, not in two hours. */
const sessionSettings =
  "set datestyle = 'ISO'; set timezone = 'UTC'; set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3"

/** One statement on any connection. */
export async function query<Row extends object>(db: Database, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return withClient(db, client => connection(db, client).query<Row>(text, values))
}

/** Runs the work in one transaction, `begin` to `commit`; any error rolls it back and is thrown as a StoreError. */
export async function transaction<T>(db: Database, work: (on: Connection) => Promise<T>): Promise<T> {
  return withClient(db, client => transactionOn(db, client, work))
}

/** The same on a connection that is held already. */
export async function transactionOn<T>(db: Database, client: pg.ClientBase, work: (on: Connection) => Promise<T>): Promise<T> {
  try {
    await client.query('begin')
    const result = await work(connection(db, client))
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw storeError(error, db.where)
  }
}

/** Rows of one statement in batches, through a cursor, so that memory holds one batch. Breaking off early closes it. */
export async function* streamRows<Row extends object>(
  db: Database,
  text: string,
  values: readonly unknown[],
  batchSize = 1000,
): AsyncGenerator<Row[]> {
  const client = await acquire(db)
  let broken = true
  try {
    await client.query('begin read only')
    await client.query(`declare batch no scroll cursor for ${text}`, [...values])
    for (;;) {
      const { rows } = await client.query<Row>(`fetch ${batchSize} from batch`)
      if (rows.length > 0) yield rows
      if (rows.length < batchSize) break
    }
    broken = false
  } catch (error) {
    throw storeError(error, db.where)
  } finally {
    // an unfinished reader leaves its transaction to the rollback; a failed rollback means that the connection is gone
    const clean = await client.query(broken ? 'rollback' : 'commit').then(
      () => true,
      () => false,
    )
    client.release(!clean)
  }
}

/**
 * Rows of one statement in batches within a transaction, which goes on beside them: they are as they were when it was asked. Joined
 * without nested loops, since of what the transaction wrote itself the planner knows nothing.
 * @param text without parameters
 */
export async function* cursorRows<Row extends object>(on: Connection, text: string, batchSize = 1000): AsyncGenerator<Row[]> {
  await on.execute('set local enable_nestloop = off')
  await on.execute(`declare passing no scroll cursor for ${text}`)
  await on.execute('set local enable_nestloop = on')
  for (;;) {
    const rows = await on.query<Row>(`fetch ${batchSize} from passing`)
    if (rows.length > 0) yield rows
    if (rows.length < batchSize) break
  }
  await on.execute('close passing')
}

/** A connection that sees the database as of one instant. */
export async function atOneInstant<T>(db: Database, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return withClient(db, async client => {
    try {
      await client.query('begin isolation level repeatable read read only')
      return await work(client)
    } catch (error) {
      throw storeError(error, db.where)
    } finally {
      await client.query('rollback').catch(() => {})
    }
  })
}

export function connection(db: Database, client: pg.ClientBase): Connection {
  const run = async <Row extends object>(text: string, values: readonly unknown[]) => {
    try {
      return await client.query<Row>(text, [...values])
    } catch (error) {
      throw storeError(error, db.where)
    }
  }
  return {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => (await run<Row>(text, values)).rows,
    execute: async (text, values = []) => (await run(text, values)).rowCount ?? 0,
    copy: async (table, columns, rows) => {
      try {
        await copyRows(client, table, columns, rows)
      } catch (error) {
        throw storeError(error, db.where)
      }
    },
    copyBytes: async (table, columns, bytes) => {
      try {
        await copyBytes(client, table, columns, bytes)
      } catch (error) {
        throw storeError(error, db.where)
      }
    },
  }
}

/** A connection outside the pool, for a lock that lives as long as its session. */
export async function connectAlone(db: Database): Promise<pg.Client> {
  const connect = async () => {
    const client = new pg.Client(db.config)
    client.on('error', () => {})
    await client.connect()
    await client.query(sessionSettings)
    // a long statement of a process that was killed must not hold its lock until it is done; servers on some systems cannot notice
    await client.query('set client_connection_check_interval = 1000').catch(() => {})
    return client
  }
  return reviving(db, connect)
}

async function withClient<T>(db: Database, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await acquire(db)
  let failure: unknown
  try {
    return await work(client)
  } catch (error) {
    failure = error
    throw error
  } finally {
    client.release(isUnreachable(failure))
  }
}

async function acquire(db: Database): Promise<pg.PoolClient> {
  return reviving(db, () => db.pool.connect())
}

async function reviving<T>(db: Database, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect()
  } catch (error) {
    if (db.revive === null || !isUnreachable(error)) throw storeError(error, db.where)
    await db.revive()
    return connect().catch(again => {
      throw storeError(again, db.where)
    })
  }
}
