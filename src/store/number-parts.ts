import type { Place } from '../model.ts'
import type { Copier } from './copier.ts'
import type { Connection } from './database.ts'
import { Numbers } from './numbers.ts'
import type { PartGroup, RunParts } from './run-parts.ts'
import type { Store } from './store.ts'

/** Makes datasets and places known that are new. */
export async function internPlaces(
  on: Connection,
  all: readonly { readonly dataset: string; readonly place: Place }[],
): Promise<void> {
  if (all.length === 0) return
  // each in its order and datasets first: two seals that meet new names wait for each other, and never in a circle
  await on.execute(
    `insert into dataset (name) select distinct name from unnest($1::text[]) as w (name)
     where not exists (select from dataset d where d.name = w.name) order by 1 on conflict do nothing`,
    [all.map(each => each.dataset)],
  )
  await on.execute(
    `insert into place (account_id, region) select distinct w.account_id, w.region from unnest($1::text[], $2::text[]) as w (account_id, region)
     where not exists (select from place l where l.account_id = w.account_id and l.region = w.region) order by 1, 2 on conflict do nothing`,
    [all.map(each => each.place.accountId), all.map(each => each.place.region)],
  )
}

/** Numbers of a dataset and its place in the database. */
export interface GroupNumbers {
  readonly datasetId: number
  readonly placeId: number
}

/**
 * Gives their numbers to the parts of a run that the database does not know; their rows are on their way with the copier then.
 * @returns numbers of each group that the run touched
 */
export async function numberParts(
  on: Connection,
  store: Store,
  sourceId: number,
  parts: RunParts,
  copier: Copier,
): Promise<ReadonlyMap<PartGroup, GroupNumbers>> {
  const touched = new Set<PartGroup>()
  for (const index of parts.touched()) touched.add(parts.groupOf(index))
  const groups = await numberGroups(on, [...touched])
  const rows = copier.table('part', ['id', 'source_id', 'dataset_id', 'place_id', 'parent'])
  const numbers = new Numbers(store, 'part')
  for (const index of parts.touched()) {
    if (parts.idOf(index) > 0) continue
    const { datasetId, placeId } = groups.get(parts.groupOf(index))!
    const id = await numbers.next()
    parts.setId(index, id)
    rows.row()
    for (const value of [id, sourceId, datasetId, placeId]) rows.int(value)
    rows.text(parts.parentOf(index))
    await copier.pass()
  }
  return groups
}

async function numberGroups(on: Connection, groups: readonly PartGroup[]): Promise<Map<PartGroup, GroupNumbers>> {
  await internPlaces(on, groups)
  const rows = await on.query<{ n: number; dataset_id: number; place_id: number }>(
    `select w.n::int, d.id as dataset_id, l.id as place_id
     from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (dataset, account_id, region, n)
     join dataset d on d.name = w.dataset join place l on l.account_id = w.account_id and l.region = w.region`,
    [groups.map(each => each.dataset), groups.map(each => each.place.accountId), groups.map(each => each.place.region)],
  )
  return new Map(rows.map(row => [groups[row.n - 1]!, { datasetId: row.dataset_id, placeId: row.place_id }]))
}
