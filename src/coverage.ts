import type { Coverage, DatasetSummary, Snapshot } from './model.ts'

/** From best to worst; a rolled-up coverage is the worst of its places. */
const order: readonly Coverage[] = [
  'complete',
  'complete_with_changes',
  'not_applicable',
  'not_enabled',
  'not_collectable',
  'incomplete',
  'denied',
]

/** One dataset over all its places, as `collect --json` prints it. */
export interface DatasetRow {
  readonly name: string
  readonly coverage: Coverage
  readonly count: number
  readonly calls: number
  readonly reason: string | null
}

/** True for coverages that leave a question open which more permissions or another try could answer. */
export function isOpen(coverage: Coverage): boolean {
  return coverage === 'incomplete' || coverage === 'denied'
}

/** True when no dataset of the snapshot is denied or incomplete. What AWS lets nobody read does not count against it. */
export function isComplete(snapshot: Snapshot): boolean {
  return snapshot.datasets.every(dataset => !isOpen(dataset.coverage))
}

/** What is said of a place where there is nothing to read: it counts only where no other place was read. */
const silent: readonly Coverage[] = ['not_applicable', 'not_enabled']

/** One row per dataset name, in name order: the worst coverage, sums of counts and calls, reasons joined. */
export function rollUp(datasets: readonly DatasetSummary[]): readonly DatasetRow[] {
  const names = [...new Set(datasets.map(dataset => dataset.name))].sort()
  return names.map(name => {
    const places = datasets.filter(dataset => dataset.name === name)
    const applying = places.filter(place => !silent.includes(place.coverage))
    const coverage = (applying.length === 0 ? places : applying).map(place => place.coverage).reduce(worse)
    const reasons = [...new Set(places.flatMap(place => (place.reason === null ? [] : [place.reason])))]
    return {
      name,
      coverage,
      count: places.reduce((sum, place) => sum + place.count, 0),
      calls: places.reduce((sum, place) => sum + place.calls, 0),
      reason: reasons.length === 0 ? null : reasons.join('; '),
    }
  })
}

function worse(a: Coverage, b: Coverage): Coverage {
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}
