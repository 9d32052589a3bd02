import type { ControlOutcome, Status } from '../model.ts'
import { ReportsError } from './reports-error.ts'

/** Where a control stands on one or several sources: a summary of its counts, no judgement of its own. */
export type Standing = Status | 'not_evaluated'

/**
 * The worst of what was counted: one fail is a fail; an unknown, a population that may be larger and a broken control are unknown;
 * no outcome at all is `not_evaluated`. It is `pass` only when every subject passed or did not apply, and at least one passed.
 */
export function standingOf(outcomes: readonly ControlOutcome[]): Standing {
  if (outcomes.length === 0) return 'not_evaluated'
  if (outcomes.some(outcome => outcome.fail > 0)) return 'fail'
  if (outcomes.some(outcome => outcome.unknown > 0 || outcome.populationIsLowerBound || outcome.error !== null)) return 'unknown'
  return outcomes.some(outcome => outcome.pass > 0) ? 'pass' : 'not_applicable'
}

/**
 * Holds an outcome against itself: population = pass + fail + unknown + not applicable, and as many fails and unknowns are listed as counted.
 * @throws {ReportsError} TOTALS_DIFFER
 */
export function checkOutcome(outcome: ControlOutcome): void {
  const { control, source, population, pass, fail, unknown, notApplicable } = outcome
  const name = `control ${control.id} on source ${source}`
  const sum = pass + fail + unknown + notApplicable
  if (sum !== population) throw differ(`${name}: population ${population}, but its parts make ${sum}`)
  for (const [status, counted] of [
    ['fail', fail],
    ['unknown', unknown],
  ] as const) {
    const listed = outcome.results.filter(result => result.status === status).length
    if (listed !== counted) throw differ(`${name}: ${counted} results counted as ${status}, ${listed} listed`)
  }
}

function differ(message: string): ReportsError {
  return new ReportsError('TOTALS_DIFFER', message, {
    hint: 'evaluate again; if it stays, report it as a defect with this message',
  })
}
