import type { StatusCounts } from '../model.ts'
import type { PdfTone } from './pdf-document.ts'

import { groupDigits } from './template-helpers.ts'

/** `12 in population = 1 fail + 0 unknown + 11 pass + 0 not applicable` */
export function arithmetic(counts: StatusCounts, of: string): string {
  return `${atLeast(counts)} ${of} = ${groupDigits(counts.fail)} fail + ${groupDigits(counts.unknown)} unknown + ${groupDigits(counts.pass)} pass + ${groupDigits(counts.notApplicable)} not applicable`
}

/** A population; `at least` where it could not be listed to its end. */
export function atLeast({
  population,
  populationIsLowerBound,
}: Pick<StatusCounts, 'population' | 'populationIsLowerBound'>): string {
  return `${populationIsLowerBound ? 'at least ' : ''}${groupDigits(population)}`
}

/** StatusCounts as the parts of a bar. */
export function partsOf({ fail, unknown, pass, notApplicable }: StatusCounts): (readonly [PdfTone, number])[] {
  return [
    ['fail', fail],
    ['unknown', unknown],
    ['pass', pass],
    ['plain', notApplicable],
  ]
}
