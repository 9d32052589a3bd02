import { existsSync, readFileSync } from 'node:fs'

const status = '/proc/self/status'

/**
 * The most memory that was resident in this process, in MiB. `maxRSS` is not that on Linux: a process inherits there what its parent held
 * when it was started, whatever program it runs since.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html VmHWM
 */
export function peakMiB(): number {
  const peak = existsSync(status) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8')) : null
  return Math.round(peak === null ? process.resourceUsage().maxRSS / 1024 : Number(peak[1]) / 1024)
}
