import type { Connection } from './database.ts'

/** A table that holds something worth keeping. */
export interface StoredTable {
  readonly name: string
  readonly columns: readonly string[]
  /** columns that number rows by themselves */
  readonly identities: readonly string[]
}

/** Every table of the schema that outlives a crash, parents before children; the list of migrations is not among them. */
export async function tablesOf(on: Pick<Connection, 'query'>): Promise<StoredTable[]> {
  const rows = await on.query<StoredTable & { readonly parents: readonly string[] }>(
    `select c.relname as name,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         order by a.attnum) as columns,
       array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attidentity <> '' order by a.attnum) as identities,
       array(select f.confrelid::regclass::text from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as parents
     from pg_class c
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
       and c.relname not like 'schema_migration%'
     order by c.relname collate "C"`,
  )
  const sorted: StoredTable[] = []
  const placed = new Set<string>()
  let left = rows
  while (left.length > 0) {
    const ready = left.filter(row => row.parents.every(parent => placed.has(parent.replaceAll('"', ''))))
    if (ready.length === 0) throw new Error(`tables refer to each other in a circle: ${left.map(row => row.name).join(', ')}`)
    for (const { parents: _, ...table } of ready) {
      sorted.push(table)
      placed.add(table.name)
    }
    left = left.filter(row => !placed.has(row.name))
  }
  return sorted
}
