import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Facts, ImportFile, ImportKind } from '../model.ts'
import { readCsv } from './csv.ts'
import { date, kinds } from './import-kinds.ts'
import { type ImportProblem, ImportRefused } from './import-refused.ts'

/** Largest file that is read, in bytes. */
const mostBytes = 256 * 1024 * 1024
const timeoutMs = 60_000

/**
 * Reads what people bring, from a file or over HTTPS: CSV with a header line, or a JSON list of objects. Every row must be right, and no
 * two may have the same name: a file with a mistake is refused as a whole, so that nobody is missing from a roster without being told.
 * A roster without any row is refused too: with nobody in it, every control over people would have nothing to judge.
 * @param at when it is imported: an approval after it cannot have been given
 * @throws {ImportRefused} UNREADABLE, NOT_A_TABLE, or ROWS_WRONG with every mistake
 */
export async function readImport(kind: ImportKind, location: string, at: Date = new Date()): Promise<ImportFile> {
  const bytes = await readBytes(location)
  const content = textOf(bytes, shown(location))
  const { columns, nameOf, wrong, mayBeEmpty } = kinds[kind]
  const required = Object.keys(columns).filter(name => columns[name]!.required)
  const rows = /^\s*[[{]/.test(content) ? jsonRows(content) : csvRows(content, required)
  if (rows.length === 0 && !mayBeEmpty) {
    throw new ImportRefused('NOT_A_TABLE', `${shown(location)} has no row: a ${kind} of nobody proves nothing`, {
      hint: 'export the file again; nothing was imported, and what was imported before still counts',
    })
  }
  const problems: ImportProblem[] = []
  const seen = new Map<string, number>()
  for (const { line, cells } of rows) {
    for (const name of Object.keys(cells)) {
      if (columns[name] === undefined)
        problems.push({ line, message: `unknown column ${name}; known are ${Object.keys(columns).join(', ')}` })
    }
    for (const [name, { required, form }] of Object.entries(columns)) {
      const cell = cells[name]
      if (cell === undefined) {
        if (required) problems.push({ line, message: `${name} is missing` })
      } else if (form !== null && !(form.pattern.test(cell) && (form !== date || isCalendarDay(cell)))) {
        problems.push({ line, message: `${name} must be ${form.says}, found ${JSON.stringify(cell)}` })
      }
    }
    const mistake = wrong(cells, at)
    if (mistake !== null) problems.push({ line, message: mistake })
    const name = nameOf(cells)
    const before = name === null ? undefined : seen.get(name)
    if (before !== undefined) problems.push({ line, message: `${name} stands already in row ${before}` })
    if (name !== null) seen.set(name, line)
  }
  if (problems.length > 0) throw ImportRefused.rows(kind, shown(location), problems)
  return {
    kind,
    location: shown(location),
    digest: createHash('sha256').update(bytes).digest('hex'),
    rows: rows.map(row => row.cells),
  }
}

/** Bytes of another encoding would become other names. A byte order mark is left out. */
function textOf(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ImportRefused('NOT_A_TABLE', `${name} is not text in UTF-8`, { hint: 'save or export it as UTF-8', cause })
  }
}

/** The parser of JavaScript takes 30 February for 2 March. */
function isCalendarDay(cell: string): boolean {
  const midnight = new Date(`${cell.slice(0, 10)}T00:00:00Z`)
  const isDay = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(cell.slice(0, 10))
  return isDay && !Number.isNaN(Date.parse(cell))
}

interface ReadRow {
  readonly line: number
  readonly cells: { readonly [column: string]: string }
}

function csvRows(content: string, required: readonly string[]): readonly ReadRow[] {
  let lines: ReturnType<typeof readCsv>
  try {
    lines = readCsv(content)
  } catch (cause) {
    throw new ImportRefused('NOT_A_TABLE', `the file is no CSV: ${(cause as Error).message}`, { cause })
  }
  const [header, ...rest] = lines
  if (header === undefined) throw new ImportRefused('NOT_A_TABLE', 'the file is empty: not even a header line')
  const names = header.cells.map(cell => cell.trim())
  const missing = required.filter(name => !names.includes(name))
  if (missing.length > 0) {
    throw new ImportRefused('NOT_A_TABLE', `the header line has no ${missing.join(', ')}`, {
      hint: `begin the file with a line of column names; ${required.join(', ')} must be among them`,
    })
  }
  return rest.map(({ line, cells }) => {
    if (cells.length !== names.length) {
      const message = `line ${line} has ${cells.length} cells, the header has ${names.length}`
      throw new ImportRefused('NOT_A_TABLE', message, { hint: 'quote cells that hold a comma' })
    }
    return { line, cells: filled(names.map((name, index) => [name, cells[index]!])) }
  })
}

function jsonRows(content: string): readonly ReadRow[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(content)
  } catch (cause) {
    throw new ImportRefused('NOT_A_TABLE', `the file is no JSON: ${(cause as Error).message}`, { cause })
  }
  if (!Array.isArray(parsed)) throw new ImportRefused('NOT_A_TABLE', 'the file is no list of objects')
  return parsed.map((row: unknown, index) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw new ImportRefused('NOT_A_TABLE', `row ${index + 1} is no object`)
    const members = Object.entries(row).filter(([, value]) => value !== null)
    const wrong = members.find(([, value]) => typeof value !== 'string')
    if (wrong !== undefined) throw new ImportRefused('NOT_A_TABLE', `row ${index + 1}: ${wrong[0]} is no text`)
    return { line: index + 1, cells: filled(members as [string, string][]) }
  })
}

function filled(cells: readonly (readonly [string, string])[]): Facts & { readonly [column: string]: string } {
  return Object.fromEntries(cells.map(([name, value]) => [name, value.trim()] as const).filter(([, value]) => value !== ''))
}

async function readBytes(location: string): Promise<Buffer> {
  const isUrl = /^[a-z]+:\/\//i.test(location)
  if (isUrl && !location.startsWith('https://')) {
    throw new ImportRefused('UNREADABLE', `${shown(location)} is not read: only files and https:// are`)
  }
  try {
    const bytes = isUrl ? await download(location) : await readFile(location)
    if (bytes.length > mostBytes) throw new Error(`it is larger than ${mostBytes} bytes`)
    return bytes
  } catch (cause) {
    throw new ImportRefused('UNREADABLE', `${shown(location)} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function download(url: string): Promise<Buffer> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`the answer is ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}

/** Without user, password and query: they may be secrets. */
function shown(location: string): string {
  if (!location.startsWith('https://')) return location
  const { origin, pathname } = new URL(location)
  return `${origin}${pathname}`
}
