import type { Coverage, Place, UnreadPart } from '../model.ts'
import { query } from './database.ts'
import { datasetKey } from './dataset-summary.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/** When a part was not read completely, in versions of its source. */
export interface UnreadInterval extends UnreadPart {
  readonly partId: number
  readonly from: number
  readonly to: number
}

/** Parts of a source that some snapshot from version `from` to version `to` could not read completely. */
export async function unreadIntervals(
  store: Store,
  { sourceId, source }: { readonly sourceId: number; readonly source: string },
  from: number,
  to: number,
): Promise<UnreadInterval[]> {
  const rows = await query<Row>(
    store.db,
    `select o.part_id, o.from_version, o.to_version, d.name as dataset, l.account_id, l.region, p.parent, o.coverage, o.reason
     from open_part_version o join part p on p.id = o.part_id join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id
     where o.source_id = $1 and o.from_version <= $3 and o.to_version > $2
     order by d.name, l.account_id, l.region, p.parent, o.from_version`,
    [sourceId, from, to],
  )
  return rows.map(row => ({
    ...{ source, version: Math.min(to, row.to_version - 1), dataset: row.dataset, parent: row.parent },
    ...{ place: { accountId: row.account_id, region: row.region }, coverage: row.coverage, reason: row.reason },
    ...{ partId: row.part_id, from: row.from_version, to: row.to_version },
  }))
}

interface Row {
  readonly part_id: number
  readonly from_version: number
  readonly to_version: number
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly parent: string
  readonly coverage: Coverage
  readonly reason: string | null
}

/** Tells whether a snapshot can prove that a key of a part is not there: it read the part, or its dataset without finding the parent. */
export type ProvesAbsence = (dataset: string, place: Place, parent: string, version: number) => boolean

/**
 * Absence in every snapshot of a source up to a version. Not proven where the part, or the list of its dataset, was not read completely.
 * @param intervals all of the source, where they are known already
 */
export async function absenceOf(
  store: Store,
  where: { readonly sourceId: number; readonly source: string },
  datasets: readonly string[],
  intervals?: readonly UnreadInterval[],
): Promise<ProvesAbsence> {
  const read = await query<{ name: string; account_id: string; region: string; versions: number[] }>(
    store.db,
    `select d.name, l.account_id, l.region, array_agg(y.version) as versions
     from dataset_summary y join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id
     where y.source_id = $1 and y.parts > 0 and d.name = any ($2::text[]) group by d.name, l.account_id, l.region`,
    [where.sourceId, datasets],
  )
  const readIn = new Map(
    read.map(row => [datasetKey(row.name, { accountId: row.account_id, region: row.region }), new Set(row.versions)]),
  )
  const open = Map.groupBy(intervals ?? (await unreadIntervals(store, where, 1, stillHolds - 1)), each =>
    openKey(each.dataset, each.place, each.parent),
  )
  const isOpen = (key: string, at: number) => (open.get(key) ?? []).some(each => each.from <= at && at < each.to)
  if (open.size === 0) return everythingRead(readIn)
  return (dataset, place, parent, version) =>
    readIn.get(datasetKey(dataset, place))?.has(version) === true &&
    !isOpen(openKey(dataset, place, ''), version) &&
    !isOpen(openKey(dataset, place, parent), version)
}

/** Of datasets whose every part was read; asked row by row, it looks up a dataset once. */
function everythingRead(readIn: ReadonlyMap<string, ReadonlySet<number>>): ProvesAbsence {
  let last: { readonly dataset: string; readonly place: Place; readonly versions: ReadonlySet<number> } | null = null
  return (dataset, place, _, version) => {
    if (last?.dataset !== dataset || last.place !== place)
      last = { dataset, place, versions: readIn.get(datasetKey(dataset, place)) ?? new Set() }
    return last.versions.has(version)
  }
}

function openKey(dataset: string, place: Place, parent: string): string {
  return `${datasetKey(dataset, place)} ${parent}`
}
