import type { Exception } from '../model.ts'
import type { Catalog } from './catalog.ts'
import { type Estate, membersOf, population } from './estate.ts'
import { selectorOf } from './exception-scope.ts'

/** What an exception could stand beside in an estate, whatever the status. */
export interface ExceptionReach {
  /** subjects of its controls that meet everything it asks for, over all sources */
  readonly fits: number
  /** subjects of its controls */
  readonly population: number
  /** false: a population could not be listed to its end, so that what fits may be among what nobody read */
  readonly isWhole: boolean
}

/** How much the scope of an exception fits: nothing, when a key is mistyped or the subject is gone. Controls that there are not fit nothing. */
export function exceptionReach(catalog: Catalog, estate: Estate, exception: Exception, asOf: Date): ExceptionReach {
  let [fits, size, isWhole] = [0, 0, true]
  for (const name of new Set(exception.controls)) {
    const control = catalog.compiled.find(({ info }) => info.id === name)
    if (control === undefined) continue
    const selector = selectorOf(control, exception)
    for (const source of estate.sources) {
      const whole = population(source, control.info.resource)
      isWhole &&= whole.unread.size === 0
      for (const member of membersOf(whole)) {
        size++
        if (selector.covers(source, member, asOf)) fits++
      }
    }
  }
  return { fits, population: size, isWhole }
}
