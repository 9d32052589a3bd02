import { compareBytes } from '../digest.ts'
import type { ControlOutcome, SavedEvaluation } from '../model.ts'

/** A subject that failed a control, from the evaluation that first saw it to the first that proved it mended. */
export interface FailureEpisode {
  readonly control: string
  readonly source: string
  readonly subjectType: string
  readonly key: string
  readonly name: string
  readonly reason: string
  /** instant of the evaluation before, which did not show it; null: it may be older than anything judged */
  readonly openedAfter: string | null
  readonly openedBy: string
  /** last evaluation that still showed it, or could not say; null while it is open */
  readonly resolvedAfter: string | null
  readonly resolvedBy: string | null
  /** how it ended: judged otherwise, or no longer among what the control ranges over or applies to */
  readonly resolution: 'passed' | 'not_applicable_or_gone' | null
  /** between `openedBy` and `resolvedBy` */
  readonly daysOpen: number | null
}

/** Follows every failing subject from evaluation to evaluation. A fail that becomes unknown is not resolved. */
export interface EpisodeTracker {
  /** in the order of their instants */
  add(evaluation: SavedEvaluation): void
  /** sorted by control, source and time of opening */
  end(): readonly FailureEpisode[]
}

/** @param isNamed which controls are followed */
export function trackFailures(isNamed: (control: string) => boolean): EpisodeTracker {
  const open = new Map<string, FailureEpisode>()
  const closed: FailureEpisode[] = []
  const judgedBefore = new Map<string, string>()
  return {
    add({ asOf, outcomes }) {
      const at = asOf.toISOString()
      for (const outcome of outcomes.filter(({ control }) => isNamed(control.id))) {
        const series = `${outcome.control.id}\n${outcome.source}`
        const lastAt = judgedBefore.get(series) ?? null
        judgedBefore.set(series, at)
        const statuses = new Map(outcome.results.map(({ subject, status }) => [subject.key, status]))
        for (const { subject, status, reason } of outcome.results) {
          const id = `${series}\n${subject.type}\n${subject.key}`
          if (status !== 'fail' || open.has(id)) continue
          const about = {
            control: outcome.control.id,
            source: outcome.source,
            subjectType: subject.type,
            key: subject.key,
            name: subject.name,
            reason,
          }
          open.set(id, {
            ...about,
            openedAfter: lastAt,
            openedBy: at,
            resolvedAfter: null,
            resolvedBy: null,
            resolution: null,
            daysOpen: null,
          })
        }
        for (const [id, episode] of open) {
          if (!id.startsWith(`${series}\n`)) continue
          const resolution = resolutionOf(outcome, statuses.get(episode.key))
          if (resolution === null) continue
          open.delete(id)
          const daysOpen = Math.round(((asOf.getTime() - Date.parse(episode.openedBy)) / 86_400_000) * 100) / 100
          closed.push({ ...episode, resolvedAfter: lastAt, resolvedBy: at, resolution, daysOpen })
        }
      }
    },
    end: () =>
      [...closed, ...open.values()].sort(
        (a, b) =>
          compareBytes(a.control, b.control) ||
          compareBytes(a.source, b.source) ||
          compareBytes(a.openedBy, b.openedBy) ||
          compareBytes(a.key, b.key),
      ),
  }
}

/** What an evaluation proves of a subject that failed before; null: that it still fails, or nothing. */
function resolutionOf(outcome: ControlOutcome, status: string | undefined): FailureEpisode['resolution'] {
  if (status === 'fail' || status === 'unknown') return null
  if (status === 'pass') return 'passed'
  if (status === 'not_applicable') return 'not_applicable_or_gone'
  // it has no row: the implied status, or it is not there any more; a population that was not read to its end proves neither
  if (outcome.populationIsLowerBound || outcome.error !== null) return null
  if (outcome.results.some(result => result.subject.kind === 'dataset')) return null
  return outcome.implied === 'pass' ? 'passed' : 'not_applicable_or_gone'
}
