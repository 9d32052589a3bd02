import { connectAlone, query } from './database.ts'
import { isUnreachable, storeError } from './error.ts'
import type { Store } from './store.ts'

/** What became of the dead rows that a disposal left. */
export interface Sweep {
  /** tables that were cleared of them */
  readonly swept: readonly string[]
  /** tables that were not, each with the reason */
  readonly left: readonly { readonly table: string; readonly why: string }[]
}

/** Where bodies, salts, what people wrote, and what was chosen of them stand. */
const tablesOfBodies = [
  'entity_version',
  'entity_salt',
  'result_version',
  'finding_version',
  'import_row',
  ...['finding_note', 'exception_event', 'exception_file', 'exception_register'],
  ...['disposal_choice', 'redaction_choice'],
] as const

/** Calls name no person, and are many: their space is enough. */
const tablesOf = { reuse: [...tablesOfBodies, 'call_chunk'], rewrite: tablesOfBodies } as const

/** A rewrite waits for readers of the table, and all others wait behind it. */
const lockTimeoutMs = 15_000

/**
 * Clears the files of the database of rows that a disposal left dead: to a transaction they are gone, in the files they stand until a vacuum,
 * which must be outside of any. Nothing here can fail a disposal that is done.
 * @param how `reuse`: their space is free for other rows, and their bytes stand there until some come; `rewrite`: the tables, and what the server
 *   knows of their values by sampling, are written anew without them, while nobody else may use them
 */
export async function sweepDisposed(store: Store, how: 'reuse' | 'rewrite'): Promise<Sweep> {
  const swept: string[] = []
  const left: { table: string; why: string }[] = []
  const rights = await query<{ name: string; may: boolean }>(store.db, mayVacuum, [tablesOf[how]])
  const client = await connectAlone(store.db)
  try {
    await client.query(`set lock_timeout = ${lockTimeoutMs}`)
    for (const { name, may } of rights) {
      if (!may) {
        left.push({ table: name, why: 'this database user may not vacuum it: let its owner run `vacuum full`' })
        continue
      }
      try {
        await client.query(`vacuum (${how === 'rewrite' ? 'full, analyze' : 'analyze'}) "${name}"`)
        swept.push(name)
      } catch (error) {
        if (isUnreachable(error)) throw error
        left.push({ table: name, why: (error as Error).message })
      }
    }
    // samples of values, of before; only the owner of the database may
    if (how === 'rewrite') {
      await client.query('vacuum full pg_catalog.pg_statistic').catch(() => {})
      await client.query('checkpoint').catch(() => {})
    }
  } catch (error) {
    throw storeError(error, store.db.where)
  } finally {
    await client.end().catch(() => {})
  }
  const [holding] = await query<{ count: number }>(store.db, olderTransactions)
  const why = 'another transaction was open that may still see them'
  return holding!.count === 0 ? { swept, left } : { swept: [], left: [...left, ...swept.map(table => ({ table, why }))] }
}

/** Owner of the table or of the database, superuser, or, from PostgreSQL 17 on, who was granted maintenance. */
const mayVacuum = `select c.relname as name, pg_has_role(c.relowner, 'usage') or pg_has_role(d.datdba, 'usage')
    or case when current_setting('server_version_num')::int >= 170000 then has_table_privilege(c.oid, 'maintain') else false end as may
  from pg_class c, pg_database d where d.datname = current_database() and c.relnamespace = current_schema()::regnamespace
    and c.relname = any ($1::text[]) order by array_position($1::text[], c.relname::text)`

const olderTransactions = `select count(*)::int as count from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and backend_xmin is not null`
