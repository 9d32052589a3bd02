import { query } from './database.ts'
import type { Store } from './store.ts'

/**
 * Claims one slot of a schedule, once over all processes and for ever.
 * @param nominalTime when the slot is due, not when it is claimed
 * @param holder who claims it, for people
 * @returns false when somebody claimed it before
 */
export async function claimSlot(store: Store, schedule: string, nominalTime: Date, holder: string): Promise<boolean> {
  const claimed = await query(
    store.db,
    'insert into schedule_slot (schedule, nominal_time, holder) values ($1, $2, $3) on conflict do nothing returning schedule',
    [schedule, nominalTime, holder],
  )
  return claimed.length === 1
}
