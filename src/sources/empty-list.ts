import type { Place } from '../model.ts'
import { actionOf, type Dataset } from './dataset.ts'
import { type Cause, ownCause } from './gap.ts'

/**
 * Whether an empty list stands alone: nothing else of its service shows that whoever asks is let see, and nobody has said that it is empty. AWS
 * answers an empty list to the wrong account and in the wrong Region as well.
 * @param rows what a dataset showed when it was read to its end; null: it was not
 * @param before rows of the last list that was believed; 0: that one was empty too, or somebody confirmed it
 */
export function standsAlone(dataset: Dataset, rows: (dataset: string) => number | null, before: number | undefined): boolean {
  const { emptyBeside } = dataset
  if (emptyBeside === undefined || before === 0 || rows(dataset.name) !== 0) return false
  return !emptyBeside.some(each => (rows(each) ?? 0) > 0)
}

/** Why such a list stays open when it is empty twice. */
export function emptyAlone(dataset: Dataset, place: Place, parent: string, label: string): Cause {
  const beside = (dataset.emptyBeside ?? []).join(' or ')
  const message = `${actionOf(dataset.operation)} answered with an empty list, twice, and no row of ${beside} shows that this role is let see. Check account and Region of the role with \`evidenced doctor\`; if nothing is there, confirm it with \`evidenced snapshots confirm ${label} <version>\` and collect again.`
  return ownCause('incomplete', 'unconfirmed_empty', dataset, place, parent, null, message)
}
