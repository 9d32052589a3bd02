import type { Connection } from './database.ts'
import { StoreError } from './error.ts'
import { stillHolds } from './versions.ts'

/**
 * What the run saw, as temporary tables that last until the transaction's end: `seen_entity`, `seen_membership`, `seen_assignment`.
 * Keys and entities that are new get their numbers, entities their salts. A key that two parts of one dataset show (it moved while
 * we read) stands once, as the part shows it that was read last.
 */
export async function gatherSeen(on: Connection, sourceId: number, collectionId: number): Promise<void> {
  await gatherEntities(on, collectionId)
  await numberKeys(on, sourceId, collectionId)
  await numberEntities(on, sourceId)
  const seen: readonly [text: string, values: readonly unknown[]][] = [
    [seenEntities, [sourceId]],
    [seenMemberships, [sourceId, collectionId]],
    [seenAssignments, [sourceId, collectionId]],
  ]
  for (const [text, values] of seen) await on.execute(text, values)
  await on.execute('drop table winner')
  for (const kind of ['entity', 'membership', 'assignment']) await on.execute(`analyze seen_${kind}`)
}

/** From so many new rows on the planner is told about them at once. */
const manyRows = 500

/** Only parts with an end count. */
const ended = `join staged_part s on s.collection_id = r.collection_id and s.part_id = r.part_id and s.coverage is not null`

async function gatherEntities(on: Connection, collectionId: number): Promise<void> {
  await on.execute(
    `create temporary table winner on commit drop as
     select distinct on (p.dataset_id, p.place_id, r.key) p.dataset_id, p.place_id, r.key, r.part_id, r.body
     from staged_entity r ${ended} join part p on p.id = r.part_id
     where r.collection_id = $1
     order by p.dataset_id, p.place_id, r.key, s.last_observed_at desc, r.seq desc`,
    [collectionId],
  )
  await on.execute('analyze winner')
}

async function numberKeys(on: Connection, sourceId: number, collectionId: number): Promise<void> {
  const made = await on.execute(
    `insert into resource_key (source_id, key)
     select $1, w.key from (
       select key from winner
       union select user_key from staged_membership where collection_id = $2
       union select store_key from staged_membership where collection_id = $2 and store_key is not null
       union select principal_key from staged_assignment where collection_id = $2
     ) w where not exists (select from resource_key k where k.source_id = $1 and k.key = w.key)
     order by w.key`,
    [sourceId, collectionId],
  )
  await tellPlanner(on, 'resource_key', made)
}

async function numberEntities(on: Connection, sourceId: number): Promise<void> {
  const made = await on.execute(
    `insert into entity (source_id, dataset_id, place_id, key_id)
     select $1, w.dataset_id, w.place_id, k.id from winner w join resource_key k on k.source_id = $1 and k.key = w.key
     where not exists (select from entity e
       where e.source_id = $1 and e.dataset_id = w.dataset_id and e.place_id = w.place_id and e.key_id = k.id)`,
    [sourceId],
  )
  await tellPlanner(on, 'entity', made)
  // 16 of the 32 bytes that mix two random UUIDs of 122 random bits each
  const salted = await on.execute(
    `insert into entity_salt (entity_id, salt)
     select e.id, substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 16)
     from winner w join resource_key k on k.source_id = $1 and k.key = w.key
     join entity e on e.source_id = $1 and e.dataset_id = w.dataset_id and e.place_id = w.place_id and e.key_id = k.id
     where not exists (select from entity_salt s where s.entity_id = e.id)`,
    [sourceId],
  )
  await tellPlanner(on, 'entity_salt', salted)
}

/**
 * A table that was empty a moment ago is joined row by row, unless the planner is told. A role that does not own the table may not
 * tell: that is a warning of the server and no error.
 */
async function tellPlanner(on: Connection, table: string, newRows: number): Promise<void> {
  if (newRows >= manyRows) await on.execute(`analyze ${table}`)
}

const seenEntities = `create temporary table seen_entity on commit drop as
  select e.id as entity_id, w.part_id, w.body, sha256(s.salt || convert_to(w.body, 'UTF8')) as digest
  from winner w join resource_key k on k.source_id = $1 and k.key = w.key
  join entity e on e.source_id = $1 and e.dataset_id = w.dataset_id and e.place_id = w.place_id and e.key_id = k.id
  join entity_salt s on s.entity_id = e.id`

const seenMemberships = `create temporary table seen_membership on commit drop as
  (select distinct on (r.part_id, k.id) r.part_id, k.id as user_id, i.id as store_id, r.membership_id, r.rest, r.digest
  from staged_membership r ${ended}
  join resource_key k on k.source_id = $1 and k.key = r.user_key
  left join resource_key i on i.source_id = $1 and i.key = r.store_key
  where r.collection_id = $2
  order by r.part_id, k.id, r.seq desc)
  union all
  select v.part_id, v.user_id, v.store_id, v.membership_id, v.rest, v.digest
  from staged_part s join membership_version v on v.part_id = s.part_id and v.to_version = ${stillHolds}
  where s.collection_id = $2 and s.is_unchanged and s.coverage is not null`

const seenAssignments = `create temporary table seen_assignment on commit drop as
  (select distinct on (r.part_id, r.principal_type, k.id) r.part_id, r.principal_type, k.id as principal_id, r.rest, r.digest
  from staged_assignment r ${ended}
  join resource_key k on k.source_id = $1 and k.key = r.principal_key
  where r.collection_id = $2
  order by r.part_id, r.principal_type, k.id, r.seq desc)
  union all
  select v.part_id, v.principal_type, v.principal_id, v.rest, v.digest
  from staged_part s join assignment_version v on v.part_id = s.part_id and v.to_version = ${stillHolds}
  where s.collection_id = $2 and s.is_unchanged and s.coverage is not null`

/**
 * Which parts end the states that were not seen in them, as the temporary table `closing_part`:
 * - parts that were read completely;
 * - parts that were not read because their parent is gone. That is so when the run read the dataset at that place, nothing says that
 *   its parents were not all known (an open part of the whole dataset, parent ''), and the parent is not among the keys that were seen.
 * A dataset that is one list (parent '') never vanishes: if it was not read, it was not read.
 * @returns ids of parts whose parent was seen and which were not read all the same
 */
export async function gatherClosingParts(on: Connection, sourceId: number, collectionId: number): Promise<readonly number[]> {
  await on.execute(
    `create temporary table unread_part on commit drop as
     select p.id as part_id, p.dataset_id, p.place_id, p.parent
     from part p
     where p.source_id = $1 and p.parent <> ''
       and not exists (select from staged_part s where s.collection_id = $2 and s.part_id = p.id)
       and (p.dataset_id, p.place_id) in (
         select q.dataset_id, q.place_id from staged_part s join part q on q.id = s.part_id where s.collection_id = $2)
       and not exists (select from staged_part s join part q on q.id = s.part_id
         where s.collection_id = $2 and q.dataset_id = p.dataset_id and q.place_id = p.place_id and q.parent = '' and ${isOpen('s')})`,
    [sourceId, collectionId],
  )
  const rows = await on.query<{ part_id: number }>(
    `select u.part_id from unread_part u
     where exists (select from seen_entity n join entity e on e.id = n.entity_id join resource_key k on k.id = e.key_id
       where k.source_id = $1 and k.key = u.parent)
     order by u.part_id`,
    [sourceId],
  )
  const missed = rows.map(row => row.part_id)
  await on.execute(
    `create temporary table closing_part on commit drop as
     select part_id from unread_part where part_id <> all ($2::int[])
     union all
     select part_id from staged_part s where s.collection_id = $1 and not (${isOpen('s')})`,
    [collectionId, missed],
  )
  await on.execute('analyze closing_part')
  return missed
}

/** A part that did not come to a complete end, or to no end at all. */
function isOpen(alias: string): string {
  return `(${alias}.coverage is null or ${alias}.coverage not in ('complete', 'complete_with_changes'))`
}

/** @throws {StoreError} RUN_EMPTY when no part came to an end: that is a run that read nothing */
export async function refuseEmpty(on: Connection, collectionId: number, source: string): Promise<void> {
  const [any] = await on.query('select from staged_part where collection_id = $1 and coverage is not null limit 1', [
    collectionId,
  ])
  if (any !== undefined) return
  throw new StoreError('RUN_EMPTY', `the run of ${source} read nothing, so there is nothing to seal`, { hint: 'collect again' })
}
