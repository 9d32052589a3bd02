import type { Config } from '../config.ts'
import type { Catalog } from '../controls/index.ts'
import { isAhead, madeAt, readSchedule, slotBefore } from '../daemon/index.ts'
import { problemLine } from '../document.ts'
import type { RunRecord, SavedEvaluation, Snapshot } from '../model.ts'
import type { BrokenControl, KeptVerification } from '../store/index.ts'

/** How long a collection may take before its slot counts as missed. */
const graceMs = 3_600_000
/** How long a run that is under way, or a verification, may take before something is wrong with it. */
const longestMs = 86_400_000

/** What is known when somebody looks. */
export interface Known {
  readonly now: Date
  readonly sources: readonly { readonly label: string; readonly snapshot: Snapshot | null; readonly lastRun: RunRecord | null }[]
  readonly evaluation: Pick<SavedEvaluation, 'asOf' | 'snapshots'> | null
  readonly catalog: Pick<Catalog, 'problems'>
  /** controls that broke while the last evaluation judged; left out: nobody asked */
  readonly broken?: readonly BrokenControl[]
  /** why the last head could not be left outside, in words; null: it could */
  readonly headFailure: string | null
  /** the last verification of the store; left out: nobody asked. `failure`: why it could not be done, in words */
  readonly verification?: {
    readonly last: Pick<KeptVerification, 'at' | 'problems' | 'headsMissing'> | null
    readonly failure: string | null
  }
}

/**
 * The slot that the last snapshot of a source should have followed by now; null: it is as young as the schedule asks for. One that a clock
 * dated which was ahead followed none, and a run that began since the slot and goes on, for a day at most, will.
 */
export function overdueSince(
  schedule: Config['schedule'],
  snapshot: Snapshot | null,
  now: Date,
  lastRun: RunRecord | null = null,
): Date | null {
  const slot = slotBefore(readSchedule(schedule.collect, schedule.timeZone), new Date(now.getTime() - graceMs))
  if (slot === null) return null
  const made = snapshot === null ? null : madeAt(snapshot, now)
  if (made !== null && made >= slot) return null
  const begun = lastRun?.outcome === 'running' && !isAhead(lastRun.startedAt, now) ? lastRun.startedAt : null
  return begun !== null && begun >= slot && now.getTime() - begun.getTime() < longestMs ? null : slot
}

/** What a person should look at although the program goes on, in words: nothing when all is as it should be. */
export function attentionOf(
  { now, sources, evaluation, catalog, broken = [], headFailure, verification }: Known,
  schedule: Config['schedule'],
): readonly string[] {
  const lines: string[] = []
  for (const { label, snapshot, lastRun } of sources) {
    const since = overdueSince(schedule, snapshot, now, lastRun)
    const last = snapshot === null ? 'it was never collected' : `its last snapshot is of ${snapshot.sealedAt.toISOString()}`
    const failure = lastRun?.outcome === 'failed' ? `; the last run failed: ${lastRun.error}` : ''
    if (since !== null) lines.push(`${label} is overdue: a collection was due at ${since.toISOString()}, and ${last}${failure}`)
    const judged = evaluation?.snapshots.find(each => each.source === label)
    const made = snapshot === null ? null : madeAt(snapshot, now)
    if (snapshot !== null && made !== null && made.getTime() < now.getTime() - graceMs && judged?.version !== snapshot.version)
      lines.push(`version ${snapshot.version} of ${label} was not judged`)
  }
  const labels = new Set(sources.map(each => each.label))
  for (const { source } of evaluation?.snapshots ?? []) {
    if (labels.has(source)) continue
    lines.push(`${source} is judged and is not configured any more: what is said of it is as old as its last snapshot`)
  }
  const latest = [evaluation?.asOf, ...sources.map(each => each.snapshot?.sealedAt)].filter(each => each !== undefined)
  const ahead = latest.find(each => isAhead(each, now))
  if (ahead !== undefined)
    lines.push(`the clock says ${now.toISOString()}, and something on record is of ${ahead.toISOString()}: set the clock by NTP`)
  if (headFailure !== null) lines.push(`nobody outside the database holds what was sealed last: ${headFailure}`)
  if (verification !== undefined) lines.push(...aboutVerification(verification, schedule, now))
  for (const problem of catalog.problems) lines.push(`not judged, since it is broken: ${problemLine(problem)}`)
  for (const { id, source, error } of broken) lines.push(`not judged, since it broke: ${id} of ${source}: ${error}`)
  return lines
}

function aboutVerification(
  { last, failure }: NonNullable<Known['verification']>,
  schedule: Config['schedule'],
  now: Date,
): readonly string[] {
  const lines: string[] = []
  if (failure !== null) lines.push(`the store could not be verified: ${failure}`)
  if (last === null) return lines
  const at = last.at.toISOString()
  if (last.problems > 0)
    lines.push(`the store is not as it was sealed: ${last.problems} problems, found at ${at}; see \`evidenced verify-store\``)
  if ((last.headsMissing ?? 0) > 0) lines.push(`${last.headsMissing} heads were not held outside the database at ${at}`)
  const slot = slotBefore(readSchedule(schedule.verify, schedule.timeZone), new Date(now.getTime() - longestMs))
  if (slot !== null && (last.at < slot || isAhead(last.at, now)))
    lines.push(`the store was to be verified at ${slot.toISOString()}, and was last at ${at}`)
  return lines
}
