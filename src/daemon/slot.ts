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
