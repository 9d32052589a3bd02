import type { Place } from '../model.ts'
import { query } from './database.ts'
import { edgeKindOf } from './edge.ts'
import type { OpenRun } from './run.ts'
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

/** Rows that a run has staged of a dataset, by the parent of their part; of parts that came to their end. */
export function stagedRows({ state: { parts } }: OpenRun, dataset: string, place: Place): ReadonlyMap<string, number> {
  const staged = new Map<string, number>()
  for (const group of parts.groups) {
    if (group.dataset !== dataset || group.place.accountId !== place.accountId || group.place.region !== place.region) continue
    for (const [parent, index] of group.byParent) if (parts.isEnded(index)) staged.set(parent, parts.rowsOf(index))
  }
  return staged
}
