import type { Place } from '../model.ts'
import { streamRows } from './database.ts'
import { Digests } from './digests.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/** An entity of the source that some snapshot showed. */
export interface KnownEntity {
  readonly id: number
  /** hexadecimal, of the version that still holds; null when none does, or when its salt was disposed of */
  readonly digest: string | null
  /** null where there is no such digest */
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

  /** Gives back the memory. What is asked for later is read anew. */
  forget(): void {
    this.#byPlace.clear()
    this.#sizes.clear()
    this.#kept = 0
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

export type PlaceEntities = ReadonlyMap<string, Pick<DatasetEntities, 'get' | 'size'>>

async function read(store: Store, sourceId: number, place: Place): Promise<PlaceEntities> {
  const text = `select d.name as dataset, k.key, e.id, encode(v.digest, 'hex') as digest, v.part_id, encode(t.salt, 'hex') as salt
     from entity e join dataset d on d.id = e.dataset_id join resource_key k on k.id = e.key_id
     left join entity_version v on v.entity_id = e.id and v.to_version = ${stillHolds}
     left join entity_salt t on t.entity_id = e.id
     where e.source_id = $1 and e.dataset_id = any (array(select id from dataset))
       and e.place_id = (select id from place where account_id = $2 and region = $3)`
  const byDataset = new Map<string, DatasetEntities>()
  for await (const batch of streamRows<Row>(store.db, text, [sourceId, place.accountId, place.region], 5000)) {
    for (const row of batch) {
      const known = byDataset.get(row.dataset) ?? new DatasetEntities()
      byDataset.set(row.dataset, known)
      known.add(row)
    }
  }
  return byDataset
}

/** Entities of one dataset in one place; a few columns instead of an object for each. */
export class DatasetEntities {
  readonly #indexOf = new Map<string, number>()
  readonly #ids: number[] = []
  /** 0 for none */
  readonly #partIds: number[] = []
  /** numbers among the digests; -1 for none */
  readonly #digestAt: number[] = []
  readonly #digests = new Digests()
  /** salts one after the other; those that are gone are all zeros */
  #salts = Buffer.alloc(64 * saltBytes)

  get size(): number {
    return this.#ids.length
  }

  add({ key, id, digest, part_id, salt }: Row): void {
    const index = this.#ids.push(id) - 1
    this.#indexOf.set(key, index)
    this.#partIds.push(part_id ?? 0)
    this.#digestAt.push(digest === null || salt === null ? -1 : this.#digests.add(digest))
    if ((index + 1) * saltBytes > this.#salts.length) this.#salts = Buffer.concat([this.#salts], this.#salts.length * 2)
    if (salt !== null) this.#salts.write(salt, index * saltBytes, 'hex')
  }

  get(key: string): KnownEntity | undefined {
    const index = this.#indexOf.get(key)
    if (index === undefined) return undefined
    const at = this.#digestAt[index]!
    return {
      id: this.#ids[index]!,
      digest: at < 0 ? null : this.#digests.get(at),
      salt: at < 0 ? null : this.#salts.subarray(index * saltBytes, (index + 1) * saltBytes),
      partId: this.#partIds[index]! || null,
    }
  }
}

/** As the table of salts demands. */
const saltBytes = 16

interface Row {
  readonly dataset: string
  readonly key: string
  readonly id: number
  readonly digest: string | null
  readonly part_id: number | null
  readonly salt: string | null
}
