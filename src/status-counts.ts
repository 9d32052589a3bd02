import type { StatusCounts } from './model.ts'

/** Counts of several controls or sources as one; of none, zero of everything. */
export function addCounts(counts: readonly StatusCounts[]): StatusCounts {
  const sum = (pick: (counts: StatusCounts) => number) => counts.reduce((total, each) => total + pick(each), 0)
  return {
    population: sum(each => each.population),
    populationIsLowerBound: counts.some(each => each.populationIsLowerBound),
    pass: sum(each => each.pass),
    fail: sum(each => each.fail),
    unknown: sum(each => each.unknown),
    notApplicable: sum(each => each.notApplicable),
    excepted: sum(each => each.excepted),
  }
}
