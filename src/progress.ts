import type { Progress } from './model.ts'

/** How far something long has come, in one line: `reading AWS: 120 of 688 (17 %), 11.8 calls/s, 3 throttled, 48 s left, sso.tags`. */
export function progressText({ phase, done, total, perSecond, throttles = 0, secondsLeft = null, detail }: Progress): string {
  const share =
    total === null || total === 0 ? `${done}` : `${done} of ${total} (${Math.min(100, Math.floor((100 * done) / total))} %)`
  const said = [
    share,
    ...(perSecond === undefined ? [] : [`${perSecond.toFixed(1)} calls/s`]),
    ...(throttles === 0 ? [] : [`${throttles} throttled`]),
    ...(secondsLeft === null ? [] : [`${durationText(secondsLeft)} left`]),
    ...(detail === '' ? [] : [detail]),
  ]
  return `${phase}: ${said.join(', ')}`
}

function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`
  return seconds < 6000 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}
