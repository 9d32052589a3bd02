import { query } from './database.ts'
import type { Store } from './store.ts'

/** How large one table is, and how fast it grows. */
export interface TableStats {
  readonly name: string
  /** as the server estimates them; counted where it never did, which it does soon after a table has grown */
  readonly rows: number
  /** rows and out-of-line values */
  readonly sizeBytes: number
  readonly indexBytes: number
  /** rows that are gone and stand in the files until a vacuum, as the server counts them */
  readonly deadRows: number
  /** rows added in `StoreStats.days`, the first snapshot of a source not counted; null where rows have no date */
  readonly added: number | null
  /** of `added`, at the size that a row has here; null while nothing can be said */
  readonly bytesPerDay: number | null
}

/** Sizes and growth of the database. */
export interface StoreStats {
  /** of the whole database, with what the server keeps for itself */
  readonly sizeBytes: number
  /** days that growth is measured over, at most 30; null while the first snapshot is younger than a day */
  readonly days: number | null
  /** sum over tables; null while nothing can be said */
  readonly bytesPerDay: number | null
  /** largest first */
  readonly tables: readonly TableStats[]
}

const dayMs = 86_400_000

/** Sizes of every table, and growth a day, measured over the rows of the last 30 days. */
export async function storeStats(store: Store): Promise<StoreStats> {
  const [whole] = await query<{ size: number; first: Date | null }>(
    store.db,
    'select pg_database_size(current_database())::float8 as size, (select min(sealed_at) from snapshot) as first',
  )
  const rows = await query<TableRow>(
    store.db,
    `select c.relname as name, c.reltuples::float8 as rows, pg_table_size(c.oid)::float8 as size, pg_indexes_size(c.oid)::float8 as indexes,
       coalesce(pg_stat_get_dead_tuples(c.oid), 0)::float8 as dead,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
     from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
     order by pg_total_relation_size(c.oid) desc, c.relname collate "C"`,
  )
  const age = whole!.first === null ? 0 : (store.now().getTime() - whole!.first.getTime()) / dayMs
  const days = age < 1 ? null : Math.min(30, age)
  const since = days === null ? null : new Date(store.now().getTime() - days * dayMs)
  const tables: TableStats[] = []
  for (const { name, rows: estimated, size, indexes, dead, columns } of rows) {
    const estimate = estimated < 0 ? await countOf(store, name) : estimated
    const added = since === null ? null : await addedSince(store, name, columns, since)
    const perRow = (size + indexes) / Math.max(estimate, added ?? 0, 1)
    const bytesPerDay = added === null || days === null ? null : Math.round((added * perRow) / days)
    tables.push({ name, rows: estimate, sizeBytes: size, indexBytes: indexes, deadRows: dead, added, bytesPerDay })
  }
  const bytesPerDay = days === null ? null : tables.reduce((sum, table) => sum + (table.bytesPerDay ?? 0), 0)
  return { sizeBytes: whole!.size, days, bytesPerDay, tables }
}

interface TableRow {
  readonly name: string
  readonly rows: number
  readonly size: number
  readonly indexes: number
  readonly dead: number
  readonly columns: readonly string[]
}

async function countOf(store: Store, table: string): Promise<number> {
  const [found] = await query<{ count: number }>(store.db, `select count(*)::float8 as count from "${table}"`)
  return found!.count
}

/** What dates a row, by the columns that a table has; the first that fits. */
const dates: readonly (readonly [columns: readonly string[], condition: string])[] = [
  [
    ['source_id', 'from_version'],
    '(t.source_id, t.from_version) in (select source_id, version from snapshot where sealed_at > $1 and version > 1)',
  ],
  [['from_evaluation'], 't.from_evaluation in (select id from evaluation where evaluated_at > $1 and id > 1)'],
  [['source_id', 'version'], '(t.source_id, t.version) in (select source_id, version from snapshot where sealed_at > $1)'],
  [['collection_id', 'body'], 't.collection_id in (select id from collection where started_at > $1)'],
  [['evaluation_id'], 't.evaluation_id in (select id from evaluation where evaluated_at > $1)'],
  [['import_id'], 't.import_id in (select id from import_file where imported_at > $1)'],
  ...['sealed_at', 'evaluated_at', 'imported_at', 'issued_at', 'claimed_at', 'at', 'started_at', 'created_at'].map(
    column => [[column], `t.${column} > $1`] as const,
  ),
]

async function addedSince(store: Store, table: string, columns: readonly string[], since: Date): Promise<number | null> {
  const fitting = dates.find(([needed]) => needed.every(column => columns.includes(column)))
  if (fitting === undefined) return null
  const [found] = await query<{ count: number }>(
    store.db,
    `select count(*)::float8 as count from "${table}" t where ${fitting[1]}`,
    [since],
  )
  return found!.count
}
