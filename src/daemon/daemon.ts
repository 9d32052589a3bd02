import type { Log } from '../log.ts'
import type { Snapshot, Source } from '../model.ts'
import { startBell } from './bell.ts'
import { isAhead, madeAt, minuteOf, readSchedule, retryTime, slotAfter, slotBefore } from './slot.ts'
import { tellOnce } from './told.ts'

/** What a daemon works on, and with. */
export interface DaemonOptions {
  readonly sources: readonly Source[]
  /** cron expression of five fields and the IANA zone it is meant in */
  readonly schedule: { readonly collect: string; readonly timeZone: string }
  /** true for exactly one caller per (schedule, nominal time), over all processes that share the database */
  claim(schedule: string, nominalTime: Date): Promise<boolean>
  /** the source's last snapshot; null before the first */
  lastSnapshot(source: Source): Promise<Pick<Snapshot, 'startedAt' | 'sealedAt'> | null>
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

/** A daemon that is up. */
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
 * did not answer, is caught up (what was collected and not judged, too): at once when a daemon starts, then 10, 20, 40 and 80 minutes after the slot
 * and every hour from then on, once over all processes. A slot whose predecessor still runs is left out and logged; a failing source does not keep
 * the others from being read.
 */
export function startDaemon(options: DaemonOptions): Daemon {
  const schedule = readSchedule(options.schedule.collect, options.schedule.timeZone)
  const stopping = new AbortController()
  let collecting: string | null = null
  let work: Promise<void> = Promise.resolve()
  let busy = false

  /** Whether it is this process's turn. Where the clock was set back its slots may all have been taken before: then it is everybody's. */
  const isOurs = async (turn: string, nominalTime: Date, source: Source): Promise<boolean> => {
    // a daemon that starts claims nothing: whoever holds the source, alive, keeps it from being read twice
    if (turn === 'start' || (await options.claim(`${turn}/${source.label}`, nominalTime))) return true
    const last = await options.lastSnapshot(source)
    return last !== null && isAhead(last.sealedAt, options.now())
  }

  const runSources = async (turn: string, nominalTime: Date, sources: readonly Source[]): Promise<void> => {
    let done = 0
    for (const source of sources) {
      if (stopping.signal.aborted) return
      if (!(await isOurs(turn, nominalTime, source))) continue
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

  const begin = (turn: string, nominalTime: Date, sources: readonly Source[]): void => {
    busy = true
    work = runSources(turn, nominalTime, sources)
      .catch(error => options.log.error('scheduled run failed', { slot: nominalTime, error }))
      .finally(() => {
        busy = false
      })
  }

  /** Takes up what the last slot did not bring; `turn` and `nominalTime` say whose turn it is. */
  const catchUp = async (turn: string, nominalTime: Date, slot: Date | null): Promise<void> => {
    const missing = await behind(options, slot)
    const isIdle = missing.length === 0 && (await options.isJudged())
    if (isIdle || busy || stopping.signal.aborted) return
    options.log.info('catching up', { sources: missing.map(source => source.label), evaluation: missing.length === 0, slot })
    begin(turn, nominalTime, missing)
  }

  let seen = slotBefore(schedule, options.now())
  let tried: number | null = null
  const look = async (): Promise<void> => {
    const slot = slotBefore(schedule, options.now())
    const isNew = slot !== null && (seen === null || slot > seen)
    seen = slot
    if (slot === null || stopping.signal.aborted) return
    if (isNew && busy) options.log.warn('slot left out', { slot, reason: 'the previous run is still under way' })
    if (isNew && !busy) begin('collect', slot, options.sources)
    const due = busy ? null : retryTime(slot, options.now())
    // a turn that was taken, here or elsewhere, is over: the next one comes
    if (due === null || due.getTime() === tried) return
    await catchUp('retry', due, slot)
    tried = due.getTime()
  }
  const told = tellOnce(error => options.log.error('catching up failed', { error }), options.now)

  let looking = Promise.resolve()
  let isLooking = false
  const silence = startBell(options.schedule.collect, options.schedule.timeZone, options.checkEveryMs ?? 60_000, () => {
    if (isLooking) return
    isLooking = true
    looking = looking
      .then(look)
      .then(told.succeeded, told.failed)
      .finally(() => {
        isLooking = false
      })
  })
  // after the bell: what cannot be rung begins no work
  looking = catchUp('start', minuteOf(options.now()), seen).catch(told.failed)

  return {
    nextRun: () => (stopping.signal.aborted ? null : slotAfter(schedule, options.now())),
    collecting: () => collecting,
    async stop() {
      stopping.abort()
      await silence()
      await looking
      await work
    },
  }
}

/** Sources without a snapshot since the last slot; one that a clock dated which was ahead is none. */
async function behind(options: DaemonOptions, slot: Date | null): Promise<readonly Source[]> {
  const snapshots = await Promise.all(options.sources.map(source => options.lastSnapshot(source)))
  return options.sources.filter((_, i) => {
    const last = snapshots[i] ?? null
    const made = last === null ? null : madeAt(last, options.now())
    return made === null || (slot !== null && made < slot)
  })
}
