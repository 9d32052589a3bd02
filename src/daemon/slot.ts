const minuteMs = 60_000
const dayMs = 86_400_000

/** The nominal time of a slot: the tick, cut to the minute. */
export function slotOf(tick: Date): Date {
  return new Date(Math.floor(tick.getTime() / minuteMs) * minuteMs)
}

/** The last nominal time at or before `now`, looking back 31 days; null when the schedule is rarer than that. */
export function previousSlot(task: { match(date: Date): boolean }, now: Date): Date | null {
  const latest = slotOf(now).getTime()
  for (let time = latest; time > latest - 31 * dayMs; time -= minuteMs) {
    const slot = new Date(time)
    if (task.match(slot)) return slot
  }
  return null
}

/**
 * The last time at or before `now` at which a slot that brought nothing is tried again: 10, 20, 40, … minutes after it, so that a refusal that
 * lasts is asked about ever more rarely. Null before the first of them.
 */
export function retryTime(slot: Date, now: Date): Date | null {
  const minutes = (now.getTime() - slot.getTime()) / minuteMs
  if (minutes < 10) return null
  return new Date(slot.getTime() + 10 * 2 ** Math.floor(Math.log2(minutes / 10)) * minuteMs)
}
