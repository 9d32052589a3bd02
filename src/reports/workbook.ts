import { Zip, ZipDeflate } from 'fflate'
import type { Cell } from './csv.ts'
import { type Look, plainLook, withLocalTimes } from './look.ts'
import { logoParts } from './workbook-logo.ts'
import { cellXml, columnLetters, contentTypesXml, coreXml, relationshipsXml, stylesXml, workbookXml } from './workbook-xml.ts'

/** A column of a sheet. A cell of type `time` whose text is an RFC 3339 time in UTC becomes a date; any other text stays text. */
export interface SheetColumn {
  readonly name: string
  /** in characters; 18 when left out */
  readonly width?: number
  readonly type?: 'time'
}

/** One sheet; its rows are read while it is written. */
export interface Sheet {
  /** shortened to the 31 characters that a sheet's name may have */
  readonly name: string
  readonly columns: readonly SheetColumn[]
  /** true: not the whole; the tab is red */
  readonly isIncomplete?: boolean
  rows(): AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>
}

/** What an XLSX file is made of. */
export interface Workbook {
  readonly title: string
  /** RFC 3339; stands as the time of making in the properties, so that the same view gives the same bytes */
  readonly asOf: string
  /** what it is, from where and when: the first sheet, one name and value a line; the sheets and their row counts are added */
  readonly cover: readonly (readonly [name: string, value: Cell])[]
  readonly sheets: readonly Sheet[]
  /** the logo and the local time of the cover; left out: as the program comes */
  readonly look?: Look
  /** rows of one sheet, header included, before the next begins; a spreadsheet's limit when left out */
  readonly rowLimit?: number
}

/** Media type of XLSX. */
export const workbookMediaType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

const rowLimit = 1_048_576
const rowsPerChunk = 500

/**
 * A workbook (XLSX) as bytes: cover sheet, then the sheets with frozen header and filter. Texts are inline strings, which no spreadsheet runs
 * as a formula. Rows are pulled as they are written: memory does not grow with them. The same workbook gives the same bytes on every
 * machine, since the compression is JavaScript and every time is fixed.
 * @see https://ecma-international.org/publications-and-standards/standards/ecma-376/
 */
export async function* workbookOf(workbook: Workbook): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error
    chunks.push(chunk)
  })
  const limit = workbook.rowLimit ?? rowLimit
  const written: WrittenSheet[] = []
  for (const sheet of workbook.sheets) {
    const rows = rowsOf(sheet)
    let next = await rows.next()
    for (let part = 1; part === 1 || next.done !== true; part++) {
      const name = uniqueName(sheet.name, part, written)
      const entry = entryOf(zip, `xl/worksheets/sheet${written.length + 2}.xml`)
      entry(sheetStart(sheet))
      let xml = headerXml(sheet.columns)
      let count = 1
      for (; next.done !== true && count < limit; next = await rows.next()) {
        xml += rowXml(sheet.columns, next.value)
        if (++count % rowsPerChunk !== 0) continue
        entry(xml)
        xml = ''
        yield* chunks.splice(0)
      }
      entry(`${xml}</sheetData><autoFilter ref="A1:${columnLetters(sheet.columns.length)}${count}"/></worksheet>`, true)
      written.push({ name, rows: count - 1, columns: sheet.columns.length, isIncomplete: sheet.isIncomplete ?? false })
    }
  }
  const names = [coverName, ...written.map(({ name }) => name)]
  const filters = written.map((sheet, index) => ({
    sheet: index + 1,
    ref: `'${sheet.name.replaceAll("'", "''")}'!$A$1:$${columnLetters(sheet.columns)}$${sheet.rows + 1}`,
  }))
  const logo = workbook.look?.logo ? logoParts(workbook.look.logo) : null
  entryOf(zip, 'xl/worksheets/sheet1.xml')(coverXml(workbook, written), true)
  for (const [path, content] of logo?.files ?? []) entryOf(zip, path)(content, true)
  entryOf(zip, 'xl/styles.xml')(stylesXml, true)
  entryOf(zip, 'xl/workbook.xml')(workbookXml(names, filters), true)
  entryOf(zip, 'xl/_rels/workbook.xml.rels')(relationshipsXml(names.length), true)
  entryOf(zip, 'docProps/core.xml')(coreXml(workbook.title, workbook.asOf), true)
  entryOf(zip, '_rels/.rels')(rootRelationships, true)
  entryOf(zip, '[Content_Types].xml')(contentTypesXml(names.length, logo), true)
  zip.end()
  yield* chunks
}

interface WrittenSheet {
  readonly name: string
  readonly rows: number
  readonly columns: number
  readonly isIncomplete: boolean
}

const coverName = 'About'

async function* rowsOf(sheet: Sheet): AsyncGenerator<readonly Cell[], undefined> {
  yield* sheet.rows()
  return undefined
}

/** Pushes text into one entry; `isLast` closes it. A local time on purpose: it is written in the machine's zone, so the bytes are the same in every zone. */
function entryOf(zip: Zip, path: string): (content: string | Uint8Array, isLast?: boolean) => void {
  const entry = new ZipDeflate(path, { level: 6 })
  entry.mtime = new Date(2026, 0, 1)
  zip.add(entry)
  return (content, isLast = false) => entry.push(typeof content === 'string' ? Buffer.from(content) : content, isLast)
}

function sheetName(name: string): string {
  return name
    .replaceAll(/[\][*?:/\\]/g, ' ')
    .replace(/^'|'$/g, ' ')
    .slice(0, 31)
}

function uniqueName(name: string, part: number, written: readonly WrittenSheet[]): string {
  const taken = new Set([coverName, ...written.map(sheet => sheet.name)].map(each => each.toLowerCase()))
  const plain = sheetName(name)
  if (part === 1 && !taken.has(plain.toLowerCase())) return plain
  for (let n = Math.max(2, part); ; n++) {
    const ending = ` (${n})`
    const numbered = `${plain.slice(0, 31 - ending.length)}${ending}`
    if (!taken.has(numbered.toLowerCase())) return numbered
  }
}

function sheetStart({ columns, isIncomplete }: Sheet): string {
  const tab = isIncomplete ? '<sheetPr><tabColor rgb="FFB3261E"/></sheetPr>' : ''
  const widths = columns
    .map(({ width = 18 }, i) => `<col min="${i + 1}" max="${i + 1}" width="${width}" customWidth="1"/>`)
    .join('')
  return `${sheetXml}${tab}<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${widths}</cols><sheetData>`
}

function headerXml(columns: readonly SheetColumn[]): string {
  return `<row>${columns.map(({ name }) => cellXml(name, 'bold')).join('')}</row>`
}

function rowXml(columns: readonly SheetColumn[], row: readonly Cell[]): string {
  let xml = '<row>'
  for (let i = 0; i < columns.length; i++) xml += cellXml(row[i] ?? null, columns[i]!.type === 'time' ? 'time' : 'plain')
  return `${xml}</row>`
}

function coverXml({ title, cover, look = plainLook }: Workbook, written: readonly WrittenSheet[]): string {
  const lines: (readonly [string, Cell])[] = [
    ...cover.map(([name, value]) => [name, typeof value === 'string' ? withLocalTimes(value, look) : value] as const),
    ...(look.timeZone === null ? [] : [['Beside UTC', `the time in ${look.timeZone}, on this sheet only`] as const]),
    ['', null],
    ['Sheet', 'Rows (without the header)'],
    ...written.map(sheet => [`${sheet.name}${sheet.isIncomplete ? ' (INCOMPLETE)' : ''}`, sheet.rows] as const),
  ]
  const rows = lines.map(([name, value]) => `<row>${cellXml(name, 'bold')}${cellXml(value, 'wrap')}</row>`)
  return `${sheetXml}<sheetViews><sheetView workbookViewId="0" showGridLines="0"/></sheetViews><cols><col min="1" max="1" width="36" customWidth="1"/><col min="2" max="2" width="110" customWidth="1"/></cols><sheetData><row>${cellXml(title, 'title')}</row>${rows.join('')}</sheetData>${look.logo === null ? '' : '<drawing xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="rId1"/>'}</worksheet>`
}

const sheetXml = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`

const rootRelationships = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`
