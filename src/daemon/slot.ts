import { type Cron, readCron } from '../cron.ts'
import type { Snapshot } from '../model.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** 29 February comes every four years, and over a year like 2100 after eight. */
const longestDays = 8 * 366

/** A cron expression in a time zone. Slots are instants; they are found from the fields, day by day, so that a rare one costs no more than a nightly one. */
export interface Schedule {
  readonly cron: Cron
  readonly timeZone: string
}

/** @param expression five fields that `cronProblem` finds nothing wrong with @param timeZone IANA name */
export function readSchedule(expression: string, timeZone: string): Schedule {
  return { cron: readCron(expression), timeZone }
}

/** The last slot at or before an instant; null when there was none in eight years. */
export function slotBefore(schedule: Schedule, at: Date): Date | null {
  const today = localDay(schedule, at)
  for (let day = today + dayMs; day > today - longestDays * dayMs; day -= dayMs) {
    const slot = slotsOf(schedule, day).findLast(each => each <= at.getTime())
    if (slot !== undefined) return new Date(slot)
  }
  return null
}

/** The first slot after an instant; null when there is none in eight years. */
export function slotAfter(schedule: Schedule, at: Date): Date | null {
  const today = localDay(schedule, at)
  for (let day = today - dayMs; day < today + longestDays * dayMs; day += dayMs) {
    const slot = slotsOf(schedule, day).find(each => each > at.getTime())
    if (slot !== undefined) return new Date(slot)
  }
  return null
}

const clockToleranceMs = 300_000

/** Whether an instant on record lies so far ahead of the clock that the clock, now or then, is wrong. */
export function isAhead(onRecord: Date, now: Date): boolean {
  return onRecord.getTime() > now.getTime() + clockToleranceMs
}

/**
 * When a snapshot was made. No snapshot is sealed before the one before it: after a clock that was ahead, only the begin of its run says when
 * that was. Null: the clock was ahead then too, and nobody knows.
 */
export function madeAt({ startedAt, sealedAt }: Pick<Snapshot, 'startedAt' | 'sealedAt'>, now: Date): Date | null {
  return [sealedAt, startedAt].find(at => !isAhead(at, now)) ?? null
}

/** The nominal time of an instant: cut to the minute. */
export function minuteOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / minuteMs) * minuteMs)
}

/**
 * The last time at or before `now` at which a slot that brought nothing is tried again: 10, 20 and 40 minutes after it, and then every hour
 * from 80 minutes on. Null before the first of them.
 */
export function retryTime(slot: Date, now: Date): Date | null {
  const minutes = (now.getTime() - slot.getTime()) / minuteMs
  if (minutes < 10) return null
  const after = minutes < 80 ? 10 * 2 ** Math.floor(Math.log2(minutes / 10)) : 80 + 60 * Math.floor((minutes - 80) / 60)
  return new Date(slot.getTime() + after * minuteMs)
}

/** A calendar day of the zone, as midnight of that day in UTC. */
function localDay({ timeZone }: Schedule, at: Date): number {
  const local = at.getTime() + offsetMs(timeZone, at.getTime())
  return Math.floor(local / dayMs) * dayMs
}

/**
 * Slots of one calendar day in ascending order. Where clocks are put forward, a time that does not exist comes as much later; where they are
 * put back, a time that comes twice is taken the first time. A schedule of every hour goes by the hours that pass.
 * @see https://manpages.debian.org/bookworm/cron/cron.8.en.html
 */
function slotsOf({ cron, timeZone }: Schedule, day: number): readonly number[] {
  if (!isDayOf(cron, new Date(day))) return []
  // a local day lies within these two, whatever the zone: offsets go from -12 to +14 hours
  const before = offsetMs(timeZone, day - 14 * hourMs)
  const after = offsetMs(timeZone, day + 36 * hourMs)
  const isHourly = cron.hours.size === 24
  const slots = new Set<number>()
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) {
      const local = day + hour * hourMs + minute * minuteMs
      const candidates = [...new Set([local - before, local - after])].sort((a, b) => a - b)
      const real = before === after ? candidates : candidates.filter(each => each + offsetMs(timeZone, each) === local)
      if (real.length === 0) {
        if (!isHourly) slots.add(local - before)
      } else for (const each of isHourly ? real : real.slice(0, 1)) slots.add(each)
    }
  }
  return [...slots].sort((a, b) => a - b)
}

/** As crontab(5) has it: where day of month and day of week are both restricted, either will do. */
function isDayOf({ daysOfMonth, months, daysOfWeek, isEitherDay }: Cron, day: Date): boolean {
  if (!months.has(day.getUTCMonth() + 1)) return false
  const [ofMonth, ofWeek] = [daysOfMonth.has(day.getUTCDate()), daysOfWeek.has(day.getUTCDay())]
  return isEitherDay ? ofMonth || ofWeek : ofMonth && ofWeek
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Milliseconds by which the zone's clocks are ahead of UTC. */
function offsetMs(timeZone: string, at: number): number {
  if (timeZone === 'UTC') return 0
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { ...numeric, timeZone })
  formats.set(timeZone, format)
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const local = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!)
  return local - Math.floor(at / 1000) * 1000
}

const numeric = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
  hourCycle: 'h23',
} as const
