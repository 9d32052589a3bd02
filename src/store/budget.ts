import { query } from './database.ts'
import { StoreError } from './error.ts'
import type { Store } from './store.ts'

/** A call budget that all processes on one database share. */
export interface SharedBudget {
  /**
   * Reserves calls ahead.
   * @param key what the rate is for, e.g. `o-abc/sso`
   * @param slots how many calls
   * @param perSecond the rate of the whole key
   * @returns milliseconds to wait before the first of them; the others follow at the rate
   */
  reserve(key: string, slots: number, perSecond: number): Promise<number>
}

/** Nobody reserves further ahead; what is was reserved by a clock that has been set back since, and would hold up everybody until then. */
const longestAheadSeconds = 600
/** … or so many reservations of the rate, where they are slow. */
const longestAheadReservations = 100

/** What was left unused for longer than this is lost: no burst builds up over a pause. */
const burstSeconds = 0.1

/**
 * The generic cell rate algorithm in one statement, by the database's clock, so that no two processes need to agree on theirs.
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
export function sharedBudget(store: Store): SharedBudget {
  return {
    async reserve(key, slots, perSecond) {
      if (!(slots > 0) || !(perSecond > 0))
        throw new StoreError('DATABASE_FAILED', `${slots} calls at ${perSecond} a second cannot be reserved`)
      const lease = slots / perSecond
      const [row] = await query<{ wait_ms: number }>(
        store.db,
        `insert into call_budget as b (key, tat) values ($1, extract(epoch from clock_timestamp()) + $2::float8)
         on conflict (key) do update set tat = $2::float8 + case
           when b.tat > extract(epoch from clock_timestamp()) + $4::float8 then extract(epoch from clock_timestamp())
           else greatest(b.tat, extract(epoch from clock_timestamp()) - $3::float8) end
         returning greatest(0, (tat - $2::float8 - extract(epoch from clock_timestamp())) * 1000)::float8 as wait_ms`,
        [key, lease, burstSeconds, Math.max(longestAheadSeconds, lease * longestAheadReservations)],
      )
      return row!.wait_ms
    },
  }
}
