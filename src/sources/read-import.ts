import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareBytes, sha256 } from '../digest.ts'
import type { Facts, ImportFile, ImportKind } from '../model.ts'
import { readCsv } from './csv.ts'
import { date, kinds } from './import-kinds.ts'
import { type ImportProblem, ImportRefused } from './import-refused.ts'

/** Largest file that is read, in bytes. */
const mostBytes = 256 * 1024 * 1024
const timeoutMs = 60_000

/**
 * Reads what people bring, from a file, from all files of a folder, or over HTTPS: CSV with a header line, or a JSON list of objects. Every row
 * must be right, and no two may have the same name: a file with a mistake is refused as a whole, and so is its folder, so that nobody is
 * missing from a roster without being told. A roster without any row is refused too: with nobody in it, every control over people would have
 * nothing to judge; in a folder, each file without a row that does not say so in its last line.
 * @param at when it is imported: what is dated after it cannot have been said
 * @returns `digest`: SHA-256 of the file; of a folder, of what `sha256sum` prints of its files in the order of their names
 * @throws {ImportRefused} UNREADABLE, NOT_A_TABLE, or ROWS_WRONG with every mistake
 */
export async function readImport(kind: ImportKind, location: string, at: Date = new Date()): Promise<ImportFile> {
  const folder = await filesOf(location)
  const files = folder ?? [{ name: undefined, bytes: await readBytes(location) }]
  const rows = files.flatMap(({ name, bytes }) => rowsOf(kind, bytes, name, location))
  if (rows.length === 0 && !kinds[kind].mayBeEmpty) {
    throw new ImportRefused('NOT_A_TABLE', `${shown(location)} has no row: a ${kind} of nobody proves nothing`, {
      hint: 'export the file again; nothing was imported, and what was imported before still counts',
    })
  }
  const problems = problemsOf(kind, rows, at)
  if (problems.length > 0) throw ImportRefused.rows(kind, shown(location), problems)
  const listed = files.map(({ name, bytes }) => `${sha256(bytes)}  ${name}\n`)
  const digest = folder === null ? sha256(files[0]!.bytes) : sha256(listed.join(''))
  return { kind, location: shown(location), digest, rows: rows.map(row => row.cells) }
}

interface ReadFile {
  /** undefined for what is no file of a folder */
  readonly name: string | undefined
  readonly bytes: Buffer
}

/** The files of a folder, in the byte order of their names; null when it is none. Another file may be what somebody forgot to convert. */
async function filesOf(location: string): Promise<readonly ReadFile[] | null> {
  const isFolder = !isUrl(location) && (await stat(location).catch(() => null))?.isDirectory()
  if (!isFolder) return null
  const names = (await readdir(location)).filter(name => !name.startsWith('.')).sort(compareBytes)
  const other = names.find(name => !/\.(csv|json)$/i.test(name))
  if (other !== undefined || names.length === 0) {
    const message = other === undefined ? 'the folder holds no file' : `${other} of the folder is neither .csv nor .json`
    throw new ImportRefused('NOT_A_TABLE', `${location}: ${message}`, { hint: 'put the files to import there, and nothing else' })
  }
  return Promise.all(names.map(async name => ({ name, bytes: await readBytes(join(location, name)) })))
}

function rowsOf(kind: ImportKind, bytes: Buffer, file: string | undefined, location: string): readonly ReadRow[] {
  const content = textOf(bytes, file ?? shown(location))
  const { columns, mayBeEmpty } = kinds[kind]
  const required = Object.keys(columns).filter(name => columns[name]!.required)
  try {
    const isJson = /^\s*[[{]/.test(content)
    const { rows, isCounted } = isJson ? { rows: jsonRows(content), isCounted: false } : csvRows(content, required)
    if (file === undefined) return rows
    if (rows.length === 0 && !mayBeEmpty && !isCounted) {
      throw new ImportRefused('NOT_A_TABLE', 'it has no row, as an export that broke off', {
        hint: 'export the file again; one that holds nobody on purpose is CSV with the last line `# rows: 0`, or is taken out',
      })
    }
    return rows.map(row => ({ ...row, file }))
  } catch (error) {
    if (file === undefined || !(error instanceof ImportRefused)) throw error
    throw new ImportRefused(error.code, `${file}: ${error.message}`, error.hint === null ? {} : { hint: error.hint })
  }
}

function problemsOf(kind: ImportKind, rows: readonly ReadRow[], at: Date): readonly ImportProblem[] {
  const { columns, nameOf, wrong } = kinds[kind]
  const problems: ImportProblem[] = []
  const seen = new Map<string, ReadRow>()
  for (const row of rows) {
    const { line, cells, file } = row
    const report = (message: string) => problems.push({ ...(file === undefined ? {} : { file }), line, message })
    for (const name of Object.keys(cells)) {
      if (columns[name] === undefined) report(`unknown column ${name}; known are ${Object.keys(columns).join(', ')}`)
    }
    for (const [name, { required, form }] of Object.entries(columns)) {
      const cell = cells[name]
      if (cell === undefined) {
        if (required) report(`${name} is missing`)
      } else if (form !== null && !(form.pattern.test(cell) && (form !== date || isCalendarDay(cell)))) {
        report(`${name} must be ${form.says}, found ${JSON.stringify(cell)}`)
      }
    }
    const mistake = wrong(cells, at)
    if (mistake !== null) report(mistake)
    const name = nameOf(cells)
    const before = name === null ? undefined : seen.get(name)
    if (before !== undefined) {
      const other = before.file === undefined || before.file === file ? '' : ` of ${before.file}`
      report(`${name} stands already in row ${before.line}${other}`)
    }
    if (name !== null) seen.set(name, row)
  }
  return problems
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
  readonly file?: string
  readonly line: number
  readonly cells: { readonly [column: string]: string }
}

/** The rows, and whether the last line of the file says how many they are. */
function csvRows(
  content: string,
  required: readonly string[],
): { readonly rows: readonly ReadRow[]; readonly isCounted: boolean } {
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
  const counted = withoutFooter(rest)
  const rows = counted.map(({ line, cells }) => {
    if (cells.length !== names.length) {
      const message = `line ${line} has ${cells.length} cells, the header has ${names.length}`
      throw new ImportRefused('NOT_A_TABLE', message, { hint: 'quote cells that hold a comma' })
    }
    return { line, cells: filled(names.map((name, index) => [name, cells[index]!])) }
  })
  return { rows, isCounted: counted.length < rest.length }
}

/** What a file says of itself in its last line (`# rows: 120`) must be so: an export that broke off is told. */
function withoutFooter(lines: ReturnType<typeof readCsv>): ReturnType<typeof readCsv> {
  const said = /^#\s*rows\s*[:=]\s*(\d+)\s*$/i.exec(lines.at(-1)?.cells.join(',').replace(/,+$/, '') ?? '')?.[1]
  if (said === undefined) return lines
  const rows = lines.slice(0, -1)
  if (Number(said) === rows.length) return rows
  throw new ImportRefused('NOT_A_TABLE', `the last line says ${said} rows, the file holds ${rows.length}`, {
    hint: 'export the file again; nothing was imported',
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

function isUrl(location: string): boolean {
  return /^[a-z]+:\/\//i.test(location)
}

async function readBytes(location: string): Promise<Buffer> {
  const isRemote = isUrl(location)
  if (isRemote && !location.startsWith('https://')) {
    throw new ImportRefused('UNREADABLE', `${shown(location)} is not read: only files and https:// are`)
  }
  try {
    const bytes = isRemote ? await download(location) : await readFile(location)
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
