import type { Catalog } from './catalog.ts'
import { historyOf } from './changes.ts'

/** What of the past a catalog asks for. */
export interface NeededHistory {
  readonly days: number
  /** datasets whose changes are asked for */
  readonly datasets: readonly string[]
}

/**
 * How far back the controls of a catalog look, and at which datasets: the longest `lookBackDays` of those that judge changes.
 * @returns null when no control judges changes
 */
export function neededHistory(catalog: Catalog): NeededHistory | null {
  const asking = catalog.compiled.filter(({ info }) => info.resource in historyOf)
  const isCompared = catalog.compiled.some(({ info }) => info.resource === 'reconciliation')
  if (asking.length === 0) return isCompared ? { days: 1, datasets: [] } : null
  const days = asking.map(({ info }) =>
    typeof info.parameters.lookBackDays === 'number' ? info.parameters.lookBackDays : defaultDays,
  )
  return { days: Math.max(...days), datasets: [...new Set(asking.flatMap(({ info }) => historyOf[info.resource]!))].sort() }
}

const defaultDays = 90

/** Whether a control judges the register of exceptions. */
export function needsExceptions(catalog: Catalog): boolean {
  return catalog.compiled.some(({ info }) => info.resource === 'exception')
}

/** Whether a control judges the snapshots that are kept. */
export function needsKept(catalog: Catalog): boolean {
  return catalog.compiled.some(({ info }) => info.resource === 'storedSnapshot')
}
