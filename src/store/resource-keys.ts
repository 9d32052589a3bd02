import type { Copier } from './copier.ts'
import type { CopyRows } from './copy-rows.ts'
import { query } from './database.ts'
import { Numbers } from './numbers.ts'
import type { Store } from './store.ts'

/** Numbers of a source's keys, made where they are new. Only the run that holds the source makes any. */
export class ResourceKeys {
  readonly #store: Store
  readonly #sourceId: number
  /** every key of the source has passed through here, so that one which is not known is new */
  readonly #isWhole: boolean
  readonly #ids = new Map<string, number>()
  readonly #named = new Set<string>()
  readonly #rows: CopyRows
  readonly #numbers: Numbers

  constructor(store: Store, sourceId: number, copier: Copier, isWhole: boolean) {
    this.#store = store
    this.#sourceId = sourceId
    this.#isWhole = isWhole
    this.#rows = copier.table('resource_key', ['id', 'source_id', 'key'])
    this.#numbers = new Numbers(store, 'resource_key')
  }

  /** Notes a key that `resolve` is to make known. */
  name(key: string): void {
    if (!this.#ids.has(key)) this.#named.add(key)
  }

  /** Makes the numbers of the keys that were named known to `idOf`. */
  async resolve(): Promise<void> {
    if (this.#named.size === 0) return
    const missing = [...this.#named].map(ownText)
    this.#named.clear()
    if (!this.#isWhole) {
      const rows = await query<{ id: number; key: string }>(
        this.#store.db,
        'select id, key from resource_key where source_id = $1 and key = any ($2::text[])',
        [this.#sourceId, missing],
      )
      for (const { id, key } of rows) this.#ids.set(key, id)
    }
    for (const key of missing) {
      if (this.#ids.has(key)) continue
      const id = await this.#numbers.next()
      this.#ids.set(key, id)
      this.#rows.row()
      this.#rows.int(id)
      this.#rows.int(this.#sourceId)
      this.#rows.text(key)
    }
  }

  idOf(key: string): number {
    const id = this.#ids.get(key)
    if (id === undefined) throw new Error(`the key ${key} has no number`)
    return id
  }
}

/** A text that does not keep alive the larger one it was cut from. */
export function ownText(text: string): string {
  return Buffer.from(text).toString()
}
