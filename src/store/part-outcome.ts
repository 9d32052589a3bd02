import type { Coverage, Gap, Place } from '../model.ts'
import type { Connection } from './database.ts'
import { placeOf } from './staged-part.ts'

/** Parts of one dataset in one place that ended alike. */
export interface PartOutcome {
  readonly dataset: string
  readonly place: Place
  readonly coverage: Coverage
  readonly reason: string | null
  readonly parts: number
  readonly pages: number
  readonly duplicates: number
  readonly firstObservedAt: Date | null
  readonly lastObservedAt: Date | null
}

/** A part that has something to say of its own: it is open, or has gaps. */
export interface NotablePart {
  readonly partId: number
  readonly coverage: Coverage
  readonly reason: string | null
  readonly gaps: readonly Gap[]
}

const unended = 'its reading did not come to an end'
const unread = 'what it is about was listed, and it was not read'

/**
 * Gives an end to parts that have none: those whose reading broke off, and those that were not read although their parent was seen.
 * Comes after everything that tells by the missing end that a part's rows do not count.
 */
export async function settleParts(on: Connection, collectionId: number, unreadParts: readonly number[]): Promise<void> {
  await on.execute(`update staged_part set coverage = 'incomplete', reason = $2 where collection_id = $1 and coverage is null`, [
    collectionId,
    unended,
  ])
  await on.execute(
    `insert into staged_part (collection_id, part_id, coverage, reason) select $1, unnest($2::int[]), 'incomplete', $3`,
    [collectionId, unreadParts, unread],
  )
}

/** How a collection's parts ended, by dataset and place. */
export async function readOutcomes(on: Connection, collectionId: number): Promise<PartOutcome[]> {
  const rows = await on.query<Omit<PartOutcome, 'place'> & { accountId: string; region: string }>(
    `select d.name as dataset, l.account_id as "accountId", l.region, s.coverage, s.reason, count(*)::int as parts, sum(s.pages)::int as pages,
       sum(s.duplicates)::int as duplicates, min(s.first_observed_at) as "firstObservedAt", max(s.last_observed_at) as "lastObservedAt"
     from staged_part s join part p on p.id = s.part_id join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id
     where s.collection_id = $1 group by d.name, l.account_id, l.region, s.coverage, s.reason`,
    [collectionId],
  )
  return rows.map(({ accountId, region, ...outcome }) => ({ ...outcome, place: placeOf({ accountId, region }) }))
}

/** The parts of a collection that are open or have gaps. */
export async function readNotableParts(on: Connection, collectionId: number): Promise<NotablePart[]> {
  const rows = await on.query<NotableRow>(
    `select s.part_id as "partId", d.name as dataset, l.account_id as "accountId", l.region, p.parent, s.coverage, s.reason, s.gaps
     from staged_part s join part p on p.id = s.part_id join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id
     where s.collection_id = $1 and (s.coverage not in ('complete', 'complete_with_changes') or s.gaps is not null) order by s.part_id`,
    [collectionId],
  )
  return rows.map(row => {
    const { partId, coverage, reason } = row
    const isOurs = row.gaps === null && (reason === unended || reason === unread)
    const gaps = isOurs ? [notCollected(row.dataset, placeOf(row), row.parent, reason)] : (JSON.parse(row.gaps ?? '[]') as Gap[])
    return { partId, coverage, reason, gaps }
  })
}

interface NotableRow {
  readonly partId: number
  readonly dataset: string
  readonly accountId: string
  readonly region: string
  readonly parent: string
  readonly coverage: Coverage
  readonly reason: string | null
  readonly gaps: string | null
}

/** The gap of what should have been read and was not, for no reason that AWS gave. */
export function notCollected(dataset: string, place: Place, parent: string, why: string): Gap {
  const what = parent === '' ? dataset : `${dataset} of ${parent}`
  const nothing = { key: null, member: null, action: null, errorCode: null }
  return { dataset, place, parent, ...nothing, reason: 'not_collected', message: `${what} is not known: ${why}. Collect again.` }
}
