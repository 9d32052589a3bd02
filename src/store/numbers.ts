import { query } from './database.ts'
import type { Store } from './store.ts'

const fewestAtOnce = 1000
const mostAtOnce = 20_000

/** New numbers of a table whose `id` is an identity, fetched many at a time: they are sent by COPY with their rows. */
export class Numbers {
  readonly #store: Store
  readonly #table: string
  #ready: number[] = []
  #fetch = fewestAtOnce

  constructor(store: Store, table: string) {
    this.#store = store
    this.#table = table
  }

  async next(): Promise<number> {
    if (this.#ready.length === 0) await this.#refill()
    return this.#ready.pop()!
  }

  async #refill(): Promise<void> {
    const [row] = await query<{ ids: number[] }>(
      this.#store.db,
      `select array_agg(nextval(pg_get_serial_sequence($1, 'id')))::int[] as ids from generate_series(1, $2)`,
      [this.#table, this.#fetch],
    )
    this.#ready = row!.ids.sort((a, b) => b - a)
    this.#fetch = mostAtOnce
  }
}
