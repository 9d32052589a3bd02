import type { Artifact } from '../model.ts'
import { type Cell, csvMediaType, csvOf } from './csv.ts'
import { type Look, plainLook, withLocalTimes } from './look.ts'
import { openPdf } from './pdf-document.ts'
import { closedPage } from './render-report.ts'
import { countedRows, type ReportTable, rowObject, type TableReport } from './table-report.ts'
import { groupDigits, shortTime } from './template-helpers.ts'
import { renderTemplate } from './templates.ts'
import { workbookMediaType, workbookOf } from './workbook.ts'

/** Formats of a report that is tables. `csv` and `jsonl` are one file per table, and stream like `xlsx`. */
export const tableFormats = ['csv', 'xlsx', 'jsonl', 'html', 'pdf'] as const

export type TableFormat = (typeof tableFormats)[number]

/** Rows of one table that are printed: more nobody reads on a page, and the CSV holds them all. */
const printedRows = 10_000

/** A report that is tables in one format, as files that are made when they are read. Same report, same bytes. */
export function tableArtifacts(
  report: TableReport,
  format: TableFormat,
  options: { readonly rowLimit?: number; readonly look?: Look } = {},
): readonly Artifact[] {
  const title = `${report.isComplete ? '' : 'INCOMPLETE: '}${report.title}`
  const limit = options.rowLimit ?? printedRows
  const look = options.look ?? plainLook
  const whole = `${report.path}${report.isComplete ? '' : '.incomplete'}`
  switch (format) {
    case 'csv':
      return report.tables.map(table => ({
        path: tablePath(report, table, 'csv'),
        mediaType: csvMediaType,
        title: tableTitle(report, table),
        read: () =>
          csvOf(
            table.columns.map(({ name }) => name),
            countedRows(table),
          ),
      }))
    case 'jsonl':
      return report.tables.map(table => ({
        path: tablePath(report, table, 'jsonl'),
        mediaType: 'application/x-ndjson; charset=utf-8',
        title: tableTitle(report, table),
        read: () => jsonLines(table),
      }))
    case 'xlsx':
      return [file(`${whole}.xlsx`, workbookMediaType, title, () => workbookOf({ ...workbookFrom(report, title), look }))]
    case 'pdf':
      return [
        file(`${whole}.pdf`, 'application/pdf', title, async function* () {
          yield* await tablePdf(report, limit, look)
        }),
      ]
    case 'html':
      return [
        file(`${whole}.html`, 'text/html; charset=utf-8', title, async function* () {
          yield closedPage(renderTemplate('table-report', await pageView(report, limit, look), look), look)
        }),
      ]
  }
}

function file(path: string, mediaType: string, title: string, read: Artifact['read']): Artifact {
  return { path, mediaType, title, read }
}

function tablePath({ path, tables }: TableReport, table: ReportTable, ending: string): string {
  const name = tables.length === 1 ? path : `${path}-${table.name}`
  return `${name}${table.isComplete ? '' : '.incomplete'}.${ending}`
}

function tableTitle({ title, tables }: TableReport, table: ReportTable): string {
  return `${table.isComplete ? '' : 'INCOMPLETE: '}${title}${tables.length === 1 ? '' : `: ${table.about}`}`
}

async function* jsonLines(table: ReportTable): AsyncGenerator<Uint8Array> {
  let lines = ''
  for await (const row of countedRows(table)) {
    lines += `${JSON.stringify(rowObject(table.columns, row))}\n`
    if (lines.length < 1 << 17) continue
    yield Buffer.from(lines)
    lines = ''
  }
  if (lines !== '') yield Buffer.from(lines)
}

function workbookFrom(report: TableReport, title: string) {
  return {
    title,
    asOf: report.asOf,
    cover: [...report.cover, ['Times', 'UTC, typed as dates'] as const, ['Not in view', report.notInView.join('\n')] as const],
    sheets: report.tables.map(table => ({
      name: `${table.isComplete ? '' : 'INCOMPLETE '}${table.name}`,
      columns: table.columns,
      isIncomplete: !table.isComplete,
      rows: () => countedRows(table),
    })),
  }
}

interface ReadTable {
  readonly table: ReportTable
  /** the first rows, printed columns only */
  readonly rows: readonly (readonly Cell[])[]
  readonly total: number
}

async function readTable(table: ReportTable, limit: number): Promise<ReadTable> {
  const printed = table.columns.flatMap(({ isPrinted }, i) => (isPrinted === false ? [] : [i]))
  const rows: (readonly Cell[])[] = []
  let total = 0
  for await (const row of countedRows(table)) if (++total <= limit) rows.push(printed.map(i => row[i] ?? null))
  return { table, rows, total }
}

function printedColumns({ columns }: ReportTable) {
  return columns.filter(({ isPrinted }) => isPrinted !== false)
}

function leftOut({ columns }: ReportTable): string[] {
  return columns.filter(({ isPrinted }) => isPrinted === false).map(({ name }) => name)
}

async function tablePdf(report: TableReport, limit: number, look: Look): Promise<Uint8Array[]> {
  const word = report.isComplete ? 'COMPLETE' : 'INCOMPLETE'
  const pdf = await openPdf({
    title: `${report.title}${report.isComplete ? '' : ' (incomplete)'}`,
    author: `evidenced ${report.softwareVersion}`,
    at: new Date(report.asOf),
    header: { left: report.title, right: `${word} as of ${shortTime(report.asOf)}` },
    footer: report.footer,
    isLandscape: true,
    logo: look.logo?.bytes ?? null,
  })
  pdf.heading(1, report.title)
  if (report.isComplete) pdf.banner('pass', ['COMPLETE: everything this report is made of was read to its end.'])
  else pdf.banner('unknown', ['INCOMPLETE: not everything could be read. What is missing is named below, and is never "none".'])
  const read: ReadTable[] = []
  for (const table of report.tables) read.push(await readTable(table, limit))
  pdf.pairs([
    ...report.cover.map(([name, value]) => [name, withLocalTimes(String(value ?? ''), look)] as const),
    ...read.map(({ table, total }) => [`Rows, ${table.name}`, groupDigits(total)] as const),
  ])
  for (const { table, rows, total } of read) {
    pdf.room(140)
    pdf.heading(2, table.about)
    if (total === 0) pdf.paragraph(table.isComplete ? 'None: it was read to its end, and is empty.' : 'No row could be read.')
    const left = leftOut(table)
    const columns = printedColumns(table)
    pdf.table({
      caption: `${groupDigits(total)} rows${left.length === 0 ? '' : `; the columns ${left.join(', ')} stand in the CSV and the workbook`}`,
      columns: columns.map(({ name, width = 18 }) => ({ title: name, share: width })),
      rows: rows.map(row => row.map((cell, i) => (columns[i]?.type === 'time' ? timeText(cell) : String(cell ?? '')))),
      total,
      whole: tablePath(report, table, 'csv'),
    })
  }
  pdf.heading(2, 'Not in view')
  pdf.list(report.notInView)
  return pdf.end()
}

function timeText(cell: Cell): string {
  return typeof cell === 'string' ? shortTime(cell) : String(cell ?? '')
}

async function pageView(report: TableReport, limit: number, look: Look): Promise<object> {
  const tables = []
  for (const each of report.tables) {
    const { table, rows, total } = await readTable(each, limit)
    const columns = printedColumns(table)
    tables.push({
      ...{ name: table.name, about: table.about, isComplete: table.isComplete, total, hidden: total - rows.length },
      whole: tablePath(report, table, 'csv'),
      leftOut: leftOut(table),
      columns: columns.map(({ name }) => name),
      printed: rows.map(row => ({
        cells: row.map((cell, i) => (columns[i]?.type === 'time' ? timeText(cell) : String(cell ?? ''))),
      })),
    })
  }
  const { title, asOf, isComplete, notInView, footer, softwareVersion } = report
  const cover = report.cover.map(([name, value]) => ({ name, value: withLocalTimes(String(value ?? ''), look) }))
  return { title, asOf, isComplete, notInView, footer, softwareVersion, cover, tables }
}
