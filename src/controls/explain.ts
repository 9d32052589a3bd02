import type { Exception, Status } from '../model.ts'
import type { Catalog } from './catalog.ts'
import { compile } from './compile.ts'
import type { CheckedExpression } from './control.ts'
import { ControlsError } from './controls-error.ts'
import { type Estate, membersOf, population } from './estate.ts'
import { judgeSource } from './evaluate.ts'
import { selectorsOf } from './exception-scope.ts'
import type { Closure, Frame } from './expression.ts'
import type { ASTNode } from './language.ts'
import { fuelPerSubject } from './lists.ts'
import { chooser, forSource } from './parameters.ts'
import { type Broken, Undecided, Unknown } from './values.ts'
import { shownFacts } from './wording.ts'

/** One part of an expression with the value it has for the subject. */
export interface ExplainedPart {
  readonly member: 'appliesTo' | 'requirement'
  /** 0 for the whole expression */
  readonly depth: number
  readonly text: string
  /** in words; what could not be read says why */
  readonly value: string
}

/** Why a subject has its status. */
export interface Explanation {
  readonly control: string
  readonly source: string
  readonly subject: string
  readonly status: Status
  readonly reason: string
  /** ids of the approved exceptions beside a fail; they change no status */
  readonly exceptions: readonly string[]
  readonly parts: readonly ExplainedPart[]
}

/**
 * Judges one subject in every source that has it, and shows the value of each sub-expression. Bodies of macros are not entered:
 * they have a value for each item.
 * @param subject key of a resource, or name of a dataset that could not be listed
 * @throws {ControlsError} UNKNOWN_CONTROL, UNKNOWN_SUBJECT
 */
export function explainStatus(
  catalog: Catalog,
  estate: Estate,
  asOf: Date,
  control: string,
  subject: string,
  exceptions: readonly Exception[] = [],
): readonly Explanation[] {
  const compiled = catalog.compiled.find(({ info }) => info.id === control)
  if (compiled === undefined) {
    throw new ControlsError('UNKNOWN_CONTROL', `there is no control ${control}`, { hint: 'see `evidenced controls list`' })
  }
  const selectors = selectorsOf(catalog, exceptions, asOf).get(control) ?? []
  const explanations = estate.sources.flatMap(source => {
    const member = [...membersOf(population(source, compiled.info.resource))].find(({ key }) => key === subject)
    const outcome = judgeSource(compiled, source, asOf, selectors)
    if (member === undefined) {
      // a population that could not be listed is a subject of its own, of which no expression says anything
      const open = outcome.results.find(result => result.subject.kind === 'dataset' && result.subject.key === subject)
      if (open === undefined) return []
      return [{ control, source: source.source, subject, status: open.status, reason: open.reason, exceptions: [], parts: [] }]
    }
    const kept = outcome.results.find(result => result.subject.kind === 'resource' && result.subject.key === subject)
    const [parameters] = chooser(forSource(compiled, source.source), source)(member).sets
    const frame: Frame = [{ asOf: asOf.getTime(), fuel: fuelPerSubject }, parameters, member]
    const parts = compiled.expressions.flatMap(expression => partsOf(expression, expression.node, 0, frame))
    const status = kept?.status ?? outcome.implied
    const implied = status === 'pass' ? 'the requirement is met' : 'the control does not apply to it'
    const excepted = kept?.exceptions ?? []
    return [{ control, source: source.source, subject, status, reason: kept?.reason ?? implied, exceptions: excepted, parts }]
  })
  if (explanations.length > 0) return explanations
  throw new ControlsError('UNKNOWN_SUBJECT', `no source holds a ${compiled.info.resource} with the key ${subject}`, {
    hint: `see \`evidenced results --control ${control}\``,
  })
}

function partsOf(expression: CheckedExpression, node: ASTNode, depth: number, frame: Frame): readonly ExplainedPart[] {
  const { member, source, scope } = expression
  const text = closed(source.slice(node.start, node.end).replace(/\s+/g, ' '))
  frame[0].fuel = fuelPerSubject
  const own: ExplainedPart = { member, depth, text, value: wordsFor(compile(node, { ...scope, isWording: true }), frame) }
  return [own, ...below(node).flatMap(each => partsOf(expression, each, depth + 1, frame))]
}

/** The sub-expressions that have one value: not those inside a macro, and nothing that is written out. */
function below(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case '&&':
    case '||':
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'in':
    case '?:':
      return (node.args as readonly ASTNode[]).filter(isInteresting)
    case '!_':
      return [node.args].filter(isInteresting)
    case 'rcall':
      return [node.args[1], ...(isMacro(node.args[0]) ? [] : node.args[2])].filter(isInteresting)
    case 'call':
      return node.args[1].filter(isInteresting)
    default:
      return []
  }
}

function isMacro(name: string): boolean {
  return name === 'exists' || name === 'all' || name === 'filter' || name === 'map'
}

function isInteresting({ op, args }: ASTNode): boolean {
  return op !== 'value' && op !== 'list' && !(op === 'id' && args !== 'parameters')
}

function wordsFor(value: Closure, frame: Frame): string {
  const found = value(frame)
  if (found instanceof Unknown) return `unknown: ${[...new Set(found.gaps.map(gap => gap.message))].slice(0, 5).join('; ')}`
  if (found instanceof Undecided) return `no value: ${(found as Broken).message}`
  return JSON.stringify(shownFacts([{ label: 'value', value: () => nameable(found) }], frame).value)
}

/** The parser leaves out the brackets that close what it read last. */
function closed(text: string): string {
  const count = (bracket: string) => text.split(bracket).length - 1
  return text + ')'.repeat(Math.max(0, count('(') - count(')')))
}

/** Things are shown by their names. */
function nameable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nameable)
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined
  return typeof name === 'string' ? name : value
}
