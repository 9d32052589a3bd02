import type { DatasetSummary, SeenSince } from '../model.ts'
import { query } from './database.ts'
import type { SnapshotPosition } from './snapshot.ts'
import type { Store } from './store.ts'

/** Seal time of each snapshot of a source up to one. */
export async function sealTimes(
  store: Store,
  { sourceId, version }: Pick<SnapshotPosition, 'sourceId' | 'version'>,
): Promise<ReadonlyMap<number, Date>> {
  const text = 'select version, sealed_at from snapshot where source_id = $1 and version <= $2'
  const rows = await query<{ version: number; sealed_at: Date }>(store.db, text, [sourceId, version])
  return new Map(rows.map(row => [row.version, row.sealed_at]))
}

/** Since when the rows of a dataset are as they are, in a few different answers for millions of rows. */
export class SeenTimes {
  readonly all: SeenSince[] = []
  readonly #numbers = new Map<string, number>()
  readonly #sealedAt: ReadonlyMap<number, Date>
  readonly #isProvenAbsentBefore: (parent: string, before: number) => boolean

  private constructor(sealedAt: ReadonlyMap<number, Date>, isProvenAbsentBefore: (parent: string, before: number) => boolean) {
    this.#sealedAt = sealedAt
    this.#isProvenAbsentBefore = isProvenAbsentBefore
  }

  static async read(
    store: Store,
    position: SnapshotPosition,
    dataset: DatasetSummary,
    sealedAt: ReadonlyMap<number, Date>,
  ): Promise<SeenTimes> {
    return new SeenTimes(sealedAt, await absences(store, position, dataset))
  }

  of(parent: string, from: number, first: number): SeenSince {
    return this.all[this.number(parent, from, first)]!
  }

  /** @param from version that began the state @param first version that first showed the key @returns where in `all` it stands */
  number(parent: string, from: number, first: number): number {
    const seenFromTheStart = !this.#isProvenAbsentBefore(parent, first)
    const name = `${from} ${first} ${seenFromTheStart}`
    let number = this.#numbers.get(name)
    if (number === undefined) {
      const [since, firstSeenAt] = [this.#sealedAt.get(from)!, this.#sealedAt.get(first)!]
      number = this.all.push({ firstSeenAt, seenFromTheStart, since }) - 1
      this.#numbers.set(name, number)
    }
    return number
  }
}

/** Condition on parts: those of the one dataset ($3) and place ($4, $5) of a source ($1) that is read. */
export const itsParts = (alias: string) =>
  `${alias}.source_id = $1 and ${alias}.dataset_id = (select id from dataset where name = $3)
   and ${alias}.place_id = (select id from place where account_id = $4 and region = $5)`

type Interval = readonly [from: number, to: number]

/**
 * Tells whether some snapshot before a version proves that a key of a part was not there: it read that part, or its dataset without
 * finding the parent. Where none does, the key may be older than anything we know.
 */
async function absences(
  store: Store,
  { sourceId, version }: SnapshotPosition,
  { name, place }: DatasetSummary,
): Promise<(parent: string, before: number) => boolean> {
  const values = [sourceId, version, name, place.accountId, place.region]
  const read = await query<{ version: number }>(
    store.db,
    `select y.version from dataset_summary y join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id
     where y.source_id = $1 and y.version < $2 and d.name = $3 and l.account_id = $4 and l.region = $5 and y.parts > 0
     order by y.version`,
    values,
  )
  const open = await query<{ parent: string; from_version: number; to_version: number }>(
    store.db,
    `select p.parent, o.from_version, o.to_version from open_part_version o join part p on p.id = o.part_id
     where o.source_id = $1 and o.from_version < $2 and ${itsParts('p')}`,
    values,
  )
  const intervals = new Map<string, Interval[]>()
  for (const row of open) {
    const known = intervals.get(row.parent)
    if (known === undefined) intervals.set(row.parent, [[row.from_version, row.to_version]])
    else known.push([row.from_version, row.to_version])
  }
  const isOpenAt = (parent: string, at: number) => (intervals.get(parent) ?? []).some(([from, to]) => from <= at && at < to)
  const listed = read.map(row => row.version).filter(at => !isOpenAt('', at))
  return (parent, before) =>
    intervals.has(parent)
      ? listed.some(at => at < before && !isOpenAt(parent, at))
      : listed[0] !== undefined && listed[0] < before
}
