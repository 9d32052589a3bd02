import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { Json } from './model.ts'

/** A mistake in a file that people write. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** member path, e.g. `sources[0].auth.roleArn`; '' for the whole file */
  readonly path: string
  readonly message: string
  /** what to write instead; null when the message says it */
  readonly hint: string | null
}

export interface YamlFile {
  /** null when the text is no YAML at all */
  readonly value: Json
  readonly problems: readonly Problem[]
  /** where a member stands, for checks that a schema cannot express */
  at(path: readonly (string | number)[]): { line: number; column: number }
}

/** Changes the parsed value before it is checked, e.g. to resolve references; `report` takes what it finds wrong. */
export type Prepare = (value: Json, report: (path: readonly (string | number)[], message: string, hint: string) => void) => void

/**
 * Parses a YAML file and checks it against a JSON Schema (2020-12); every mistake is listed, with its place.
 * Duplicate keys and alias bombs are refused. Defaults of the schema are filled in.
 */
export function readYaml(text: string, file: string, schema: object, prepare?: Prepare): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { merge: true, lineCounter: lines, uniqueKeys: true, strict: true })
  const at = (path: readonly (string | number)[]) => position(document.contents, path, lines)
  if (document.errors.length > 0) {
    const problems = document.errors.map(error => {
      const { line, col } = lines.linePos(error.pos[0])
      return { file, line, column: col, path: '', message: error.message.split('\n')[0] ?? 'not YAML', hint: null }
    })
    return { value: null, problems, at }
  }
  const value = (document.toJS({ maxAliasCount: 100 }) ?? {}) as Json
  const prepared: Problem[] = []
  prepare?.(value, (path, message, hint) => prepared.push({ file, ...at(path), path: dotted(path), message, hint }))
  const validate = validatorOf(schema)
  if (validate(value)) return { value, problems: prepared, at }
  const errors = (validate.errors ?? []).filter(error => !['if', 'anyOf', 'oneOf', 'allOf'].includes(error.keyword))
  const said = new Set(prepared.map(problem => problem.path))
  const problems = errors.map(error => problemOf(error, file, at)).filter(problem => !said.has(problem.path))
  return { value, problems: [...prepared, ...problems], at }
}

const validators = new WeakMap<object, ValidateFunction>()

/** Compiling a schema costs some 40 ms: once per schema, since a catalog reads many files of one kind. */
function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema)
  if (known !== undefined) return known
  const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: true, verbose: true })
  for (const keyword of ['x-secret', 'x-unit']) ajv.addKeyword(keyword)
  const compiled = ajv.compile(schema)
  validators.set(schema, compiled)
  return compiled
}

/** `file:line:column: path: message (hint)`, one line. */
export function problemLine(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`
  const path = problem.path === '' ? '' : ` ${problem.path}:`
  return `${place}:${path} ${problem.message}${problem.hint === null ? '' : ` (${problem.hint})`}`
}

/** The candidate nearest to a mistyped word, when one is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function problemOf(error: ErrorObject, file: string, at: YamlFile['at']): Problem {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params.additionalProperty)
    const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {})
    const meant = nearest(name, known)
    const hint = meant === null ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
    return { file, ...at([...path, name]), path: dotted([...path, name]), message: `unknown key ${name}`, hint }
  }
  if (error.keyword === 'required') {
    const name = String(error.params.missingProperty)
    const schema = (error.parentSchema as { properties?: Record<string, { description?: string }> }).properties?.[name]
    return { file, ...at(path), path: dotted(path), message: `${name} is missing`, hint: schema?.description ?? null }
  }
  const schema = error.parentSchema as { description?: string; enum?: unknown[]; type?: string } | undefined
  const allowed = error.keyword === 'enum' ? `one of ${(error.params.allowedValues as unknown[]).join(', ')}` : null
  const message = allowed === null ? (error.message ?? error.keyword) : `must be ${allowed}`
  return { file, ...at(path), path: dotted(path), message, hint: schema?.description ?? null }
}

function position(root: unknown, path: readonly (string | number)[], lines: LineCounter): { line: number; column: number } {
  let node = root
  let start = offsetOf(root)
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step))
      if (pair === undefined) break
      start = offsetOf(pair.key) ?? start
      node = pair.value
    } else {
      const items: unknown = (node as { items?: unknown } | null)?.items
      if (!Array.isArray(items)) break
      node = items[Number(step)]
      start = offsetOf(node) ?? start
    }
  }
  const { line, col } = lines.linePos(start ?? 0)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}

function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

function dotted(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, step) => (/^\d+$/.test(String(step)) ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${step}`),
    '',
  )
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced))
    }
    row = next
  }
  return row[b.length]!
}
