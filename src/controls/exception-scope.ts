import { RE2JS } from 're2js'
import { exceptionState } from '../exception.ts'
import type { Exception, ExceptionScope } from '../model.ts'
import { attributeNames, attributeValues, hasAttribute } from './attributes.ts'
import type { Catalog } from './catalog.ts'
import { compile } from './compile.ts'
import { type CompiledControl, explainMistake } from './control.ts'
import type { Entity } from './entity.ts'
import type { Closure, Frame } from './expression.ts'
import { languageOf, openLanguage } from './language.ts'
import { fuelPerSubject } from './lists.ts'
import { resourceTypes } from './schema.ts'
import type { SourceEstate } from './source-estate.ts'

/** An approved exception as it meets the fails of one control. */
export interface Selector {
  readonly id: string
  /** true only when everything it asks for is known to be so */
  covers(source: SourceEstate, member: Entity, asOf: Date): boolean
}

/**
 * What keeps exceptions from covering anything, by their ids: a control that there is not, an attribute that its subjects do not have, an
 * expression that is wrong.
 */
export function exceptionProblems(catalog: Catalog, exceptions: readonly Exception[]): ReadonlyMap<string, string> {
  const problems = new Map<string, string>()
  for (const { id, controls, scope } of exceptions) {
    for (const name of controls) {
      const control = catalog.compiled.find(({ info }) => info.id === name)
      const problem = control === undefined ? `there is no control ${name}` : scopeProblem(control, scope)
      if (problem !== null) problems.set(id, problem)
    }
  }
  return problems
}

/** The exceptions in force at an instant, by control. What has a problem covers nothing. */
export function selectorsOf(
  catalog: Catalog,
  exceptions: readonly Exception[],
  asOf: Date,
): ReadonlyMap<string, readonly Selector[]> {
  const problems = exceptionProblems(catalog, exceptions)
  const byControl = new Map<string, Selector[]>()
  for (const exception of exceptions) {
    if (problems.has(exception.id) || exceptionState(exception, asOf) !== 'approved') continue
    for (const name of new Set(exception.controls)) {
      const control = catalog.compiled.find(({ info }) => info.id === name)!
      byControl.set(name, [...(byControl.get(name) ?? []), selectorOf(control, exception)])
    }
  }
  return byControl
}

/** What one exception covers among the subjects of one of its controls. */
export function selectorOf(control: CompiledControl, { id, scope }: Exception): Selector {
  const { resource } = control.info
  const subjects = scope.subjects === null ? null : new Set(scope.subjects)
  const matches = Object.entries(scope.match ?? {}).map(([name, patterns]) => [name, patternOf(patterns)] as const)
  const when = scope.when === null ? null : compileWhen(resource, scope.when)
  return {
    id,
    covers(source, member, asOf) {
      if (scope.source !== null && scope.source !== source.source) return false
      if (subjects !== null && !subjects.has(member.key)) return false
      for (const [name, fits] of matches) {
        const values = attributeValues(source, resource, member, name)
        if (!values.some(value => typeof value === 'string' && fits(value))) return false
      }
      if (when === null) return true
      const frame: Frame = [{ asOf: asOf.getTime(), fuel: fuelPerSubject }, {}, member]
      return when(frame) === true && frame[0].fuel >= 0
    },
  }
}

function scopeProblem({ info: { resource } }: CompiledControl, scope: ExceptionScope): string | null {
  const { type } = resourceTypes[resource]!
  for (const name of Object.keys(scope.match ?? {})) {
    const isKnown = attributeNames.some(each => each === name) || /^tag:./.test(name)
    if (!isKnown) return `match.${name}: there is no attribute ${name}; there are ${attributeNames.join(', ')} and tag:KEY`
    if (!hasAttribute(type, name)) return `match.${name}: a ${resource} has no ${name}`
  }
  if (scope.when === null) return null
  try {
    compileWhen(resource, scope.when)
    return null
  } catch (error) {
    const { message, hint } = explainMistake(error, scope.when, {}, resource)
    return `when: ${message}${hint === null ? '' : ` (${hint})`}`
  }
}

function compileWhen(resource: string, source: string): Closure {
  const { type } = resourceTypes[resource]!
  const parsed = languageOf(openLanguage(), {}, resource, type).parse(source)
  const check = parsed.check()
  if (!check.valid) throw check.error
  if (check.type !== 'bool') throw Object.assign(new Error(), { summary: `the expression gives ${check.type}, expected bool` })
  const slots = new Map([
    ['parameters', 1],
    [resource, 2],
  ])
  return compile(parsed.ast, { slots, depth: 0, isWording: false })
}

function patternOf(patterns: readonly string[]): (value: string) => boolean {
  const compiled = patterns.map(pattern => RE2JS.compile(`^(?s:${pattern.split('*').map(RE2JS.quote).join('.*')})$`))
  return value => compiled.some(each => each.matcher(value).find())
}
