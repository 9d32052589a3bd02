import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { compareBytes, sha256 } from '../digest.ts'
import { type Problem, problemLine, readYaml, type YamlFile } from '../document.ts'
import { isSamePerson } from '../exception.ts'
import type { Exception, ExceptionFile, ExceptionFilePart } from '../model.ts'
import type { Catalog } from './catalog.ts'
import { ControlsError } from './controls-error.ts'
import { exceptionProblems } from './exception-scope.ts'

const text = { type: 'string', minLength: 1 }
const time = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:\\d\\d))?$',
  description: 'a day, e.g. 2026-12-31, or an instant, e.g. 2026-12-31T12:00:00Z',
}
const texts = { type: 'array', minItems: 1, uniqueItems: true, items: text }
const patterns = { anyOf: [text, texts], description: 'a text or a list of texts; * stands for any characters' }

/** JSON Schema (2020-12) of a file of exceptions. */
const exceptionFileSchema: object = {
  type: 'object',
  additionalProperties: false,
  required: ['exceptions'],
  properties: {
    exceptions: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'controls', 'reason', 'requestedBy', 'expires'],
        properties: {
          id: {
            type: 'string',
            pattern: '^(?!EX-\\d+$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
            description: 'letters, digits, dots, dashes; not EX-1, EX-2, …, which are those of the database',
          },
          controls: { ...texts, description: 'ids of controls' },
          source: { ...text, description: 'label of a source; left out: all' },
          subjects: { ...texts, description: 'keys of subjects; left out: all' },
          match: { type: 'object', minProperties: 1, additionalProperties: patterns },
          when: { ...text, maxLength: 4000, description: "a CEL expression over the controls' resource" },
          reason: text,
          ticket: text,
          requestedBy: text,
          requestedAt: time,
          approvedBy: { ...text, description: 'someone else than requestedBy; left out: it is only requested' },
          approvedAt: time,
          expires: time,
        },
        dependentRequired: { approvedBy: ['approvedAt'], approvedAt: ['approvedBy'] },
      },
    },
  },
}

interface Row {
  readonly id: string
  readonly controls: readonly string[]
  readonly source?: string
  readonly subjects?: readonly string[]
  readonly match?: { readonly [attribute: string]: string | readonly string[] }
  readonly when?: string
  readonly reason: string
  readonly ticket?: string
  readonly requestedBy: string
  readonly requestedAt?: string
  readonly approvedBy?: string
  readonly approvedAt?: string
  readonly expires: string
}

/**
 * Reads exceptions that are kept under version control: one YAML file, or all below a folder. A row that is wrong is a problem and does not
 * count; the others do. Of a file that cannot be parsed as a whole stays what was known of it, and its problem is told.
 * @param maxDays longest time from approval (or request) to the end
 * @param last what was known before; null: nothing
 * @throws {ControlsError} EXCEPTIONS_UNREADABLE when the file or folder cannot be read, or what was known of a broken file cannot be told
 */
export function readExceptionFile(
  location: string,
  catalog: Catalog,
  maxDays: number,
  last: ExceptionFile | null = null,
): ExceptionFile {
  const problems: Problem[] = []
  const exceptions = new Map<string, Exception>()
  const files: ExceptionFilePart[] = []
  const kept: ExceptionFilePart[] = []
  for (const path of filesOf(location)) {
    const content = readText(path)
    const name = relative(process.cwd(), path).startsWith('..') ? path : relative(process.cwd(), path)
    const part = relative(location, path)
    const yaml = readYaml(content, name, exceptionFileSchema)
    if (yaml.problems.some(({ path: place }) => !place.startsWith('exceptions['))) {
      const known = knownOf(last, location, part, yaml.problems)
      problems.push(...yaml.problems.map(problem => ({ ...problem, hint: keptHint(problem.hint, known) })))
      if (known !== null) kept.push(known)
      continue
    }
    problems.push(...yaml.problems)
    const ids: string[] = []
    const rows = (yaml.value as unknown as { exceptions: Row[] }).exceptions
    rows.forEach((row, index) => {
      const place = `exceptions[${index}]`
      if (yaml.problems.some(problem => problem.path === place || problem.path.startsWith(`${place}.`))) return
      const exception = exceptionOf(row)
      const wrong = exceptions.has(row.id)
        ? `exception ${row.id} stands twice`
        : (meaningProblem(exception, maxDays) ?? exceptionProblems(catalog, [exception]).get(row.id))
      if (wrong === undefined || wrong === null) {
        exceptions.set(row.id, exception)
        ids.push(row.id)
      } else problems.push(problemAt(yaml, name, index, wrong))
    })
    files.push({ path: part, digest: sha256(content), exceptions: ids.sort(compareBytes) })
  }
  for (const part of kept) {
    const ids = part.exceptions.filter(id => !exceptions.has(id))
    for (const each of last?.exceptions ?? []) if (ids.includes(each.id)) exceptions.set(each.id, each)
    files.push({ ...part, exceptions: ids })
  }
  files.sort((a, b) => compareBytes(a.path, b.path))
  return {
    location,
    digest: sha256(JSON.stringify(files.map(({ path, digest }) => [path, digest]))),
    exceptions: [...exceptions.values()].sort((a, b) => compareBytes(a.id, b.id)),
    problems: problems.map(problemLine),
    files,
  }
}

/** What was known of one file; null when it was not known before. */
function knownOf(
  last: ExceptionFile | null,
  location: string,
  path: string,
  problems: readonly Problem[],
): ExceptionFilePart | null {
  if (last === null) return null
  if (last.location === location && last.files !== undefined) return last.files.find(file => file.path === path) ?? null
  throw new ControlsError('EXCEPTIONS_UNREADABLE', `the exceptions are not read: ${problems.map(problemLine).join('; ')}`, {
    hint: 'mend the file: what was known of exceptions before stays in force',
  })
}

function keptHint(hint: string | null, known: ExceptionFilePart | null): string {
  const stays = known === null ? 'nothing of this file counts' : 'what was known of this file before stays in force'
  return hint === null ? stays : `${hint}; ${stays}`
}

/**
 * What is wrong with an exception whatever the catalog is: approved by the one who asked for it, times that do not follow each other, an end
 * too far away. Null: nothing.
 */
export function meaningProblem(exception: Exception, maxDays: number): string | null {
  const { requestedBy, requestedAt, approvedBy, approvedAt, expiresAt } = exception
  if (approvedBy !== null && isSamePerson(approvedBy, requestedBy))
    return `${approvedBy} requested it and may not approve it: name someone else`
  for (const time of [requestedAt, approvedAt, expiresAt])
    if (time !== null && (Number.isNaN(Date.parse(time)) || new Date(time).toISOString() !== time))
      return `there is no time ${time}`
  const [from, to] = [Date.parse(approvedAt ?? requestedAt ?? expiresAt), Date.parse(expiresAt)]
  if (to < from) return `it ends (${expiresAt}) before it begins`
  if (to - from > (maxDays + 1) * 86_400_000)
    return `it lasts longer than ${maxDays} days, the most that exceptions.maxDays allows`
  return null
}

function exceptionOf(row: Row): Exception {
  const match = row.match && Object.fromEntries(Object.entries(row.match).map(([name, value]) => [name, [value].flat()]))
  return {
    id: row.id,
    origin: 'file',
    controls: row.controls,
    scope: { source: row.source ?? null, subjects: row.subjects ?? null, match: match ?? null, when: row.when ?? null },
    reason: row.reason,
    ticket: row.ticket ?? null,
    requestedBy: row.requestedBy,
    requestedAt: row.requestedAt === undefined ? null : instantOf(row.requestedAt, '00:00:00.000'),
    approvedBy: row.approvedBy ?? null,
    approvedAt: row.approvedAt === undefined ? null : instantOf(row.approvedAt, '00:00:00.000'),
    expiresAt: instantOf(row.expires, '23:59:59.999'),
    revokedBy: null,
    revokedAt: null,
    revokedReason: null,
  }
}

/** A day begins and ends in UTC. A time that is in no calendar stays as it is, and `meaningProblem` refuses it. */
function instantOf(value: string, time: string): string {
  const day = value.slice(0, 10)
  const isDay = !Number.isNaN(Date.parse(`${day}T00:00:00Z`)) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
  const at = new Date(value === day ? `${value}T${time}Z` : value)
  return !isDay || Number.isNaN(at.getTime()) ? value : at.toISOString()
}

function problemAt(yaml: YamlFile, file: string, index: number, message: string): Problem {
  return { file, ...yaml.at(['exceptions', index]), path: `exceptions[${index}]`, message, hint: 'it covers nothing' }
}

function filesOf(location: string): readonly string[] {
  try {
    if (!statSync(location).isDirectory()) return [location]
    const names = readdirSync(location, { recursive: true, encoding: 'utf8' }).filter(name => /\.ya?ml$/.test(name))
    return names.sort(compareBytes).map(name => join(location, name))
  } catch (cause) {
    throw unreadable(location, cause)
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): ControlsError {
  return new ControlsError('EXCEPTIONS_UNREADABLE', `the exceptions in ${path} cannot be read`, {
    hint: 'check exceptions.file and its permissions: what was known of exceptions before stays in force',
    cause,
  })
}
