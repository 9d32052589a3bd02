import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../log.ts'
import { type Cluster, findCluster, lastLines, makeCluster, notWritable, superuser } from './cluster.ts'
import { isUnreachable, StoreError, storeError } from './error.ts'
import { lockSpaces } from './locks.ts'
import { patienceMs, startServer, stopServer } from './postmaster.ts'

/** A running embedded server, and our presence in it. Disposing stops the server when nobody else is present. */
export interface EmbeddedServer extends AsyncDisposable {
  /** folder of the server's socket: the `host` of a connection */
  readonly host: string
  readonly user: string
  readonly database: string
  /** starts the server again after it died; cheap when it lives */
  revive(): Promise<void>
}

const database = 'evidenced'

/**
 * Starts the server in `dataDir`, or joins the one that another process started: made on first use, as root under another user.
 * @param dataDir folder of ours; the server's files go to `postgres` in it, its log to `postgres.log`
 * @throws {StoreError} EMBEDDED_NOT_AVAILABLE, EMBEDDED_FAILED, EMBEDDED_VERSION, DATA_DIR_NOT_WRITABLE, DISK_FULL
 */
export async function openEmbedded(dataDir: string, log: Log): Promise<EmbeddedServer> {
  const cluster = await findCluster(dataDir)
  let presence = await enter(cluster, log)
  let reviving: Promise<void> | null = null
  await makeDatabase(cluster)
  return {
    host: cluster.host,
    user: superuser,
    database,
    revive() {
      reviving ??= (async () => {
        try {
          if (await answers(presence)) return
          log.warn('embedded database is gone; starting it again', { dataDir })
          await presence.end().catch(() => {})
          presence = await enter(cluster, log)
        } finally {
          reviving = null
        }
      })()
      return reviving
    },
    async [Symbol.asyncDispose]() {
      await reviving?.catch(() => {})
      await leave(presence, cluster, log)
    },
  }
}

/** Connects and takes the shared lock that says "somebody is here", making and starting the server where needed. */
async function enter(cluster: Cluster, log: Log): Promise<pg.Client> {
  const deadline = Date.now() + patienceMs
  await makeCluster(cluster)
  for (;;) {
    const client = new pg.Client({
      host: cluster.host,
      user: superuser,
      database: 'postgres',
      application_name: 'evidenced presence',
      connectionTimeoutMillis: 10_000,
    })
    client.on('error', () => {})
    let failure: unknown = null
    try {
      await client.connect()
      const { rows } = await client.query<{ joined: boolean }>('select pg_try_advisory_lock_shared($1, 0) as joined', [
        lockSpaces.presence,
      ])
      if (rows[0]!.joined) return client
      // the last one out is about to stop it
      failure = new Error('the embedded database is being stopped')
    } catch (error) {
      failure = error
    }
    await client.end().catch(() => {})
    if (!(failure instanceof Error) || Date.now() > deadline) throw await startFailed(cluster, failure)
    const code = 'code' in failure ? failure.code : null
    if (code === 'EACCES') throw notWritable(cluster.host, failure)
    if (code === 'ENOENT' || code === 'ECONNREFUSED') await startServer(cluster, log)
    else if (code === null || isUnreachable(failure)) await sleep(20)
    else throw storeError(failure, cluster.folder)
  }
}

async function makeDatabase(cluster: Cluster): Promise<void> {
  const client = new pg.Client({ host: cluster.host, user: superuser, database: 'postgres' })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query('select from pg_database where datname = $1', [database])
    if (rows.length === 0) await client.query(`create database ${database}`)
  } catch (error) {
    // 42P04, 23505: another process made it at this moment
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : ''
    if (code !== '42P04' && code !== '23505') throw storeError(error, cluster.folder)
  } finally {
    await client.end().catch(() => {})
  }
}

/** The last one out stops the server: who gets the exclusive lock is alone, and nobody joins while it is held. */
async function leave(presence: pg.Client, cluster: Cluster, log: Log): Promise<void> {
  try {
    await presence.query('select pg_advisory_unlock_shared($1, 0)', [lockSpaces.presence])
    const { rows } = await presence.query<{ alone: boolean }>('select pg_try_advisory_lock($1, 0) as alone', [
      lockSpaces.presence,
    ])
    if (!rows[0]!.alone) return
    await stopServer(cluster, log)
  } catch (error) {
    log.debug('embedded database could not be stopped', { cluster: cluster.folder, error })
  } finally {
    await presence.end().catch(() => {})
  }
}

async function answers(client: pg.Client): Promise<boolean> {
  return client.query('select 1').then(
    () => true,
    () => false,
  )
}

async function startFailed(cluster: Cluster, cause: unknown): Promise<StoreError> {
  if (cause instanceof StoreError) return cause
  const text = await readFile(cluster.logFile, 'utf8').catch(() => '')
  return new StoreError(
    'EMBEDDED_FAILED',
    `the embedded database did not answer within ${patienceMs / 1000} s: ${(cause as Error).message}. ${lastLines(text)}`,
    {
      hint: `see ${cluster.logFile}`,
      cause,
    },
  )
}
