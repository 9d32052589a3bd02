import { readdir, readFile } from 'node:fs/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { type Connection, connectAlone, type Database, query } from './database.ts'
import { StoreError, storeError } from './error.ts'
import { lockSpaces } from './locks.ts'

/** The package's own migrations: beside `src/` as beside `dist/`. */
const folder = new URL('../../migrations/', import.meta.url)
const table = 'schema_migration'

/**
 * Applies the migrations that are missing, each once, all in one transaction. Any number of processes may do so together:
 * an advisory lock lets one work, the others find nothing left to do.
 * @param upTo names that are to be there and no further one; left out: all
 * @returns names of the migrations that this call applied
 * @throws {StoreError} SCHEMA_NEWER when the database knows a migration that this program does not
 */
export async function applyMigrations(
  db: Database,
  upTo: readonly string[] | null = null,
): Promise<{ readonly applied: string[] }> {
  const lock = await connectAlone(db)
  try {
    await lock.query('select pg_advisory_lock($1, 0)', [lockSpaces.migration])
    await refuseNewer(db)
    const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: db.pool }) })
    const migrator = new Migrator({
      db: kysely,
      provider: {
        getMigrations: async () =>
          Object.fromEntries(Object.entries(await readMigrations()).filter(([name]) => upTo?.includes(name) ?? true)),
      },
      migrationTableName: table,
      migrationLockTableName: `${table}_lock`,
      // several lines of work add migrations at the same time, and each stands alone
      allowUnorderedMigrations: true,
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) throw error
    return { applied: (results ?? []).filter(one => one.status === 'Success').map(one => one.migrationName) }
  } catch (error) {
    throw storeError(error, db.where)
  } finally {
    await lock.end().catch(() => {})
  }
}

/**
 * Refuses a database whose schema is not the one that this program was written for.
 * @returns name of the newest migration
 * @throws {StoreError} SCHEMA_OLDER, SCHEMA_NEWER
 */
export async function checkSchema(db: Database): Promise<string> {
  const executed = await refuseNewer(db)
  const known = await knownMigrations()
  const missing = known.filter(name => !executed.includes(name))
  if (missing.length > 0) {
    const found = executed.length === 0 ? 'has no schema of this program yet' : `stands at ${executed.at(-1)}`
    throw new StoreError('SCHEMA_OLDER', `the database at ${db.where} ${found}, this program needs ${known.at(-1)}`, {
      hint: 'run `evidenced migrate`',
    })
  }
  return known.at(-1)!
}

/** Names of the migrations that a database has seen, oldest first. */
export async function executedMigrations(on: Pick<Connection, 'query'>): Promise<string[]> {
  return (await on.query<{ name: string }>(`select name from ${table} order by name collate "C"`)).map(row => row.name)
}

async function refuseNewer(db: Database): Promise<string[]> {
  const [found] = await query<{ present: boolean }>(db, 'select to_regclass($1) is not null as present', [table])
  if (!found!.present) return []
  const executed = await executedMigrations({ query: (text, values) => query(db, text, values) })
  const known = await knownMigrations()
  const unknown = executed.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    throw new StoreError(
      'SCHEMA_NEWER',
      `the database at ${db.where} knows ${unknown.join(', ')}, this program ends at ${known.at(-1)}`,
      {
        hint: 'use the version of evidenced that migrated it, or a newer one',
      },
    )
  }
  return executed
}

/** Names of this program's migrations, oldest first. */
export async function knownMigrations(): Promise<string[]> {
  const files = await readdir(folder)
  return files
    .filter(file => file.endsWith('.sql'))
    .map(file => file.slice(0, -'.sql'.length))
    .sort()
}

async function readMigrations(): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {}
  for (const name of await knownMigrations()) {
    const text = await readFile(new URL(`${name}.sql`, folder), 'utf8')
    migrations[name] = { up: async db => void (await sql.raw(text).execute(db)) }
  }
  return migrations
}
