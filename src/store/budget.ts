import { query } from './database.ts'
import { StoreError } from './error.ts'
import type { Store } from './store.ts'

interface Cut {
  readonly secondsAgo: number
  readonly from: number
}

interface Cuts {
  readonly mine: Cut | null
  adopt(cut: Cut): void
}

/** A call budget that all processes on one database share. */
export interface SharedBudget {
  /**
   * Reserves calls ahead.
   * @param key what the rate is for, e.g. `o-abc/sso`
   * @param slots how many calls
   * @param perSecond the rate of the whole key
   * @param cuts `mine`: AWS throttled the caller so many seconds ago, when it made so many calls a second (null: it did not since it last told);
   * `adopt` is told the newest of anybody
   * @returns milliseconds to wait before the first of them; the others follow at the rate
   */
  reserve(key: string, slots: number, perSecond: number, cuts?: Cuts): Promise<number>
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
    async reserve(key, slots, perSecond, cuts) {
      if (!(slots > 0) || !(perSecond > 0))
        throw new StoreError('DATABASE_FAILED', `${slots} calls at ${perSecond} a second cannot be reserved`)
      const lease = slots / perSecond
      const mine = cuts?.mine ?? null
      const [row] = await query<{ wait_ms: number; cut_ago: number | null; cut_from: number | null }>(
        store.db,
        `insert into call_budget as b (key, tat, cut_at, cut_from)
         values ($1, extract(epoch from clock_timestamp()) + $2::float8, extract(epoch from clock_timestamp()) - $5::float8, $6::float8)
         on conflict (key) do update set tat = $2::float8 + case
           when b.tat > extract(epoch from clock_timestamp()) + $4::float8 then extract(epoch from clock_timestamp())
           else greatest(b.tat, extract(epoch from clock_timestamp()) - $3::float8) end,
           (cut_at, cut_from) = (select c.cut_at, c.cut_from
             from (values (b.cut_at, b.cut_from), (excluded.cut_at, excluded.cut_from)) c (cut_at, cut_from)
             where c.cut_at <= extract(epoch from clock_timestamp()) order by c.cut_at desc limit 1)
         returning greatest(0, (tat - $2::float8 - extract(epoch from clock_timestamp())) * 1000)::float8 as wait_ms,
           (extract(epoch from clock_timestamp()) - cut_at)::float8 as cut_ago, cut_from`,
        [
          ...[key, lease, burstSeconds, Math.max(longestAheadSeconds, lease * longestAheadReservations)],
          ...[mine?.secondsAgo ?? null, mine?.from ?? null],
        ],
      )
      const { wait_ms, cut_ago, cut_from } = row!
      if (cut_ago !== null && cut_from !== null) cuts?.adopt({ secondsAgo: cut_ago, from: cut_from })
      return wait_ms
    },
  }
}
