import type { Counts, Facts } from '../model.ts'
import { query } from './database.ts'
import type { Store } from './store.ts'

/**
 * Rows per dataset of a source, and per dataset in one account (as `dataset accountId`), when it was last read to its end, or when somebody confirmed that it really is so much smaller
 * (a `confirmation` in the ledger names source, version and datasets). What was incomplete otherwise is no measure.
 */
export async function baselineCounts(store: Store, source: string): Promise<Counts> {
  const entries = await query<{ payload: string }>(
    store.db,
    `select payload from ledger where kind = 'confirmation' order by position`,
    [],
  )
  const confirmed = entries
    .map(entry => JSON.parse(entry.payload) as Facts)
    .filter(payload => payload.source === source)
    .flatMap(payload => (payload.datasets as readonly string[]).map(dataset => `${dataset} ${payload.version}`))
  const rows = await query<{ name: string; count: number }>(
    store.db,
    `select distinct on (w.name, w.account_id) w.name || coalesce(' ' || w.account_id, '') as name, w.count
     from (
       select d.name, l.account_id, y.version, sum(y.count)::int as count
       from dataset_summary y join dataset d on d.id = y.dataset_id join source o on o.id = y.source_id join place l on l.id = y.place_id
       where o.label = $1
       group by grouping sets ((d.name, y.version), (d.name, l.account_id, y.version))
       having bool_and(y.coverage in ('complete', 'complete_with_changes')) or d.name || ' ' || y.version = any($2::text[])
     ) w
     order by w.name, w.account_id, w.version desc`,
    [source, confirmed],
  )
  return Object.fromEntries(rows.map(row => [row.name, row.count]))
}
