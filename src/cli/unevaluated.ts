import type { Catalog } from '../controls/index.ts'
import { type Check, datasets } from '../sources/index.ts'

/**
 * The controls that cannot be judged without what a check tried: those that need a dataset its action reads, or, where the way in
 * failed, any dataset that is read that way.
 * @returns their ids in order; none for a check that is well
 */
export function unevaluatedWithout(check: Check, catalog: Pick<Catalog, 'controls'>): readonly string[] {
  if (check.result === 'ok' || check.losesNothing === true) return []
  const lost = new Set(datasets.filter(dataset => isLost(dataset, check)).map(dataset => dataset.name))
  return catalog.controls
    .filter(control => control.datasets.some(name => lost.has(name)))
    .map(control => control.id)
    .sort()
}

function isLost(dataset: (typeof datasets)[number], { check, result }: Check): boolean {
  if (check.includes(':') && !check.startsWith('account roles')) return dataset.actions.includes(check)
  // a warning about the way in loses nothing
  if (result === 'warning') return false
  return check === 'account roles' || check === 'account roles: external id' ? dataset.reach === 'account' : true
}
