import type { Coverage, Gap, PartEnd, PartId, Place } from '../model.ts'
import type { Connection } from './database.ts'

/** A part as staging holds it. `coverage` null: its end has not come. */
export interface StagedPart {
  readonly partId: number
  readonly dataset: string
  readonly accountId: string
  readonly region: string
  readonly parent: string
  readonly coverage: Coverage | null
  readonly reason: string | null
  readonly gaps: readonly Gap[]
}

export const stagedTables = ['staged_entity', 'staged_membership', 'staged_assignment'] as const

export function placeOf(row: { readonly accountId: string; readonly region: string }): Place {
  return { accountId: row.accountId, region: row.region }
}

/** All parts of a collection. */
export async function stagedParts(on: Connection, collectionId: number): Promise<StagedPart[]> {
  const rows = await on.query<Omit<StagedPart, 'gaps'> & { gaps: string | null }>(
    `select s.part_id as "partId", d.name as dataset, l.account_id as "accountId", l.region, p.parent, s.coverage, s.reason, s.gaps
     from staged_part s join part p on p.id = s.part_id join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id
     where s.collection_id = $1 order by s.part_id`,
    [collectionId],
  )
  return rows.map(row => ({ ...row, gaps: row.gaps === null ? [] : (JSON.parse(row.gaps) as Gap[]) }))
}

/** Forgets parts and their rows. */
export async function discardParts(on: Connection, collectionId: number, partIds: readonly number[]): Promise<void> {
  if (partIds.length === 0) return
  const text = 'delete from staged_part where collection_id = $1 and part_id = any ($2::int[]) returning part_id'
  const known = await on.query<{ part_id: number }>(text, [collectionId, partIds])
  if (known.length === 0) return
  const ids = known.map(row => row.part_id)
  for (const table of stagedTables) {
    await on.execute(`delete from ${table} where collection_id = $1 and part_id = any ($2::int[])`, [collectionId, ids])
  }
}

/** Forgets everything staged; the ledger of calls stays. */
export async function discardStaging(on: Connection, collectionId: number): Promise<void> {
  for (const table of [...stagedTables, 'staged_part'])
    await on.execute(`delete from ${table} where collection_id = $1`, [collectionId])
}

/** Says that parts were begun; they count once their end is there. */
export async function beginParts(on: Connection, collectionId: number, partIds: readonly number[]): Promise<void> {
  if (partIds.length === 0) return
  await on.execute(`insert into staged_part (collection_id, part_id) select $1, unnest($2::int[])`, [collectionId, partIds])
}

/** Writes the ends of parts. @param unchanged those whose rows are what the last snapshot shows, and were not staged again */
export async function endParts(
  on: Connection,
  collectionId: number,
  ends: ReadonlyMap<number, PartEnd>,
  unchanged: ReadonlySet<number>,
): Promise<void> {
  if (ends.size === 0) return
  const all = [...ends.values()]
  await on.execute(
    `update staged_part s set coverage = e.coverage, reason = e.reason, gaps = e.gaps, pages = e.pages, duplicates = e.duplicates,
       first_observed_at = e.first, last_observed_at = e.last, is_unchanged = e.is_unchanged
     from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::timestamptz[], $9::timestamptz[], $10::boolean[])
       as e (part_id, coverage, reason, gaps, pages, duplicates, first, last, is_unchanged)
     where s.collection_id = $1 and s.part_id = e.part_id`,
    [
      collectionId,
      [...ends.keys()],
      all.map(end => end.coverage),
      all.map(end => (end.reason === null ? null : storable(end.reason))),
      all.map(end =>
        end.gaps.length === 0
          ? null
          : JSON.stringify(end.gaps, (_, value) => (typeof value === 'string' ? storable(value) : value)),
      ),
      all.map(end => end.pages),
      all.map(end => end.duplicates),
      all.map(end => end.firstObservedAt.toISOString()),
      all.map(end => end.lastObservedAt.toISOString()),
      [...ends.keys()].map(partId => unchanged.has(partId)),
    ],
  )
}

/** Makes datasets and places known that are new. */
export async function internPlaces(
  on: Connection,
  all: readonly { readonly dataset: string; readonly place: Place }[],
): Promise<void> {
  if (all.length === 0) return
  await on.execute(
    `insert into dataset (name) select distinct w.name from unnest($1::text[]) as w (name)
     where not exists (select from dataset d where d.name = w.name) order by 1 on conflict do nothing`,
    [all.map(each => each.dataset)],
  )
  await on.execute(
    `insert into place (account_id, region) select distinct w.account_id, w.region from unnest($1::text[], $2::text[]) as w (account_id, region)
     where not exists (select from place l where l.account_id = w.account_id and l.region = w.region) order by 1, 2 on conflict do nothing`,
    [all.map(each => each.place.accountId), all.map(each => each.place.region)],
  )
}

const wantedParts = `with wanted as materialized (
    select w.n, d.id as dataset_id, l.id as place_id, w.parent
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as w (dataset, account_id, region, parent, n)
    join dataset d on d.name = w.dataset join place l on l.account_id = w.account_id and l.region = w.region
  )`
/** One look into the index for each part: as a join the planner would read the whole growing table for every batch. */
const partId =
  '(select p.id from part p where p.source_id = $5 and p.dataset_id = w.dataset_id and p.place_id = w.place_id and p.parent = w.parent)'

/**
 * Numbers of parts, made where they are new.
 * @returns in the order of `parts`
 */
export async function internParts(on: Connection, sourceId: number, parts: readonly PartId[]): Promise<number[]> {
  const values = [
    parts.map(part => part.dataset),
    parts.map(part => part.place.accountId),
    parts.map(part => part.place.region),
    parts.map(part => part.parent),
  ]
  await internPlaces(on, parts)
  await on.execute(
    `${wantedParts} insert into part (source_id, dataset_id, place_id, parent)
     select distinct $5::int, w.dataset_id, w.place_id, w.parent from wanted w where ${partId} is null on conflict do nothing`,
    [...values, sourceId],
  )
  const rows = await on.query<{ id: number }>(`${wantedParts} select ${partId} as id from wanted w order by w.n`, [
    ...values,
    sourceId,
  ])
  return rows.map(row => row.id)
}

/** Text of the outside world as Postgres and canonical JSON can hold it: without NUL and lone surrogates. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}
