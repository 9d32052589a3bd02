import type pg from 'pg'
import type { DatasetSummary, Snapshot, StoredEdges } from '../model.ts'
import { copyOut } from './copy-out.ts'
import { atOneInstant, query } from './database.ts'
import { type Edge, edgeKindOf } from './edge.ts'
import { SeenTimes, sealTimes } from './seen-since.ts'
import { locate } from './snapshot.ts'
import type { Store } from './store.ts'
import { seenAt, stillHolds } from './versions.ts'

/** Condition on an edge `v`: its columns say whom its facts join, and no JSON has to be read. */
export const isInColumns = `coalesce(left(v.rest, 1), '{') = '{'`

/** Where the edges of one dataset in one place are. */
interface Unit {
  readonly sourceId: number
  readonly version: number
  readonly datasetId: number
  readonly placeId: number
}

/**
 * The edges that a snapshot saw, dataset by dataset, as far as their columns say whom they join; the others `readOtherThanEdges` gives.
 * A million of them take some 15 MB and no objects.
 * @throws {StoreError} NOT_FOUND when this store never sealed the snapshot
 */
export async function* readEdges(store: Store, snapshot: Snapshot): AsyncGenerator<StoredEdges> {
  const position = await locate(store, snapshot)
  const sealedAt = await sealTimes(store, position)
  for (const dataset of snapshot.datasets) {
    const kind = edgeKindOf(dataset.name)
    if (kind === null || dataset.count === 0) continue
    const { name, place } = dataset
    const times = await SeenTimes.read(store, position, dataset, sealedAt)
    const [unit] = await query<Unit>(
      store.db,
      `select $1::int as "sourceId", $2::int as version, d.id as "datasetId", l.id as "placeId" from dataset d, place l
       where d.name = $3 and l.account_id = $4 and l.region = $5`,
      [position.sourceId, position.version, name, place.accountId, place.region],
    )
    const columns = await atOneInstant(store.db, client => readColumns(client, unit!, kind, dataset, times))
    yield { dataset: name, place, ...columns }
  }
}

async function readColumns(
  client: pg.ClientBase,
  unit: Unit,
  kind: Edge['kind'],
  { count }: DatasetSummary,
  times: SeenTimes,
): Promise<Omit<StoredEdges, 'dataset' | 'place'>> {
  const { id, type } = identities[kind]
  const parents = await readTexts(client, `select p.id, p.parent from part p where ${ofUnit(unit)} order by p.parent || '|'`)
  const ids = await readTexts(
    client,
    `select k.id, k.key from resource_key k
     where k.id in (select v.${id} from part p join ${kind}_version v on v.part_id = p.id where ${ofUnit(unit)}) order by k.key`,
  )
  const rows = new EdgeRows(count)
  let [part, from, first, parent, seen] = [-1, -1, -1, -1, -1]
  await copyOut(client, edgesOf(unit, kind, id, type), row => {
    const [nextPart, keyId, principalType, nextFrom, nextFirst] = [row.int(), row.int(), row.int(), row.int(), row.int()]
    if (nextPart !== part || nextFrom !== from || nextFirst !== first) {
      ;[part, from, first] = [nextPart, nextFrom, nextFirst]
      parent = parents.rank(part)
      seen = times.number(parents.texts[parent]!, from, first)
    }
    rows.add(parent, ids.rank(keyId), principalType === 1 ? 1 : 0, seen)
  })
  return { parents: parents.texts, ids: ids.texts, seen: times.all, ...rows.inOrder(parents.texts.length, ids.texts.length) }
}

const identities = {
  membership: { id: 'user_id', type: '1' },
  assignment: { id: 'principal_id', type: 'v.principal_type' },
} as const

function ofUnit({ sourceId, datasetId, placeId }: Unit): string {
  return `p.source_id = ${sourceId} and p.dataset_id = ${datasetId} and p.place_id = ${placeId}`
}

/** Edges seen at the version; beside each, the version that first showed its key. */
function edgesOf(unit: Unit, kind: 'membership' | 'assignment', id: string, type: string): string {
  const identity = ['part_id', id, ...(kind === 'assignment' ? ['principal_type'] : [])]
  return `
    select v.part_id, v.${id}, ${type}, v.from_version, coalesce(h.first_version, v.from_version)
    from part p join ${kind}_version v on v.part_id = p.id
    left join (
      select ${identity.join(', ')}, min(from_version) as first_version from ${kind}_version
      where source_id = ${unit.sourceId} and to_version <= ${unit.version} and to_version < ${stillHolds} group by ${identity.join(', ')}
    ) h on ${identity.map(column => `h.${column} = v.${column}`).join(' and ')}
    where ${ofUnit(unit)} and ${isInColumns} and ${seenAt(kind, String(unit.version))}`
}

/** Texts in the order in which they are read, found by the numbers that the database gives them. */
interface Texts {
  readonly texts: readonly string[]
  rank(id: number): number
}

async function readTexts(client: pg.ClientBase, select: string): Promise<Texts> {
  const texts: string[] = []
  const ranks = new Map<number, number>()
  await copyOut(client, select, row => {
    ranks.set(row.int(), texts.length)
    texts.push(row.text()!)
  })
  return { texts, rank: id => ranks.get(id)! }
}

/** Edges as they are read, to be brought into order. */
class EdgeRows {
  #count = 0
  /** four numbers a row */
  #rows: Int32Array

  constructor(expected: number) {
    this.#rows = new Int32Array(Math.max(expected, 1) * 4)
  }

  add(parent: number, id: number, isUser: number, seen: number): void {
    const at = this.#count++ * 4
    if (at === this.#rows.length) {
      const longer = new Int32Array(at * 2)
      longer.set(this.#rows)
      this.#rows = longer
    }
    this.#rows[at] = parent
    this.#rows[at + 1] = id
    this.#rows[at + 2] = isUser
    this.#rows[at + 3] = seen
  }

  /** By parent, then groups before users, then id: the order of the bytes of their keys. */
  inOrder(parents: number, ids: number): Pick<StoredEdges, 'count' | 'parentOf' | 'idOf' | 'isUser' | 'seenOf'> {
    const [rows, count] = [this.#rows, this.#count]
    const everyRow = new Int32Array(count).map((_, i) => i)
    const byId = sortedBy(everyRow, ids, row => rows[row * 4 + 1]!)
    const order = sortedBy(byId, parents * 2, row => rows[row * 4]! * 2 + rows[row * 4 + 2]!)
    return {
      count,
      parentOf: order.map(row => rows[row * 4]!),
      idOf: order.map(row => rows[row * 4 + 1]!),
      isUser: Uint8Array.from(order, row => rows[row * 4 + 2]!),
      seenOf: order.map(row => rows[row * 4 + 3]!),
    }
  }
}

/** Rows sorted by small numbers, each placed at once; what is equal keeps its order. */
function sortedBy(rows: Int32Array, values: number, keyOf: (row: number) => number): Int32Array {
  const next = new Int32Array(values + 1)
  for (const row of rows) next[keyOf(row) + 1]!++
  for (let value = 0; value < values; value++) next[value + 1]! += next[value]!
  const sorted = new Int32Array(rows.length)
  for (const row of rows) sorted[next[keyOf(row)]!++] = row
  return sorted
}
