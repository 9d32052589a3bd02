import type { PartEnd, PartId } from '../model.ts'
import { type Connection, query } from './database.ts'
import { Fields } from './fields.ts'
import { pack, unpack } from './packed.ts'
import { isPlain, type RunParts } from './run-parts.ts'
import type { Store } from './store.ts'

/** What the journal says of one piece of a part, beside the texts of its rows. */
interface Piece {
  /** index among the run's parts */
  readonly part: number
  readonly isFirst: boolean
  /** how often the part was begun by then: what was staged before its last beginning does not count */
  readonly generation: number
  /** rows that AWS showed in it, staged or not */
  readonly rows: number
  readonly end: PartEnd | null
  /** its edges are those of the last snapshot, so that none is staged */
  readonly isUnchanged: boolean
  /** the piece is the whole part, each row of it an edge, and none stands twice */
  readonly isWhole: boolean
  readonly edgeCount: number
  /** of each entity that is new or changed its number in the database, 0 for one that it does not know */
  readonly entityIds: readonly number[]
  /** numbers of entities that are as the last snapshot knows them */
  readonly seen: readonly number[]
}

/** A piece as it is staged. */
export interface StagedPiece extends Piece {
  /** the fields of its edges, joined by NUL; null is '' */
  readonly edges: string
  /** of the entities that are new or changed: key and canonical facts in turn */
  readonly entities: readonly string[]
}

/** A piece as it is read again: its texts stay where they are in their batch. */
export interface JournalPiece extends Piece {
  readonly fields: Fields
  /** first field of its edges */
  readonly edgesAt: number
  /** first field of its entities */
  readonly entitiesAt: number
}

/** Fields of one staged edge. */
export const edgeFields = { membership: 4, assignment: 3 } as const

const flag = { first: 1, plainEnd: 2, specialEnd: 4, unchanged: 8, whole: 16 } as const

interface Header {
  /** parts the database knows, as differences of their numbers; then those it does not know */
  readonly ids: readonly number[]
  readonly groups: readonly (readonly [dataset: string, accountId: string, region: string])[]
  readonly names: readonly (readonly [group: number, parent: string])[]
  /** a column for each member of a piece */
  readonly part: readonly number[]
  readonly flags: readonly number[]
  readonly generation: readonly number[]
  readonly rows: readonly number[]
  readonly edges: readonly number[]
  readonly entities: readonly number[]
  readonly entityIds: readonly number[]
  readonly seen: readonly number[]
  readonly seenIds: readonly number[]
  /** of the ends: pages, duplicates, first and last observation (ms, as differences) */
  readonly pages: readonly number[]
  readonly duplicates: readonly number[]
  readonly first: readonly number[]
  readonly last: readonly number[]
  readonly special: readonly Pick<PartEnd, 'coverage' | 'reason' | 'gaps'>[]
}

/** Separates the header and the fields; nothing that is staged contains it. */
const separator = '\0'

/** Bytes of a batch. A part that the database does not know yet is named in full, so that each batch can be read by itself. */
export async function encodeBatch(parts: RunParts, pieces: readonly StagedPiece[]): Promise<Buffer> {
  const named = [...new Set(pieces.map(piece => piece.part))]
  const known = named.filter(part => parts.idOf(part) > 0)
  const fresh = named.filter(part => parts.idOf(part) === 0)
  const local = new Map([...known, ...fresh].map((part, i) => [part, i]))
  const groups = [...new Set(fresh.map(part => parts.groupOf(part)))]
  const groupAt = new Map(groups.map((group, i) => [group, i]))
  const ends = pieces.flatMap(piece => (piece.end === null ? [] : [piece.end]))
  const header: Header = {
    ids: differences(known.map(part => parts.idOf(part))),
    groups: groups.map(({ dataset, place }) => [dataset, place.accountId, place.region]),
    names: fresh.map(part => [groupAt.get(parts.groupOf(part))!, parts.parentOf(part)]),
    part: differences(pieces.map(piece => local.get(piece.part)!)),
    flags: pieces.map(flagsOf),
    generation: pieces.map(piece => piece.generation),
    rows: pieces.map(piece => piece.rows),
    edges: pieces.map(piece => piece.edgeCount),
    entities: pieces.map(piece => piece.entityIds.length),
    entityIds: differences(pieces.flatMap(piece => piece.entityIds)),
    seen: pieces.map(piece => piece.seen.length),
    seenIds: differences(pieces.flatMap(piece => piece.seen)),
    pages: ends.map(end => end.pages),
    duplicates: ends.map(end => end.duplicates),
    first: differences(ends.map(end => end.firstObservedAt.getTime())),
    last: differences(ends.map(end => end.lastObservedAt.getTime())),
    special: ends.filter(end => !isPlain(end)).map(({ coverage, reason, gaps }) => ({ coverage, reason, gaps })),
  }
  const texts = [JSON.stringify(header)]
  for (const piece of pieces) {
    if (piece.edgeCount > 0) texts.push(piece.edges)
    for (const text of piece.entities) texts.push(text)
  }
  return pack(texts.join(separator))
}

/** Batches that are read at once: those of a slow night are small, and each question takes its time to a server that is far away. */
const [fewestBatches, mostBatches] = [8, 1000]
const bytesAtOnce = 1 << 18

/**
 * The batches of a collection in the order in which they were saved, the next one read while one is worked on.
 * @param only `entities` or `edges`: batches that hold some; `all` when left out
 */
export async function* readJournal(
  store: Store,
  collectionId: number,
  parts: RunParts,
  only: 'all' | 'entities' | 'edges' = 'all',
): AsyncGenerator<readonly JournalPiece[]> {
  const partById = new Map<number, number>()
  for (let part = 0; part < parts.count; part++) if (parts.idOf(part) > 0) partById.set(parts.idOf(part), part)
  const some = only === 'all' ? '' : `and ${only} > 0`
  let atOnce = fewestBatches
  const read = async (after: string) => {
    const rows = await query<{ id: string; body: Buffer }>(
      store.db,
      `select id, body from staged_batch where collection_id = $1 and id > $2 ${some} order by id limit $3`,
      [collectionId, after, atOnce],
    )
    const bytes = rows.reduce((sum, row) => sum + row.body.length, 1)
    atOnce = Math.ceil(Math.min(Math.max((rows.length * bytesAtOnce) / bytes, fewestBatches), mostBatches))
    return rows
  }
  let rows = await read('0')
  while (rows.length > 0) {
    const next = read(rows.at(-1)!.id)
    next.catch(() => {})
    for (const row of rows) yield decode(parts, partById, new Fields(unpack(row.body)))
    rows = await next
  }
}

/** Notes what a batch says of its parts. */
export function takeUp(parts: RunParts, pieces: readonly Piece[]): void {
  for (const { part, isFirst, rows, end, isUnchanged } of pieces) {
    if (isFirst) parts.begin(part)
    parts.addRows(part, rows)
    if (end !== null) parts.end(part, end, isUnchanged)
  }
}

/** True for a piece whose rows count: its part came to an end since. */
export function isValid(parts: RunParts, piece: Piece): boolean {
  return parts.isEnded(piece.part) && parts.generationOf(piece.part) === piece.generation
}

/** Forgets a collection's journal. */
export async function discardJournal(on: Connection, collectionId: number): Promise<void> {
  await on.execute('delete from staged_batch where collection_id = $1', [collectionId])
}

function flagsOf(piece: Piece): number {
  const end = piece.end === null ? 0 : isPlain(piece.end) ? flag.plainEnd : flag.specialEnd
  return (piece.isFirst ? flag.first : 0) | end | (piece.isUnchanged ? flag.unchanged : 0) | (piece.isWhole ? flag.whole : 0)
}

function decode(parts: RunParts, partById: ReadonlyMap<number, number>, fields: Fields): JournalPiece[] {
  const header = JSON.parse(fields.text(0)) as Header
  const known = sums(header.ids).map(id => partById.get(id)!)
  const fresh = header.names.map(([group, parent]): number => {
    const [dataset, accountId, region] = header.groups[group]!
    const part: PartId = { dataset, place: { accountId, region }, parent }
    return parts.indexOf(part)
  })
  const local = [...known, ...fresh]
  const first = sums(header.first)
  const last = sums(header.last)
  const ends = iterate(header.special)
  const takeEntity = taker(sums(header.entityIds))
  const takeSeen = taker(sums(header.seenIds))
  let ended = 0
  let at = 1
  return sums(header.part).map((index, i): JournalPiece => {
    const part = local[index]!
    const flags = header.flags[i]!
    const kind = parts.groupOf(part).edges
    const end = (flags & (flag.plainEnd | flag.specialEnd)) === 0 ? null : ended++
    const edgesAt = at
    const entitiesAt = edgesAt + (kind === null ? 0 : header.edges[i]! * edgeFields[kind])
    at = entitiesAt + header.entities[i]! * 2
    return {
      part,
      isFirst: (flags & flag.first) !== 0,
      generation: header.generation[i]!,
      rows: header.rows[i]!,
      end:
        end === null
          ? null
          : {
              ...((flags & flag.specialEnd) === 0 ? plainEnd : ends()),
              ...{ pages: header.pages[end]!, duplicates: header.duplicates[end]! },
              ...{ firstObservedAt: new Date(first[end]!), lastObservedAt: new Date(last[end]!) },
            },
      isUnchanged: (flags & flag.unchanged) !== 0,
      isWhole: (flags & flag.whole) !== 0,
      edgeCount: header.edges[i]!,
      ...{ fields, edgesAt, entitiesAt },
      entityIds: takeEntity(header.entities[i]!),
      seen: takeSeen(header.seen[i]!),
    }
  })
}

const plainEnd = { coverage: 'complete', reason: null, gaps: [] } as const

/** Hands out one value after the other. */
function iterate<T>(values: readonly T[]): () => T {
  let at = 0
  return () => values[at++]!
}

/** Hands out so many values at a time. */
function taker<T>(values: readonly T[]): (count: number) => readonly T[] {
  let at = 0
  return count => {
    at += count
    return values.slice(at - count, at)
  }
}

/** Each number as what it is more than the one before: neighbours are small and alike, and compress to nothing. */
function differences(values: readonly number[]): number[] {
  return values.map((value, i) => value - (i === 0 ? 0 : values[i - 1]!))
}

function sums(values: readonly number[]): number[] {
  let sum = 0
  return values.map(value => {
    sum += value
    return sum
  })
}
