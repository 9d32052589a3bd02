import type { Place } from '../model.ts'
import { query } from './database.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/** An entity of the source that some snapshot showed. */
export interface KnownEntity {
  readonly id: number
  /** hexadecimal, of the version that still holds; null when none does, or when its salt was disposed of */
  readonly digest: string | null
  readonly salt: Buffer | null
  /** number of the part that showed it last */
  readonly partId: number | null
}

/** More of them than these are not kept in memory: the place that was asked for longest ago is forgotten first. */
const mostKept = 300_000

/** Entities of a source by place and dataset, read when a place is asked for. Nobody can change them while the run holds the source. */
export class KnownEntities {
  readonly #store: Store
  readonly #sourceId: number
  readonly #byPlace = new Map<string, Promise<PlaceEntities>>()
  readonly #sizes = new Map<string, number>()
  #kept = 0

  constructor(store: Store, sourceId: number) {
    this.#store = store
    this.#sourceId = sourceId
  }

  /** @returns the entities of a place, by dataset and key */
  async at(place: Place): Promise<PlaceEntities> {
    const name = `${place.accountId} ${place.region}`
    const known = this.#byPlace.get(name)
    if (known !== undefined) {
      this.#byPlace.delete(name)
      this.#byPlace.set(name, known)
      return known
    }
    const reading = read(this.#store, this.#sourceId, place)
    this.#byPlace.set(name, reading)
    reading.catch(() => this.#byPlace.delete(name))
    const found = await reading
    let size = 0
    for (const entities of found.values()) size += entities.size
    this.#sizes.set(name, size)
    this.#kept += size
    for (const oldest of this.#byPlace.keys()) {
      if (this.#kept <= mostKept || oldest === name) break
      this.#byPlace.delete(oldest)
      this.#kept -= this.#sizes.get(oldest) ?? 0
    }
    return found
  }
}

export type PlaceEntities = ReadonlyMap<string, ReadonlyMap<string, KnownEntity>>

async function read(store: Store, sourceId: number, place: Place): Promise<PlaceEntities> {
  const rows = await query<Row>(
    store.db,
    `select d.name as dataset, k.key, e.id, v.digest, v.part_id, t.salt
     from entity e join dataset d on d.id = e.dataset_id join resource_key k on k.id = e.key_id
     left join entity_version v on v.entity_id = e.id and v.to_version = ${stillHolds}
     left join entity_salt t on t.entity_id = e.id
     where e.source_id = $1 and e.dataset_id = any (array(select id from dataset))
       and e.place_id = (select id from place where account_id = $2 and region = $3)`,
    [sourceId, place.accountId, place.region],
  )
  const byDataset = new Map<string, Map<string, KnownEntity>>()
  for (const { dataset, key, id, digest, part_id, salt } of rows) {
    const entity = { id, digest: salt === null ? null : (digest?.toString('hex') ?? null), salt, partId: part_id }
    const known = byDataset.get(dataset)
    if (known === undefined) byDataset.set(dataset, new Map([[key, entity]]))
    else known.set(key, entity)
  }
  return byDataset
}

interface Row {
  readonly dataset: string
  readonly key: string
  readonly id: number
  readonly digest: Buffer | null
  readonly part_id: number | null
  readonly salt: Buffer | null
}
