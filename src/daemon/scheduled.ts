import type { Log } from '../log.ts'
import { startBell } from './bell.ts'
import { isAhead, readSchedule, retryTime, slotBefore } from './slot.ts'
import { tellOnce } from './told.ts'

/** Work, and the schedule it is done on. */
export interface ScheduledOptions {
  /** of the work, for claims and logs */
  readonly name: string
  /** cron expression of five fields and the IANA zone it is meant in */
  readonly schedule: string
  readonly timeZone: string
  /** when it was last done, or since when it could have been; null: there is nothing to do it on yet */
  lastDone(): Promise<Date | null>
  /** true for exactly one caller per (schedule, nominal time), over all processes that share the database */
  claim(schedule: string, nominalTime: Date): Promise<boolean>
  /** does it; ends early when the signal aborts */
  work(signal: AbortSignal): Promise<void>
  now(): Date
  readonly log: Log
  /** how often to look; default a minute */
  readonly checkEveryMs?: number
}

/** Scheduled work that is going on. */
export interface Scheduled {
  /** why the last attempt of this process failed; null: it did not, or the work was done since, by whichever process */
  failure(): Error | null
  stop(): Promise<void>
}

/**
 * Work that is done once for each slot of a schedule, over all processes: at the slot, and when it is not done after it at once by a daemon that
 * starts, then 10, 20, 40 and 80 minutes after the slot and every hour from then on.
 */
export function startScheduled(options: ScheduledOptions): Scheduled {
  const stopping = new AbortController()
  const schedule = readSchedule(options.schedule, options.timeZone)
  let failure: Error | null = null

  const look = async (isStart: boolean): Promise<void> => {
    const now = options.now()
    const slot = slotBefore(schedule, now)
    const last = stopping.signal.aborted || slot === null ? null : await options.lastDone()
    if (slot === null || last === null) return
    // what is dated ahead of the clock was not done since the slot: nobody knows when
    if (last >= slot && !isAhead(last, now)) {
      failure = null
      return
    }
    if (!isStart && !(await options.claim(options.name, retryTime(slot, now) ?? slot))) return
    try {
      await options.work(stopping.signal)
      failure = null
    } catch (error) {
      if (stopping.signal.aborted) return
      failure = error instanceof Error ? error : new Error(String(error))
      options.log.error(`${options.name} failed`, { slot, error })
    }
  }
  const told = tellOnce(error => options.log.error(`${options.name} could not be looked after`, { error }), options.now)
  let looking = Promise.resolve()
  let isLooking = false
  const silence = startBell(options.schedule, options.timeZone, options.checkEveryMs ?? 60_000, () => {
    if (isLooking) return
    isLooking = true
    looking = looking
      .then(() => look(false))
      .then(told.succeeded, told.failed)
      .finally(() => {
        isLooking = false
      })
  })
  // after the bell: what cannot be rung begins no work
  looking = look(true).catch(told.failed)

  return {
    failure: () => failure,
    async stop() {
      stopping.abort()
      await silence()
      await looking
    },
  }
}
