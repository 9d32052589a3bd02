import type { Facts, Json } from '../model.ts'
import type { Cell } from './csv.ts'
import { ReportsError } from './reports-error.ts'
import type { SheetColumn } from './workbook.ts'

/** A report that is tables: a population, the access matrix, the call ledger, … Each format is made of nothing else. */
export interface TableReport {
  /** of its files, plain: letters, digits, `.`, `_`, `-` and `/` */
  readonly path: string
  readonly title: string
  /** RFC 3339 */
  readonly asOf: string
  readonly isComplete: boolean
  /** what it is, from where and when, one name and value a line */
  readonly cover: readonly (readonly [name: string, value: Cell])[]
  /** source, snapshot and digest, for the foot of every page */
  readonly footer: readonly string[]
  readonly tables: readonly ReportTable[]
  readonly notInView: readonly string[]
  readonly softwareVersion: string
}

/** One table of a report; its rows are read while it is written. */
export interface ReportTable {
  /** plain: it ends the name of the table's CSV */
  readonly name: string
  readonly about: string
  readonly columns: readonly TableColumn[]
  readonly isComplete: boolean
  /** rows, known before they are read; null where only reading tells */
  readonly count: number | null
  rows(): AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>
}

export interface TableColumn extends SheetColumn {
  /** false: too wide for paper, and left to the CSV and the workbook */
  readonly isPrinted?: boolean
}

/** Columns by their names; those that end in At, Date or Timestamp are times. */
export function columnsNamed(names: readonly string[], notPrinted: readonly string[] = []): TableColumn[] {
  return names.map(name => ({
    name,
    ...(/(^at|At|Date|Timestamp|after|by)$/.test(name) ? { type: 'time' as const } : {}),
    ...(notPrinted.includes(name) ? { isPrinted: false } : {}),
  }))
}

/**
 * Rows of a table, held against the number that was said beforehand.
 * @throws {ReportsError} TOTALS_DIFFER after the last row
 */
export async function* countedRows(table: ReportTable): AsyncGenerator<readonly Cell[]> {
  let rows = 0
  for await (const row of table.rows()) {
    rows++
    yield row
  }
  if (table.count === null || table.count === rows) return
  throw new ReportsError('TOTALS_DIFFER', `${table.name}: ${table.count} rows were said beforehand, ${rows} were read`, {
    hint: 'report it as a defect with this message',
  })
}

/** A row as one JSON object by its column names. */
export function rowObject(columns: readonly TableColumn[], row: readonly Cell[]): Facts {
  return Object.fromEntries(columns.map(({ name }, i): [string, Json] => [name, row[i] ?? null]))
}
