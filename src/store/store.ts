import type pg from 'pg'
import type { Log } from '../log.ts'
import { appRole, grantAppRole } from './app-role.ts'
import { connectAlone, type Database, openDatabase, query } from './database.ts'
import { type EmbeddedServer, openEmbedded } from './embedded.ts'
import { StoreError, storeError } from './error.ts'
import { applyMigrations, checkSchema } from './migrations.ts'

/** Which database to open, and what the store takes from outside. */
export interface StoreOptions {
  /** of a PostgreSQL 15 or newer; null: the embedded server in `dataDir` */
  readonly url: string | null
  readonly dataDir: string
  readonly log: Log
  readonly now: () => Date
  readonly softwareVersion: string
  /** as pg_stat_activity shows it; `evidenced` when left out */
  readonly applicationName?: string
}

/** An open store. What is in it belongs to this room; others hand it to the functions of the door and dispose it. */
export interface Store extends AsyncDisposable {
  readonly kind: 'embedded' | 'external'
  readonly db: Database
  readonly log: Log
  readonly now: () => Date
  readonly softwareVersion: string
  /** name of the newest migration */
  readonly schema: string
}

const oldestServer = 150000

/**
 * Opens the store. The embedded server is made on first use, started or joined, and migrated; disposing stops it when no
 * other process uses it. An external server is connected to and its schema checked.
 * @throws {StoreError} DATABASE_UNREACHABLE, DATABASE_REFUSED, DATABASE_UNSUITABLE, SCHEMA_OLDER, SCHEMA_NEWER,
 *   EMBEDDED_NOT_AVAILABLE, EMBEDDED_FAILED, EMBEDDED_VERSION, DATA_DIR_NOT_WRITABLE, DISK_FULL
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { db, embedded, close } = await connectTo(options)
  try {
    if (embedded !== null) await applyMigrations(db)
    const schema = await checkSchema(db)
    const { log, now, softwareVersion } = options
    return {
      kind: embedded === null ? 'external' : 'embedded',
      db,
      log,
      now,
      softwareVersion,
      schema,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw storeError(error, db.where)
  }
}

/**
 * Brings the schema to this program's version. Safe when many processes do it together.
 * An external database gets the role that the program's own user should be a member of.
 * @returns names of the migrations that were applied by this call, oldest first; `role` is null for the embedded database, and where
 *   this user may not make one
 * @throws {StoreError} SCHEMA_NEWER and what `openStore` throws
 */
export async function migrate(
  options: StoreOptions,
): Promise<{ readonly applied: readonly string[]; readonly role: string | null }> {
  const { db, embedded, close } = await connectTo(options)
  try {
    const { applied } = await applyMigrations(db)
    return { applied, role: embedded === null && (await grantAppRole(db)) ? appRole : null }
  } finally {
    await close()
  }
}

/** Connects, and starts or joins the embedded server; the schema is neither looked at nor changed. */
export async function connectTo(
  options: StoreOptions,
): Promise<{ db: Database; embedded: EmbeddedServer | null; close: () => Promise<void> }> {
  const embedded = options.url === null ? await openEmbedded(options.dataDir, options.log) : null
  const db = embedded === null ? externalDatabase(options) : embeddedDatabase(embedded, options)
  let closing: Promise<void> | null = null
  const close = () => {
    closing ??= (async () => {
      // connections end a moment after the pool: that the server goes with the last of us is no loss
      db.pool.removeAllListeners('error').on('error', () => {})
      await db.pool.end()
      await embedded?.[Symbol.asyncDispose]()
    })()
    return closing
  }
  try {
    await checkServer(db)
  } catch (error) {
    await close()
    throw error
  }
  return { db, embedded, close }
}

function embeddedDatabase(server: EmbeddedServer, options: StoreOptions): Database {
  const { host, user, database } = server
  const config: pg.ClientConfig = {
    host,
    user,
    database,
    application_name: options.applicationName ?? 'evidenced',
    connectionTimeoutMillis: 10_000,
  }
  return openDatabase(config, `${options.dataDir} (embedded)`, options.log, () => server.revive())
}

function externalDatabase(options: StoreOptions): Database {
  const url = options.url!
  const config: pg.ClientConfig = {
    connectionString: url,
    application_name: options.applicationName ?? 'evidenced',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  }
  return openDatabase(config, whereOf(url), options.log, null)
}

/** Host, port and database of a URL, never its password. */
function whereOf(text: string): string {
  if (!URL.canParse(text)) return 'database.url'
  const url = new URL(text)
  return `${url.searchParams.get('host') ?? decodeURIComponent(url.host)}${url.pathname}`
}

async function checkServer(db: Database): Promise<void> {
  // outside the pool: a refused first connection must not be hidden by a pool that tries again
  const probe = await connectAlone(db)
  await probe.end().catch(() => {})
  const [server] = await query<{ version: number; name: string; encoding: string }>(
    db,
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as name, current_setting('server_encoding') as encoding`,
  )
  if (server!.version < oldestServer) {
    throw new StoreError(
      'DATABASE_UNSUITABLE',
      `the database at ${db.where} is PostgreSQL ${server!.name}, this program needs 15 or newer`,
      {
        hint: 'set database.url to a newer server, or leave it out for the embedded one',
      },
    )
  }
  if (server!.encoding !== 'UTF8') {
    throw new StoreError(
      'DATABASE_UNSUITABLE',
      `the database at ${db.where} is encoded in ${server!.encoding}, this program needs UTF8`,
      {
        hint: "create one with `create database evidenced encoding 'UTF8' template template0`",
      },
    )
  }
}
