import { createTask } from 'node-cron'
import { plainCron } from '../cron.ts'

/**
 * Rings at every tick of a schedule, and in between as often as is asked for: a tick that falls into an hour which clocks skip, or that a
 * busy process was too late for, is found by whoever looks then.
 * @param expression five cron fields @param timeZone IANA name
 * @returns silences it
 */
export function startBell(expression: string, timeZone: string, everyMs: number, ring: () => void): () => Promise<void> {
  // its own warning of a late tick would be a line of another form in the log, and the next look makes up for it
  const task = createTask(plainCron(expression), ring, {
    timezone: timeZone,
    suppressMissedWarning: true,
    missedExecutionTolerance: 1000,
  })
  const timer = setInterval(ring, everyMs)
  const started = Promise.resolve(task.start())
  return async () => {
    clearInterval(timer)
    await started
    await task.destroy()
  }
}
