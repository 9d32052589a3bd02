import type { Cell } from './csv.ts'
import type { LogoParts } from './workbook-logo.ts'

/** Style of a cell, by its place in `stylesXml`. */
export type CellStyle = 'plain' | 'bold' | 'time' | 'title' | 'wrap'

const styles: { readonly [style in CellStyle]: number } = { plain: 0, bold: 1, time: 2, title: 3, wrap: 4 }

/** Longer texts make a workbook that spreadsheets call broken. */
const textLimit = 32_767
const cut = ' … (cut here: a spreadsheet cell holds no more; the whole stands in the CSV)'

const rfc3339Utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/

/** One cell: numbers, truth values and times as such, everything else as inline text, which is never run as a formula. */
export function cellXml(value: Cell, style: CellStyle): string {
  if (value === null || value === '') return style === 'plain' || style === 'time' ? '<c/>' : `<c s="${styles[style]}"/>`
  const s = style === 'plain' || style === 'time' ? '' : ` s="${styles[style]}"`
  if (typeof value === 'number' && Number.isFinite(value)) return `<c${s}><v>${value}</v></c>`
  if (typeof value === 'boolean') return `<c t="b"${s}><v>${value ? 1 : 0}</v></c>`
  const text = String(value)
  if (style === 'time' && rfc3339Utc.test(text)) return `<c s="${styles.time}"><v>${serialDate(text)}</v></c>`
  const shown = text.length > textLimit ? `${text.slice(0, textLimit - cut.length).replace(/[\ud800-\udbff]$/, '')}${cut}` : text
  return `<c t="inlineStr"${s}><is><t xml:space="preserve">${escapeXml(shown)}</t></is></c>`
}

/** Days since 30 December 1899, as spreadsheets count. */
function serialDate(text: string): number {
  return Math.round(Date.parse(text)) / 86_400_000 + 25_569
}

/** Text as XML. What XML cannot hold is written `_xHHHH_`, which spreadsheets turn back. @see ECMA-376 part 1, 22.9.2.19 */
function escapeXml(text: string): string {
  if (!special.test(text)) return text
  return text
    .replaceAll(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    .replaceAll(unwritable, char => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

const special = /[&<>"\ud800-\udfff\ufffe\uffff]|[^\t\n -\uffff]|_x/
/** control characters but tab and line feed, half surrogates, and the two that are no characters */
const unwritable = /[^\t\n -\uffff]|[\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** 1 is A, 27 is AA. */
export function columnLetters(column: number): string {
  let letters = ''
  for (let rest = column; rest > 0; rest = Math.floor((rest - 1) / 26))
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters
  return letters
}

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/** Fonts plain, bold and large; times as 2026-06-30 00:00:00. */
export const stylesXml = `${head}<styleSheet xmlns="${main}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts><fonts count="3"><font><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="16"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyAlignment="1"><alignment vertical="top"/></xf><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="0" fontId="2" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment horizontal="left" vertical="top" wrapText="1"/></xf></cellXfs></styleSheet>`

/** @param filters range of each filter, with the number of its sheet from 0 */
export function workbookXml(
  names: readonly string[],
  filters: readonly { readonly sheet: number; readonly ref: string }[],
): string {
  const sheets = names.map((name, i) => `<sheet name="${escapeXml(name)}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join('')
  const defined = filters
    .map(
      ({ sheet, ref }) =>
        `<definedName name="_xlnm._FilterDatabase" localSheetId="${sheet}" hidden="1">${escapeXml(ref)}</definedName>`,
    )
    .join('')
  return `${head}<workbook xmlns="${main}" xmlns:r="${office}"><sheets>${sheets}</sheets>${defined === '' ? '' : `<definedNames>${defined}</definedNames>`}</workbook>`
}

export function relationshipsXml(sheets: number): string {
  const each = Array.from(
    { length: sheets },
    (_, i) => `<Relationship Id="rId${i + 1}" Type="${office}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`,
  )
  return `${head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${each.join('')}<Relationship Id="rId${sheets + 1}" Type="${office}/styles" Target="styles.xml"/></Relationships>`
}

export function contentTypesXml(sheets: number, logo: Pick<LogoParts, 'extension' | 'mediaType'> | null = null): string {
  const picture =
    logo === null
      ? ''
      : `<Default Extension="${logo.extension}" ContentType="${logo.mediaType}"/><Override PartName="/xl/drawings/drawing1.xml" ContentType="application/vnd.openxmlformats-officedocument.drawing+xml"/>`
  const kind = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
  const each = Array.from(
    { length: sheets },
    (_, i) => `<Override PartName="/xl/worksheets/sheet${i + 1}.xml" ContentType="${kind}.worksheet+xml"/>`,
  )
  return `${head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${picture}<Override PartName="/xl/workbook.xml" ContentType="${kind}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${kind}.styles+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>${each.join('')}</Types>`
}

export function coreXml(title: string, at: string): string {
  const time = `${at.slice(0, 19)}Z`
  return `${head}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>${escapeXml(title)}</dc:title><dc:creator>evidenced</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">${time}</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">${time}</dcterms:modified></cp:coreProperties>`
}
