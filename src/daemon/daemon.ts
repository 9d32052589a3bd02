import { createTask, type ScheduledTask } from 'node-cron'
import type { Log } from '../log.ts'
import type { Source } from '../model.ts'
import { previousSlot, slotOf } from './slot.ts'

export interface DaemonOptions {
  readonly sources: readonly Source[]
  /** cron expression of five fields and the IANA zone it is meant in */
  readonly schedule: { readonly collect: string; readonly timeZone: string }
  /** true for exactly one caller per (schedule, nominal time), over all processes that share the database */
  claim(schedule: string, nominalTime: Date): Promise<boolean>
  /** seal time of the source's last snapshot; null before the first */
  lastSealed(source: Source): Promise<Date | null>
  /** collects one source; ends early, keeping what it has, when the signal aborts */
  collect(source: Source, signal: AbortSignal): Promise<void>
  /** judges what has been collected; called once after the sources of a slot */
  evaluate(): Promise<void>
  now(): Date
  readonly log: Log
}

export interface Daemon {
  /** null once stopping */
  nextRun(): Date | null
  /** label of the source being collected; null while idle */
  collecting(): string | null
  /** Takes no new work, lets the work under way end at its next safe point, and resolves when all is quiet. */
  stop(): Promise<void>
}

/**
 * Collects and evaluates on a schedule until stopped. A slot that passed while no process was up is caught up at once;
 * a slot whose predecessor still runs is left out and logged; a failing source does not keep the others from being read.
 */
export function startDaemon(options: DaemonOptions): Daemon {
  const stopping = new AbortController()
  let collecting: string | null = null
  let work: Promise<void> = Promise.resolve()
  let busy = false

  const runSlot = async (nominalTime: Date): Promise<void> => {
    let done = 0
    for (const source of options.sources) {
      if (stopping.signal.aborted) return
      if (!(await options.claim(`collect/${source.label}`, nominalTime))) continue
      collecting = source.label
      try {
        await options.collect(source, stopping.signal)
        done++
      } catch (error) {
        if (stopping.signal.aborted) options.log.info('collection stopped early', { source: source.label, error })
        else options.log.error('collection failed', { source: source.label, error })
      } finally {
        collecting = null
      }
    }
    if (done === 0 || stopping.signal.aborted) return
    await options.evaluate()
  }

  const begin = (nominalTime: Date): void => {
    if (busy || stopping.signal.aborted) {
      options.log.warn('slot left out', { slot: nominalTime, reason: busy ? 'the previous run is still under way' : 'stopping' })
      return
    }
    busy = true
    work = runSlot(nominalTime)
      .catch(error => options.log.error('scheduled run failed', { slot: nominalTime, error }))
      .finally(() => {
        busy = false
      })
  }

  const task = createTask(options.schedule.collect, context => begin(slotOf(context.date)), {
    timezone: options.schedule.timeZone,
    name: 'collect',
  })
  void Promise.resolve(task.start()).catch(error => options.log.error('schedule failed', { error }))
  const caughtUp = catchUp(options, task, begin).catch(error => options.log.error('catching up failed', { error }))

  return {
    nextRun: () => (stopping.signal.aborted ? null : task.getNextRun()),
    collecting: () => collecting,
    async stop() {
      stopping.abort()
      await caughtUp
      await task.destroy()
      await work
    },
  }
}

/** Runs the last slot that should have run when some source has no snapshot since then. */
async function catchUp(options: DaemonOptions, task: ScheduledTask, begin: (nominalTime: Date) => void): Promise<void> {
  const slot = previousSlot(task, options.now())
  for (const source of options.sources) {
    const last = await options.lastSealed(source)
    if (last !== null && (slot === null || last >= slot)) continue
    options.log.info('catching up', { source: source.label, slot: slot ?? options.now(), lastSnapshot: last })
    begin(slot ?? slotOf(options.now()))
    return
  }
}
