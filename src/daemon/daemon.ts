import { createTask } from 'node-cron'
import type { Log } from '../log.ts'
import type { Source } from '../model.ts'
import { previousSlot, retryTime, slotOf } from './slot.ts'

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
  /** whether the last snapshot of every source has been judged; true when there is none */
  isJudged(): Promise<boolean>
  now(): Date
  readonly log: Log
  /** how often to look for work that was missed; default a minute */
  readonly checkEveryMs?: number
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
 * Collects and evaluates on a schedule until stopped. What its slot did not bring, because no process was up, the one that had it died or AWS
 * did not answer, is caught up (what was collected and not judged, too): at once when a daemon starts, then 10, 20, 40, … minutes after the slot, once over all processes.
 * A slot whose predecessor still runs is left out and logged; a failing source does not keep the others from being read.
 */
export function startDaemon(options: DaemonOptions): Daemon {
  const stopping = new AbortController()
  let collecting: string | null = null
  let work: Promise<void> = Promise.resolve()
  let busy = false

  const runSources = async (schedule: string, nominalTime: Date, sources: readonly Source[]): Promise<void> => {
    let done = 0
    for (const source of sources) {
      if (stopping.signal.aborted) return
      // a daemon that starts claims nothing: whoever holds the source, alive, keeps it from being read twice
      if (schedule !== 'start' && !(await options.claim(`${schedule}/${source.label}`, nominalTime))) continue
      collecting = source.label
      try {
        await options.collect(source, stopping.signal)
        done++
      } catch (error) {
        if (stopping.signal.aborted) options.log.info('collection stopped early', { source: source.label, error })
        else if ((error as { code?: unknown } | null)?.code === 'SOURCE_BUSY')
          options.log.info('collected elsewhere', { source: source.label })
        else options.log.error('collection failed', { source: source.label, error })
      } finally {
        collecting = null
      }
    }
    if (stopping.signal.aborted || (done === 0 && (await options.isJudged()))) return
    await options.evaluate()
  }

  const begin = (schedule: string, nominalTime: Date, sources: readonly Source[]): void => {
    if (busy || stopping.signal.aborted) {
      options.log.warn('slot left out', { slot: nominalTime, reason: busy ? 'the previous run is still under way' : 'stopping' })
      return
    }
    busy = true
    work = runSources(schedule, nominalTime, sources)
      .catch(error => options.log.error('scheduled run failed', { slot: nominalTime, error }))
      .finally(() => {
        busy = false
      })
  }

  const task = createTask(options.schedule.collect, context => begin('collect', slotOf(context.date), options.sources), {
    timezone: options.schedule.timeZone,
    name: 'collect',
  })
  void Promise.resolve(task.start()).catch(error => options.log.error('schedule failed', { error }))

  /** Takes up what the last slot did not bring; `schedule` and `nominalTime` say whose turn it is. */
  const catchUp = async (schedule: string, nominalTime: Date, slot: Date | null): Promise<void> => {
    const missing = await behind(options, slot)
    const isIdle = missing.length === 0 && (await options.isJudged())
    if (isIdle || busy || stopping.signal.aborted) return
    options.log.info('catching up', { sources: missing.map(source => source.label), evaluation: missing.length === 0, slot })
    begin(schedule, nominalTime, missing)
  }
  const look = async (): Promise<void> => {
    const slot = previousSlot(task, options.now())
    const due = slot === null || busy ? null : retryTime(slot, options.now())
    if (due !== null) await catchUp('retry', due, slot)
  }
  const failed = (error: unknown) => options.log.error('catching up failed', { error })
  let looking = catchUp('start', slotOf(options.now()), previousSlot(task, options.now())).catch(failed)
  const timer = setInterval(() => {
    looking = looking.then(look).catch(failed)
  }, options.checkEveryMs ?? 60_000)

  return {
    nextRun: () => (stopping.signal.aborted ? null : task.getNextRun()),
    collecting: () => collecting,
    async stop() {
      stopping.abort()
      clearInterval(timer)
      await looking
      await task.destroy()
      await work
    },
  }
}

/** Sources without a snapshot since the last slot. A schedule rarer than a month owes nothing but the first snapshot. */
async function behind(options: DaemonOptions, slot: Date | null): Promise<readonly Source[]> {
  const seals = await Promise.all(options.sources.map(source => options.lastSealed(source)))
  return options.sources.filter((_, i) => {
    const sealed = seals[i] ?? null
    return sealed === null || (slot !== null && sealed < slot)
  })
}
