import type { Log } from '../log.ts'
import type { Progress } from '../model.ts'
import { type OpenRun, saveProgress } from '../store/index.ts'

/** A page that shows it is looked at by people; each time is one small statement. */
const savedEveryMs = 2_000
/** A night has many thousand of these. */
const loggedEveryMs = 30_000

/** Hands progress on to whoever asked for it, to the log and to the database, each in its own rhythm, and the first at once. */
export function progressTold(
  run: OpenRun,
  log: Log,
  onProgress: (progress: Progress) => void = () => {},
): (progress: Progress) => void {
  let savedAt = Number.NEGATIVE_INFINITY
  let loggedAt = Number.NEGATIVE_INFINITY
  let saving: Promise<void> | null = null
  return progress => {
    onProgress(progress)
    const now = performance.now()
    if (now - loggedAt >= loggedEveryMs) {
      loggedAt = now
      const { phase, done, total, perSecond = null, throttles = 0, secondsLeft = null } = progress
      log.info('collecting', { source: run.source.label, phase, done, total, perSecond, throttles, secondsLeft })
    }
    if (saving !== null || now - savedAt < savedEveryMs) return
    savedAt = now
    saving = saveProgress(run, progress)
      // what is shown meanwhile is worth no failed night
      .catch(error => log.debug('progress was not saved', { source: run.source.label, error }))
      .finally(() => {
        saving = null
      })
  }
}
