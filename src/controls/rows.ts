import type { Facts, StoredResource } from '../model.ts'
import { Entity, type List, type Recorded, type Surroundings } from './entity.ts'
import type { GapIndex } from './gap-index.ts'
import { emptyList, joinGaps, OpenList, type Unknown } from './values.ts'

/** The rows of one dataset at one place, by key and by part, with what may be missing of them. */
export class DatasetRows {
  readonly dataset: string
  readonly #gaps: GapIndex
  readonly #byKey = new Map<string, StoredResource>()
  readonly #byParent = new Map<string, StoredResource[]>()

  constructor(dataset: string, gaps: GapIndex) {
    this.dataset = dataset
    this.#gaps = gaps
  }

  /** @param parent what the row belongs to, where the key says it better than the part */
  add(row: StoredResource, parent: string = row.parent): void {
    this.#byKey.set(row.key, row)
    const list = this.#byParent.get(parent)
    if (list === undefined) this.#byParent.set(parent, [row])
    else list.push(row)
  }

  get size(): number {
    return this.#byKey.size
  }

  all(): Iterable<StoredResource> {
    return this.#byKey.values()
  }

  byKey(key: string): StoredResource | undefined {
    return this.#byKey.get(key)
  }

  of(parent: string): readonly StoredResource[] {
    return this.#byParent.get(parent) ?? []
  }

  /** What hides rows of one part. A whole gap that only speaks of unknown parents hides nothing of a known one. */
  partGap(...names: readonly string[]): Unknown | undefined {
    const gaps = this.#gaps
    for (const name of names) {
      const own = gaps.part(this.dataset, name) ?? gaps.rows(this.dataset).get(name)
      if (own !== undefined) return own
      for (const [key, why] of gaps.rows(this.dataset)) if (key.startsWith(`${name}|`)) return why
    }
    return gaps.isExplainedByParents(this.dataset) ? undefined : gaps.whole(this.dataset)
  }

  /** What may hide any row of the dataset. */
  listGap(): Unknown | undefined {
    let found = this.#gaps.list(this.dataset)
    for (const row of this.#gaps.rows(this.dataset).values()) found = found === undefined ? row : joinGaps(found, row)
    return found
  }

  /** Keys of rows that are known to be there and could not be read. */
  unreadKeys(): Iterable<string> {
    return this.#gaps.rows(this.dataset).keys()
  }

  /** Why the row of a key is not there, or null when that proves that there is none. */
  absence(key: string, ...parts: readonly string[]): Unknown | null {
    return this.#gaps.rows(this.dataset).get(key) ?? this.partGap(...parts) ?? null
  }

  /** The rows of one part as a list, open where something may be missing. */
  listOf<T>(parent: string, make: (row: StoredResource) => T, ...names: readonly string[]): List {
    return closedOr(this.of(parent).map(make), this.partGap(parent, ...names))
  }

  /** All rows as a list, open where something may be missing. */
  list<T>(make: (row: StoredResource) => T): List {
    return closedOr([...this.all()].map(make), this.listGap())
  }
}

/** A complete list, or an open one when a gap may hide more. */
export function closedOr(items: readonly unknown[], why: Unknown | undefined): List {
  if (why !== undefined) return new OpenList(items, [], why, { isUnbounded: false, isOpen: true })
  return items.length === 0 ? emptyList : items
}

/** An entity that is one row, or the key of a row that could not be read. */
export abstract class RowEntity extends Entity implements Recorded {
  readonly dataset: string
  readonly key: string
  readonly row: StoredResource | undefined
  readonly #why: Unknown | undefined

  /** @param why why there is no row */
  constructor(estate: Surroundings, dataset: string, key: string, row: StoredResource | undefined, why?: Unknown) {
    super(estate, 0)
    this.dataset = dataset
    this.key = key
    this.row = row
    this.#why = why
  }

  get facts(): Facts | undefined {
    return this.row?.facts
  }
  absence(): Unknown {
    return this.#why ?? this.estate.invalid(this.dataset, this.key, `${this.key} of ${this.dataset} is missing from the snapshot`)
  }
}

/** A tag of a resource, as AWS lists it. */
export class Tag {
  readonly typeName = 'Tag'
  readonly Key: string | Unknown
  readonly Value: string | Unknown

  constructor(key: string | Unknown, value: string | Unknown) {
    this.Key = key
    this.Value = value
  }
}

/** The tags of one resource; a row that is no tag leaves the list open. */
export function tagsOf(rows: DatasetRows, estate: Surroundings, resource: string): List {
  const made = rows
    .of(resource)
    .map(({ key, facts }) =>
      typeof facts.Key === 'string' && typeof facts.Value === 'string'
        ? new Tag(facts.Key, facts.Value)
        : estate.invalid(rows.dataset, key, `a tag of ${resource} has no Key or no Value`),
    )
  const tags = made.filter(each => each instanceof Tag)
  const wrong = made.find(each => !(each instanceof Tag)) as Unknown | undefined
  return closedOr(tags, wrong ?? rows.partGap(resource))
}
