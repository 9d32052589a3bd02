import type { Copier } from './copier.ts'
import type { CopyRows } from './copy-rows.ts'
import { query } from './database.ts'
import type { Fields } from './fields.ts'
import { KeyTable } from './key-table.ts'
import { Numbers } from './numbers.ts'
import type { Store } from './store.ts'

/** Numbers of a source's keys, made where they are new. Only the run that holds the source makes any. */
export class ResourceKeys {
  readonly #store: Store
  readonly #sourceId: number
  /** every key of the source has passed through here, so that one which is not known is new */
  readonly #isWhole: boolean
  readonly #table = new KeyTable()
  /** number of each key of the table; 0 until it is resolved */
  readonly #ids: number[] = []
  readonly #rows: CopyRows
  readonly #numbers: Numbers
  #resolved = 0

  constructor(store: Store, sourceId: number, copier: Copier, isWhole: boolean) {
    this.#store = store
    this.#sourceId = sourceId
    this.#isWhole = isWhole
    this.#rows = copier.table('resource_key', ['id', 'source_id', 'key'])
    this.#numbers = new Numbers(store, 'resource_key')
  }

  /** Takes up a key. @returns what `idOf` knows it by, once `resolve` is done */
  name(fields: Fields, i: number): number {
    return this.#table.enter(fields.bytes, fields.from(i), fields.to(i))
  }

  /** Makes the numbers of the keys that were named known to `idOf`. */
  async resolve(): Promise<void> {
    const [from, to] = [this.#resolved, this.#table.count]
    if (from === to) return
    const known = this.#isWhole ? new Map<string, number>() : await this.#known(from, to)
    for (let key = from; key < to; key++) {
      const text = this.#table.text(key)
      const id = known.get(text)
      this.#ids.push(id ?? (await this.#numbers.next()))
      if (id !== undefined) continue
      this.#rows.row()
      this.#rows.int(this.#ids[key]!)
      this.#rows.int(this.#sourceId)
      this.#rows.text(text)
    }
    this.#resolved = to
  }

  /** @param named what `name` said */
  idOf(named: number): number {
    const id = this.#ids[named]
    if (id === undefined) throw new Error(`the key ${this.#table.text(named)} has no number`)
    return id
  }

  async #known(from: number, to: number): Promise<ReadonlyMap<string, number>> {
    const missing: string[] = []
    for (let key = from; key < to; key++) missing.push(this.#table.text(key))
    const rows = await query<{ id: number; key: string }>(
      this.#store.db,
      'select id, key from resource_key where source_id = $1 and key = any ($2::text[])',
      [this.#sourceId, missing],
    )
    return new Map(rows.map(row => [row.key, row.id]))
  }
}
