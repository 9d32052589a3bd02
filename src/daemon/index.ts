export { type Daemon, type DaemonOptions, startDaemon } from './daemon.ts'
export { type DailyOptions, startDaily } from './daily.ts'
