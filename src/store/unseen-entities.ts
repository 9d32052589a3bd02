import type { Connection } from './database.ts'
import { stillHolds } from './versions.ts'
import { endVersions } from './write-entities.ts'

/**
 * Settles what a run did not see of the entities: those of parts that show everything are gone, the others stay as last known, marked as
 * unseen from this version on.
 * @param isClosing tells by its number whether a part ends what it did not show
 * @returns versions that ended
 */
export async function settleUnseen(
  on: Connection,
  sourceId: number,
  version: number,
  seen: ReadonlySet<number>,
  isClosing: (partId: number) => boolean,
): Promise<number> {
  const left = await on.query<{ entity_id: number; part_id: number }>(
    `select v.entity_id, v.part_id from entity_version v
     where v.source_id = $1 and v.to_version = ${stillHolds} and v.entity_id <> all ($2::int[])`,
    [sourceId, [...seen]],
  )
  const gone = left.filter(row => isClosing(row.part_id)).map(row => row.entity_id)
  const unseen = left.filter(row => !isClosing(row.part_id)).map(row => row.entity_id)
  const ended = await endVersions(on, sourceId, version, gone)
  const before = await on.query<{ entity_id: number }>(
    `select entity_id from entity_unseen where source_id = $1 and to_version = ${stillHolds}`,
    [sourceId],
  )
  const stays = new Set(unseen)
  const over = before.map(row => row.entity_id).filter(id => !stays.has(id))
  if (over.length > 0) {
    await on.execute(
      `update entity_unseen set to_version = $2 where source_id = $1 and to_version = ${stillHolds} and entity_id = any ($3::int[])`,
      [sourceId, version, over],
    )
  }
  const known = new Set(before.map(row => row.entity_id))
  const begun = unseen.filter(id => !known.has(id))
  if (begun.length > 0) {
    await on.execute('insert into entity_unseen (source_id, entity_id, from_version) select $1, unnest($3::int[]), $2', [
      sourceId,
      version,
      begun,
    ])
  }
  return ended
}
