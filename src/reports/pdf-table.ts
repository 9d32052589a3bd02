import { colors, leading, type PdfSheet } from './pdf-sheet.ts'
import type { Line } from './pdf-text.ts'

export interface PdfColumn {
  readonly title: string
  /** share of the width, relative to the other columns */
  readonly share: number
  readonly align?: 'right'
}

export interface PdfTable {
  readonly caption: string
  readonly columns: readonly PdfColumn[]
  readonly rows: readonly (readonly string[])[]
  /** how many there are, when `rows` are not all of them */
  readonly total?: number
  /** where all rows stand when there are more than fit */
  readonly whole: string
}

interface Box extends PdfColumn {
  readonly x: number
  readonly wide: number
}

const size = 7.2
const height = size * leading
/** Lines of one cell; a row stays on one page. */
export const cellLineLimit = 48

/**
 * Writes a table, its head once more on each page; one without rows is left out.
 * @param rowLimit rows that are printed; how many there are is said below
 */
export function writeTable(sheet: PdfSheet, table: PdfTable, rowLimit: number): void {
  const { caption, rows, total = rows.length, whole } = table
  if (rows.length === 0) return
  const { doc } = sheet
  const boxes = boxesOf(sheet, table.columns)
  const heads = boxes.map(box => sheet.wrap(box.title, 600, size, box.wide))
  const headHeight = Math.max(...heads.map(lines => lines.length)) * height + 5
  const drawHead = (i: number) => sheet.drawLines(heads[i]!, spotIn(boxes[i]!, sheet.y + 2.5))
  const shadeHead = () => doc.rect(sheet.left, sheet.y, sheet.width, headHeight).fill(colors.head)
  const captionLines = sheet.wrap(caption, 400, 7.5, sheet.width)
  sheet.room(captionLines.length * 7.5 * leading + headHeight + 3 * height)
  const element = doc.struct('Table')
  sheet.root.add(element)
  sheet.flow(element, 'Caption', captionLines, { size: 7.5, color: colors.muted })
  sheet.y += 2
  const thead = doc.struct('THead')
  element.add(thead)
  const headRow = doc.struct('TR')
  thead.add(headRow)
  sheet.decoration(shadeHead)
  for (const i of boxes.keys()) {
    const th = doc.struct('TH', { scope: 'Column' } as object)
    headRow.add(th)
    th.add(sheet.marked('TH', () => drawHead(i)))
    th.end()
  }
  headRow.end()
  thead.end()
  sheet.y += headHeight
  const body = doc.struct('TBody')
  element.add(body)
  const limited = rows.slice(0, rowLimit)
  for (const row of limited) {
    const cells = boxes.map((box, i) => cellLines(sheet, row[i] ?? '', i === 0 ? 600 : 400, box.wide))
    const rowHeight = Math.max(1, ...cells.map(lines => lines.length)) * height + 4
    if (!sheet.fits(rowHeight)) {
      sheet.turnPage()
      sheet.decoration(() => {
        shadeHead()
        for (const i of boxes.keys()) drawHead(i)
      })
      sheet.y += headHeight
    }
    const tr = doc.struct('TR')
    body.add(tr)
    for (const [i, box] of boxes.entries())
      sheet.tagged(tr, 'TD', [sheet.marked('TD', () => sheet.drawLines(cells[i]!, spotIn(box, sheet.y + 2)))])
    tr.end()
    sheet.y += rowHeight
    sheet.decoration(() => sheet.drawRule(sheet.y))
  }
  body.end()
  element.end()
  sheet.y += 6
  if (total > limited.length) {
    const text = `The first ${limited.length} of ${total} rows are printed here; all of them stand in ${whole}.`
    sheet.flow(sheet.root, 'P', sheet.wrap(text, 600, 8.5, sheet.width), { size: 8.5, color: colors.unknown })
    sheet.y += 6
  }
}

function boxesOf(sheet: PdfSheet, columns: readonly PdfColumn[]): readonly Box[] {
  const shares = columns.reduce((sum, { share }) => sum + share, 0)
  let { left } = sheet
  return columns.map(column => {
    const wide = (column.share / shares) * sheet.width
    const box = { ...column, x: left + 3, wide: wide - 6 }
    left += wide
    return box
  })
}

function spotIn({ x, wide, align }: Box, y: number) {
  return { x, y, size, color: colors.text, wide, align }
}

function cellLines(sheet: PdfSheet, text: string, weight: 400 | 600, wide: number): Line[] {
  const lines = sheet.wrap(text, weight, size, wide)
  if (lines.length <= cellLineLimit) return lines
  return [...lines.slice(0, cellLineLimit - 2), ...sheet.wrap('… the whole stands in the CSV', 600, size, wide).slice(0, 2)]
}
