import { randomBytes } from 'node:crypto'
import { IntColumn } from '../int-column.ts'
import { PartNames } from '../part-names.ts'
import type { Copier } from './copier.ts'
import { type Connection, query } from './database.ts'
import type { Fields } from './fields.ts'
import { isValid, readJournal } from './journal.ts'
import type { LeafSet } from './leaf-set.ts'
import type { GroupNumbers } from './number-parts.ts'
import { Numbers } from './numbers.ts'
import type { ResourceKeys } from './resource-keys.ts'
import type { OpenRun } from './run.ts'
import type { PartGroup } from './run-parts.ts'
import { saltedDigest } from './salted-digest.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

const saltBytes = 16

/** What a seal did with the entities. */
export interface WrittenEntities {
  /** numbers of all that the run saw */
  readonly seen: ReadonlySet<number>
  readonly begun: number
  readonly ended: number
}

export interface EntityWriting {
  readonly on: Connection
  readonly run: OpenRun
  readonly version: number
  readonly copier: Copier
  readonly keys: ResourceKeys
  readonly groups: ReadonlyMap<PartGroup, GroupNumbers>
  /** takes up the rows that are written, for the digests of their datasets; null where those are computed from the rows */
  readonly leaves: ReadonlyMap<PartGroup, LeafSet> | null
}

/**
 * Writes the entities that are new or changed as versions, and ends the versions that they take the place of. A key that two parts of one
 * dataset show (it moved while we read) stands once, as the part shows it that was read last.
 */
export async function writeEntities(writing: EntityWriting): Promise<WrittenEntities> {
  const { on, run, version, copier } = writing
  const losers = await findLosers(run)
  const tables = {
    entities: copier.table('entity', ['id', 'source_id', 'dataset_id', 'place_id', 'key_id']),
    salts: copier.table('entity_salt', ['entity_id', 'salt']),
    versions: copier.table('entity_version', ['source_id', 'entity_id', 'from_version', 'part_id', 'digest', 'body']),
  }
  const numbers = new Numbers(run.store, 'entity')
  const seen = new Set<number>()
  const replaced: number[] = []
  let begun = 0
  for await (const { staged, unchanged } of entitiesOf(run, losers)) {
    for (const id of unchanged) seen.add(id)
    const named = staged.map(each => (each.id === 0 ? writing.keys.name(each.fields, each.at) : 0))
    await writing.keys.resolve()
    const salts = await saltsOf(
      run.store,
      staged.map(each => each.id).filter(id => id > 0),
    )
    // one question to the system for all: it takes longer than the rest of a row
    const fresh = randomBytes(saltBytes * staged.length)
    for (const [i, { part, fields, at, id: known }] of staged.entries()) {
      const id = known === 0 ? await numbers.next() : known
      if (known === 0) {
        const { datasetId, placeId } = writing.groups.get(run.state.parts.groupOf(part))!
        tables.entities.row()
        for (const value of [id, run.sourceId, datasetId, placeId, writing.keys.idOf(named[i]!)]) tables.entities.int(value)
      } else replaced.push(id)
      const salt = salts.get(id) ?? fresh.subarray(i * saltBytes, (i + 1) * saltBytes)
      if (!salts.has(id)) {
        tables.salts.row()
        tables.salts.int(id)
        tables.salts.bytea(salt)
      }
      const { versions } = tables
      versions.row()
      for (const value of [run.sourceId, id, version, run.state.parts.idOf(part)]) versions.int(value)
      const digest = saltedDigest(salt, fields.bytes.subarray(fields.from(at + 1), fields.to(at + 1)))
      versions.hex(digest)
      versions.field(fields, at + 1)
      const { parts } = run.state
      writing.leaves?.get(parts.groupOf(part))?.add(JSON.stringify(fields.text(at)), JSON.stringify(parts.parentOf(part)), digest)
      seen.add(id)
      begun++
      await copier.pass()
    }
  }
  await copier.idle()
  const ended = await endVersions(on, run.sourceId, version, replaced)
  return { seen, begun, ended }
}

/** Ends what still holds of some entities; versions that begin with this one stay. */
export async function endVersions(
  on: Connection,
  sourceId: number,
  version: number,
  entityIds: readonly number[],
): Promise<number> {
  if (entityIds.length === 0) return 0
  return on.execute(
    `update entity_version v set to_version = $2 from unnest($3::int[]) as e (id)
     where v.entity_id = e.id and v.source_id = $1 and v.to_version = ${stillHolds} and v.from_version < $2`,
    [sourceId, version, entityIds],
  )
}

interface StagedEntity {
  readonly part: number
  readonly fields: Fields
  /** its key; its canonical facts stand behind it */
  readonly at: number
  /** 0: the database does not know it */
  readonly id: number
}

/** Handed out together where batches are small: what is asked of the database for each lot takes its time to one that is far away. */
const entitiesALot = 2000

/** Entities of parts that ended, a lot at a time. @param losers places in this order that do not count */
async function* entitiesOf(
  run: OpenRun,
  losers: ReadonlySet<number>,
): AsyncGenerator<{ readonly staged: readonly StagedEntity[]; readonly unchanged: readonly number[] }> {
  let ordinal = 0
  let staged: StagedEntity[] = []
  let unchanged: number[] = []
  for await (const pieces of readJournal(run.store, run.collectionId, run.state.parts, 'entities')) {
    for (const piece of pieces) {
      if (!isValid(run.state.parts, piece)) continue
      for (const [i, id] of piece.entityIds.entries()) {
        if (!losers.has(ordinal++)) staged.push({ part: piece.part, fields: piece.fields, at: piece.entitiesAt + 2 * i, id })
      }
      for (const id of piece.seen) if (!losers.has(ordinal++)) unchanged.push(id)
    }
    if (staged.length + unchanged.length < entitiesALot) continue
    yield { staged, unchanged }
    staged = []
    unchanged = []
  }
  yield { staged, unchanged }
}

/** Places, in the order of `entitiesOf`, of rows whose key another part shows later, or the same part again. */
async function findLosers(run: OpenRun): Promise<Set<number>> {
  const { parts } = run.state
  const losers = new Set<number>()
  // columns instead of an object for each: there may be half a million of them
  const fresh = new PartNames()
  const winners = { fresh: new Winners(), known: new Winners() }
  let ordinal = 0
  const enter = (among: Winners, name: number, part: number) => {
    const other = among.get(name)
    if (other !== null && parts.lastObservedOf(part) < parts.lastObservedOf(other.part)) losers.add(ordinal)
    else {
      if (other !== null) losers.add(other.ordinal)
      among.set(name, ordinal, part)
    }
    ordinal++
  }
  for await (const pieces of readJournal(run.store, run.collectionId, parts, 'entities')) {
    for (const piece of pieces) {
      if (!isValid(parts, piece)) continue
      const group = parts.groupIndexOf(piece.part)
      for (const [i, id] of piece.entityIds.entries()) {
        if (id === 0) enter(winners.fresh, fresh.enter(group, piece.fields.text(piece.entitiesAt + 2 * i)), piece.part)
        else enter(winners.known, id, piece.part)
      }
      for (const id of piece.seen) enter(winners.known, id, piece.part)
    }
  }
  return losers
}

/** The row that counts of each name: its place, and the part that showed it. */
class Winners {
  /** places and one; 0 where there is none */
  readonly #ordinals = new IntColumn()
  readonly #parts = new IntColumn()

  get(name: number): { readonly ordinal: number; readonly part: number } | null {
    const ordinal = this.#ordinals.get(name) - 1
    return ordinal < 0 ? null : { ordinal, part: this.#parts.get(name) }
  }

  set(name: number, ordinal: number, part: number): void {
    this.#ordinals.set(name, ordinal + 1)
    this.#parts.set(name, part)
  }
}

async function saltsOf(store: Store, entityIds: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
  if (entityIds.length === 0) return new Map()
  const rows = await query<{ entity_id: number; salt: Buffer }>(
    store.db,
    'select entity_id, salt from entity_salt where entity_id = any ($1::int[])',
    [entityIds],
  )
  return new Map(rows.map(row => [row.entity_id, row.salt]))
}
