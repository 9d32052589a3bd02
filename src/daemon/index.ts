export { type Daemon, type DaemonOptions, startDaemon } from './daemon.ts'
export { type DailyOptions, startDaily } from './daily.ts'
export { type Scheduled, type ScheduledOptions, startScheduled } from './scheduled.ts'
export { isAhead, madeAt, readSchedule, type Schedule, slotAfter, slotBefore } from './slot.ts'
