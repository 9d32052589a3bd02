import type { Log } from '../log.ts'

/** Work that is done once a day. */
export interface DailyOptions {
  /** of the schedule, for claims and logs */
  readonly name: string
  /** true for exactly one caller per (schedule, nominal time), over all processes that share the database */
  claim(schedule: string, nominalTime: Date): Promise<boolean>
  work(): Promise<void>
  now(): Date
  readonly log: Log
  /** how often to look whether a day has begun; default an hour */
  readonly checkEveryMs?: number
}

/** Work that is done once a day (UTC) over all processes: at the first look of a day. What fails is logged and tried again the next day. */
export function startDaily(options: DailyOptions): { stop(): Promise<void> } {
  let stopping = false
  const look = async (): Promise<void> => {
    if (stopping) return
    const day = new Date(`${options.now().toISOString().slice(0, 10)}T00:00:00Z`)
    if (await options.claim(options.name, day)) await options.work()
  }
  const failed = (error: unknown) => options.log.error('daily work failed', { work: options.name, error })
  let looking = look().catch(failed)
  const timer = setInterval(() => {
    looking = looking.then(look).catch(failed)
  }, options.checkEveryMs ?? 3_600_000)
  return {
    async stop() {
      stopping = true
      clearInterval(timer)
      await looking
    },
  }
}
