import type { Facts, Place } from '../model.ts'
import { query } from './database.ts'
import { edgeKindOf } from './edge.ts'
import type { OpenRun } from './run.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/**
 * Rows of a dataset of edges that still hold, by the parent of their part: as they were last shown, and what was not seen since
 * and is not gone.
 */
export async function heldRows(run: OpenRun, dataset: string, place: Place): Promise<ReadonlyMap<string, number>> {
  const kind = edgeKindOf(dataset)
  if (kind === null) return new Map()
  const rows = await query<{ parent: string; count: number }>(
    run.store.db,
    `select p.parent, count(*)::int as count
     from ${kind}_version v join part p on p.id = v.part_id
     where v.source_id = $1 and v.to_version = ${stillHolds} and p.source_id = $1
       and p.dataset_id = (select id from dataset where name = $2)
       and p.place_id = (select id from place where account_id = $3 and region = $4)
     group by p.parent`,
    [run.sourceId, dataset, place.accountId, place.region],
  )
  return new Map(rows.map(row => [row.parent, row.count]))
}

/**
 * The accounts that permission sets were provisioned in when that was last known, and whether `organizations.accounts` shows them still: one that
 * left may hold its pairs all the same. In their order.
 */
export async function accountsWithPairs(store: Store, source: string): Promise<ReadonlyMap<string, boolean>> {
  const rows = await query<{ account_id: string; is_listed: boolean }>(
    store.db,
    `with held as (
       select d.name as dataset, k.key from entity_version v join entity e on e.id = v.entity_id join resource_key k on k.id = e.key_id
         join dataset d on d.id = e.dataset_id
       where v.source_id = (select id from source where label = $1) and e.source_id = v.source_id and v.to_version = ${stillHolds}
         and d.name in ('sso.provisioned_accounts', 'organizations.accounts')
     )
     select p.account_id, l.key is not null as is_listed
     from (select distinct substr(key, strpos(key, '|') + 1) as account_id from held where dataset = 'sso.provisioned_accounts') p
     left join held l on l.dataset = 'organizations.accounts' and l.key = p.account_id
     order by p.account_id collate "C"`,
    [source],
  )
  return new Map(rows.map(row => [row.account_id, row.is_listed]))
}

/** Rows that a run has staged of a dataset, by the parent of their part; of parts that came to their end. */
export function stagedRows({ state: { parts } }: OpenRun, dataset: string, place: Place): ReadonlyMap<string, number> {
  const staged = new Map<string, number>()
  const group = parts.groups.find(
    each => each.dataset === dataset && each.place.accountId === place.accountId && each.place.region === place.region,
  )
  for (const index of parts.touched())
    if (parts.isEnded(index) && parts.groupOf(index) === group) staged.set(parts.parentOf(index), parts.rowsOf(index))
  return staged
}

/**
 * Facts of a dataset of a source that still hold, by key; the last known of what was not seen since. Facts that are not those of their
 * digest are left out, so that a changed row is not sealed anew. Of datasets whose rows are few: all of them come at once.
 */
export async function keptFacts(store: Store, source: string, dataset: string): Promise<ReadonlyMap<string, Facts>> {
  const rows = await query<{ key: string; body: string }>(
    store.db,
    `select k.key, v.body from entity_version v join entity e on e.id = v.entity_id join resource_key k on k.id = e.key_id
       join entity_salt t on t.entity_id = v.entity_id
     where v.source_id = (select id from source where label = $1) and e.source_id = v.source_id and v.to_version = ${stillHolds}
       and e.dataset_id = (select id from dataset where name = $2) and sha256(t.salt || convert_to(v.body, 'UTF8')) = v.digest`,
    [source, dataset],
  )
  return new Map(rows.map(row => [row.key, JSON.parse(row.body) as Facts]))
}
