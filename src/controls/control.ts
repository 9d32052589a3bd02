import { type Environment, ParseError } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'
import { digestOf } from '../digest.ts'
import { nearest, type YamlFile } from '../document.ts'
import type { ControlInfo, Json, ParameterValue, ParameterValues } from '../model.ts'
import { compile } from './compile.ts'
import type { ControlFile, ParameterDeclaration } from './control-file.ts'
import { type Closure, Refusal, type Scope } from './expression.ts'
import { type ASTNode, languageOf, schemaMembers, typeOf } from './language.ts'
import { resourceTypes } from './schema.ts'
import { placeIn } from './text-place.ts'
import { compileMessage, type Message } from './wording.ts'

/** A control ready to judge. */
export interface CompiledControl {
  readonly info: ControlInfo
  readonly file: ControlFile
  /** where the file lies, for messages */
  readonly path: string
  /** the file as it was read: what a bundle carries, so that someone else can judge again */
  readonly text: string
  readonly appliesTo: Closure
  readonly requirement: Closure
  readonly message: Message
  readonly facts: readonly { readonly label: string; readonly value: Closure }[]
  /** appliesTo and requirement as they were checked, to explain a status */
  readonly expressions: readonly CheckedExpression[]
  /** what replaces its parameters, those by source before those by tag; the values are checked already */
  readonly overrides: readonly {
    readonly source: string | null
    readonly tag: { readonly [key: string]: string } | null
    readonly parameters: ParameterValues
  }[]
  /** the same control with other parameters; the values are checked already */
  withParameters(parameters: ParameterValues): CompiledControl
}

/** An expression as it was checked, for the parts of it. */
export interface CheckedExpression {
  readonly member: 'appliesTo' | 'requirement'
  readonly source: string
  readonly node: ASTNode
  readonly scope: Scope
}

export type ReportProblem = (
  place: { readonly line: number; readonly column: number },
  path: string,
  message: string,
  hint: string | null,
) => void

/**
 * Checks and compiles a control whose file has the right shape.
 * @param text of the file, to find the line and column of a mistake inside an expression
 * @returns null when anything is wrong; `report` was told everything
 */
export function compileControl(
  file: ControlFile,
  yaml: YamlFile,
  text: string,
  path: string,
  language: Environment,
  report: ReportProblem,
): CompiledControl | null {
  let isGood = true
  const fail: ReportProblem = (place, member, message, hint) => {
    isGood = false
    report(place, member, message, hint)
  }
  for (const [name, declaration] of Object.entries(file.parameters)) {
    const problem = wrongValue(declaration, declaration.default)
    if (problem !== null) fail(yaml.at(['parameters', name, 'default']), `parameters.${name}.default`, problem, null)
  }
  if (!isGood) return null

  const defaults = defaultsOf(file)
  const checked = languageOf(language, defaults, file.resource, resourceTypes[file.resource]!.type)
  const used = new Set<string>()
  const scope: Scope = {
    slots: new Map([
      ['parameters', 1],
      [file.resource, 2],
    ]),
    depth: 0,
    isWording: false,
  }
  const expression = <T>(member: readonly string[], source: string, type: string | null, use: (node: ASTNode) => T): T | null => {
    const place = (offset: number) => placeIn(text, yaml.at(member), source, offset)
    try {
      const parsed = checked.parse(source)
      const check = parsed.check()
      if (!check.valid) throw check.error
      if (type !== null && check.type !== type && !(type === 'string' && check.type === 'dyn')) {
        fail(place(0), member.join('.'), `the expression gives ${check.type}, expected ${type}`, null)
        return null
      }
      for (const name of parametersOf(parsed.ast)) used.add(name)
      return use(parsed.ast)
    } catch (error) {
      const found = explainMistake(error, source, defaults, file.resource)
      fail(place(found.offset), member.join('.'), found.message, found.hint)
      return null
    }
  }
  const expressions: CheckedExpression[] = []
  const judge = (member: CheckedExpression['member'], source: string) => (node: ASTNode) => {
    expressions.push({ member, source, node, scope })
    return compile(node, scope)
  }
  const wording = { ...scope, isWording: true }
  const appliesTo = expression(['appliesTo'], file.appliesTo, 'bool', judge('appliesTo', file.appliesTo))
  const requirement = expression(['requirement'], file.requirement, 'bool', judge('requirement', file.requirement))
  const message = expression(['message'], file.message, 'string', node => compileMessage(node, wording))
  const facts = Object.entries(file.facts).map(([label, source]) => ({
    label,
    value: expression(['facts', label], source, null, node => compile(node, wording)),
  }))
  for (const name of Object.keys(file.parameters)) {
    if (used.has(name)) continue
    fail(
      yaml.at(['parameters', name]),
      `parameters.${name}`,
      `parameter ${name} is not used by any expression`,
      'use it, or take it out',
    )
  }
  if (!isGood || appliesTo === null || requirement === null || message === null) return null

  const { cases: _, ...definition } = yaml.value as { cases: Json; [member: string]: Json }
  const info: ControlInfo = {
    id: file.id,
    version: file.version,
    title: file.title,
    severity: file.severity,
    resource: file.resource,
    datasets: file.datasets,
    rationale: file.rationale,
    remediation: file.remediation,
    references: file.references,
    appliesTo: file.appliesTo.trim(),
    requirement: file.requirement.trim(),
    parameters: defaults,
    digest: digestOf(definition),
  }
  const shown = facts.flatMap(({ label, value }) => (value === null ? [] : [{ label, value }]))
  const make = (parameters: ParameterValues): CompiledControl => ({
    info: { ...info, parameters },
    file,
    path,
    text,
    appliesTo,
    requirement,
    message,
    facts: shown,
    expressions,
    overrides: [],
    withParameters: values => make({ ...parameters, ...values }),
  })
  return make(defaults)
}

function defaultsOf(file: ControlFile): ParameterValues {
  return Object.fromEntries(Object.entries(file.parameters).map(([name, declaration]) => [name, declaration.default]))
}

/** What is wrong with parameter values by name, against their declarations; empty when nothing is. */
export function wrongParameters(
  file: ControlFile,
  values: { readonly [name: string]: unknown },
): readonly { readonly name: string; readonly message: string; readonly hint: string | null }[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const declaration = file.parameters[name]
    if (declaration === undefined) {
      const known = Object.keys(file.parameters)
      const meant = nearest(name, known)
      const hint = meant !== null ? `did you mean ${meant}?` : known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
      return [{ name, message: `${file.id} has no parameter ${name}`, hint }]
    }
    const message = wrongValue(declaration, value)
    return message === null
      ? []
      : [{ name, message: `parameter ${name} of ${file.id} ${message}`, hint: declaration.description }]
  })
}

function wrongValue(declaration: ParameterDeclaration, value: unknown): string | null {
  const { type, oneOf, pattern, atMost } = declaration
  const isRight =
    type === 'list'
      ? Array.isArray(value) && value.every(each => typeof each === 'string')
      : type === 'number'
        ? typeof value === 'number' && Number.isFinite(value)
        : typeof value === (type === 'text' ? 'string' : 'boolean')
  if (!isRight) return `must be a ${type === 'list' ? 'list of texts' : type}, found ${JSON.stringify(value)}`
  if (atMost !== undefined && Number(value) > atMost) return `must be at most ${atMost}, found ${JSON.stringify(value)}`
  const texts = (Array.isArray(value) ? value : [value]).map(String)
  const other = oneOf === undefined ? undefined : texts.find(each => !oneOf.includes(each))
  if (other !== undefined) return `must be ${type === 'list' ? 'of ' : ''}${oneOf!.join(', ')}, found ${JSON.stringify(other)}`
  if (pattern === undefined) return null
  try {
    const matcher = RE2JS.compile(pattern)
    const unlike = texts.find(each => !matcher.test(each))
    return unlike === undefined ? null : `must match ${pattern}, found ${JSON.stringify(unlike)}`
  } catch (error) {
    return `has the pattern ${pattern}, which is wrong: ${error instanceof Error ? error.message : String(error)}`
  }
}

interface Mistake {
  readonly offset: number
  readonly message: string
  readonly hint: string | null
}

/** What the library or our compiler found, in our words, with what was probably meant. */
export function explainMistake(
  error: unknown,
  source: string,
  parameters: { readonly [name: string]: ParameterValue },
  resource: string,
): Mistake {
  if (error instanceof Refusal) return { offset: error.node.start, message: error.message, hint: error.hint }
  const { summary, range, node, code } = error as { summary?: string; range?: { start: number }; node?: ASTNode; code?: string }
  if (summary === undefined) throw error
  const offset = range?.start ?? 0
  if (error instanceof ParseError) return { offset, message: `not an expression: ${summary}`, hint: null }
  if (code === 'no_such_key' && node?.op === '.') {
    const [receiver, name] = node.args
    const type = typeOf(receiver).name
    const known = type === 'Parameters' ? Object.keys(parameters) : schemaMembers(type)
    const meant = nearest(name, known)
    const hint = meant === null ? `it has ${known.join(', ') || 'none'}` : `did you mean ${meant}?`
    return { offset, message: `${type} has no member ${name}`, hint }
  }
  if (code === 'unknown_variable') {
    const name = /Unknown variable: (\w+)/.exec(summary)?.[1] ?? source
    const meant = nearest(name, ['parameters', resource])
    return {
      offset,
      message: `unknown name ${name}`,
      hint: meant === null ? `known here: parameters, ${resource}` : `did you mean ${meant}?`,
    }
  }
  return { offset, message: summary, hint: null }
}

function parametersOf(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(parametersOf)
  if (typeof node !== 'object' || node === null || !('op' in node) || !('args' in node)) return []
  const { op, args } = node as ASTNode
  if (op === '.' && (args as [ASTNode, string])[0].op === 'id' && (args as [ASTNode, string])[0].args === 'parameters') {
    return [(args as [ASTNode, string])[1]]
  }
  return parametersOf(args)
}
