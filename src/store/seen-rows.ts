import type pg from 'pg'
import { type CopiedRow, copyOut } from './copy-out.ts'
import { datasetKey, type Population, type TouchedDataset } from './dataset-summary.ts'
import { LeafSet } from './leaf-set.ts'
import type { PartGroup, RunParts } from './run-parts.ts'
import type { SpillFile } from './spill-file.ts'
import { betweenQuotes } from './version-reading.ts'
import { seenAt } from './versions.ts'

/**
 * Counts and digests of some datasets of a snapshot that is being sealed, as `populationsOf` computes them: the rows come as they are stored, and
 * each key and parent once.
 * @param client that sees what the seal has written
 * @param parts every part of the source
 * @param aside takes what need not be in memory
 */
export async function countSeenRows(
  client: pg.ClientBase,
  parts: RunParts,
  { sourceId, version }: { readonly sourceId: number; readonly version: number },
  touched: readonly TouchedDataset[],
  aside: SpillFile,
): Promise<Population[]> {
  const counting = new Counting(parts, touched, aside)
  for (const kind of ['entity', 'membership', 'assignment'] as const) {
    // an odd row of a dataset of edges is an entity
    const its = kind === 'entity' ? touched : touched.filter(each => counting.edgesOf(each) === kind)
    if (its.length === 0) continue
    const chosen = `in (select * from unnest('{${its.map(each => each.datasetId)}}'::int[], '{${its.map(each => each.placeId)}}'::int[]))`
    const seen = `v.source_id = ${sourceId} and ${seenAt(kind, String(version))}`
    if (kind === 'entity') {
      await copyOut(
        client,
        `select v.part_id, k.key, v.digest from entity e join entity_version v on v.entity_id = e.id join resource_key k on k.id = e.key_id
         where e.source_id = ${sourceId} and (e.dataset_id, e.place_id) ${chosen} and ${seen}`,
        row => counting.entity(row),
      )
      counting.sum(null)
      continue
    }
    const column = kind === 'membership' ? 'user_id' : 'principal_id'
    const keys: string[] = []
    await copyOut(
      client,
      `select k.id, k.key from resource_key k where k.source_id = ${sourceId} and exists (select from ${kind}_version v where v.${column} = k.id)`,
      row => {
        keys[row.int()] = betweenQuotes(row.text()!)
      },
    )
    // where every part is counted, none is looked up
    const ofThese = counting.areAll(kind, its)
      ? ''
      : ` and v.part_id in (select p.id from part p where p.source_id = ${sourceId} and (p.dataset_id, p.place_id) ${chosen})`
    const type = kind === 'membership' ? '' : 'v.principal_type, '
    const select = `select v.part_id, ${type}v.${column}, v.digest from ${kind}_version v where ${seen}${ofThese}`
    await copyOut(client, select, row => counting.edge(row, kind, keys))
    counting.sum(kind)
  }
  return counting.populations
}

class Counting {
  readonly populations: Population[] = []
  readonly #parts: RunParts
  readonly #indexOf = new Map<number, number>()
  readonly #leaves = new Map<PartGroup, LeafSet>()
  readonly #groups: ReadonlyMap<string, PartGroup>
  #partId = 0
  #parent = ''
  #set: LeafSet | null = null

  constructor(parts: RunParts, touched: readonly TouchedDataset[], aside: SpillFile) {
    this.#parts = parts
    for (let index = 0; index < parts.count; index++) this.#indexOf.set(parts.idOf(index), index)
    this.#groups = new Map(parts.groups.map(group => [datasetKey(group.dataset, group.place), group]))
    for (const each of touched) this.#leaves.set(this.#groupOf(each), new LeafSet(aside))
  }

  edgesOf(touched: TouchedDataset): PartGroup['edges'] {
    return this.#groupOf(touched).edges
  }

  areAll(kind: 'membership' | 'assignment', touched: readonly TouchedDataset[]): boolean {
    return touched.length === this.#parts.groups.filter(group => group.edges === kind).length
  }

  entity(row: CopiedRow): void {
    this.#take(row.int())
    const key = JSON.stringify(row.text())
    this.#set!.add(key, `"${this.#parent}"`, row.hex()!)
  }

  edge(row: CopiedRow, kind: 'membership' | 'assignment', keys: readonly string[]): void {
    this.#take(row.int())
    const type = kind === 'membership' ? '|' : row.int() === 1 ? '|USER|' : '|GROUP|'
    const key = keys[row.int()]!
    this.#set!.add(`"${this.#parent}${type}${key}"`, `"${this.#parent}"`, row.hex()!)
  }

  /** Adds up the datasets that hold such edges (null: none): all their rows came, and their leaves are not kept any longer. */
  sum(edges: PartGroup['edges']): void {
    for (const [group, set] of this.#leaves) {
      if (group.edges !== edges) continue
      const { dataset, place } = group
      if (set.count > 0) this.populations.push({ dataset, place, count: set.count, digest: set.digest() })
      this.#leaves.delete(group)
    }
  }

  /** Rows of one part stand together for the most part. */
  #take(partId: number): void {
    if (partId === this.#partId) return
    const index = this.#indexOf.get(partId)
    if (index === undefined) throw new Error(`rows of the part ${partId}, which is not known`)
    this.#partId = partId
    this.#parent = betweenQuotes(this.#parts.parentOf(index))
    this.#set = this.#leaves.get(this.#parts.groupOf(index))!
  }

  #groupOf({ dataset, place }: TouchedDataset): PartGroup {
    return this.#groups.get(datasetKey(dataset, place))!
  }
}
