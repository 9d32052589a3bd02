import { colors, leading, type PdfFrame, PdfSheet } from './pdf-sheet.ts'
import { cellLineLimit, type PdfTable, writeTable } from './pdf-table.ts'
import type { Weight } from './pdf-text.ts'

export type PdfTone = 'fail' | 'unknown' | 'pass' | 'plain'

/** Writes a tagged PDF from top to bottom: what is added stands below what was added before. */
export interface PdfWriter {
  /** with a bookmark; level 1 is the document's title */
  heading(level: 1 | 2 | 3, text: string): void
  paragraph(text: string, style?: { readonly size?: number; readonly weight?: Weight; readonly muted?: boolean }): void
  /** a box that is seen first */
  banner(tone: PdfTone, lines: readonly string[]): void
  list(items: readonly string[]): void
  /** two columns, names left */
  pairs(rows: readonly (readonly [name: string, value: string])[]): void
  /** parts of a whole as one bar; the figures stand beside it in words */
  bar(parts: readonly (readonly [tone: PdfTone, count: number])[]): void
  table(table: PdfTable): void
  /** Begins a new page unless so much room is left, in points. */
  room(points: number): void
  end(): Promise<Uint8Array[]>
}

/** Rows of one table: more nobody reads on paper, and the CSV and the workbook hold them all. */
const pdfRowLimit = 10_000
const tints: { readonly [tone in PdfTone]: string } = { fail: '#fbeae9', unknown: '#fdf3dd', pass: '#e8f4ec', plain: '#f2f2f2' }

/** Opens a document of A4 pages in Inter, tagged, with bookmarks. The same calls give the same bytes. */
export async function openPdf(frame: PdfFrame): Promise<PdfWriter> {
  // every command would take 13 MB and a fifth of a second more
  const { default: PDFDocument } = await import('pdfkit')
  const sheet = new PdfSheet(PDFDocument, frame)
  const { doc, root, left, width } = sheet
  const bookmarks: PDFKit.PDFOutline[] = [doc.outline]
  return {
    room: points => sheet.room(points),
    heading(level, text) {
      const size = { 1: 20, 2: 14, 3: 10.5 }[level]
      const lines = sheet.wrap(text, 600, size, width)
      sheet.room(lines.length * size * leading + (level === 1 ? 0 : 64))
      sheet.y += { 1: 0, 2: 10, 3: 8 }[level]
      bookmarks.length = level
      bookmarks.push(bookmarks[level - 1]!.addItem(text, { top: sheet.y - 4 } as object))
      sheet.flow(root, `H${level}`, lines, { size, color: colors.text })
      sheet.y += level === 3 ? 1 : 4
    },
    paragraph(text, { size = 8.5, weight = 400, muted = false } = {}) {
      sheet.flow(root, 'P', sheet.wrap(text, weight, size, width), { size, color: muted ? colors.muted : colors.text })
      sheet.y += 4
    },
    banner(tone, texts) {
      const size = 9.5
      const lines = texts.map((text, i) => sheet.wrap(text, i === 0 ? 600 : 400, size, width - 24))
      const height = lines.flat().length * size * leading + 14
      sheet.room(height)
      sheet.decoration(() => {
        doc.rect(left, sheet.y, width, height).fill(tints[tone])
        doc.rect(left, sheet.y, 4, height).fill(colors[tone])
      })
      let y = sheet.y + 7
      for (const each of lines) {
        const content = sheet.marked('P', () => sheet.drawLines(each, { x: left + 14, y, size, color: colors.text }))
        sheet.tagged(root, 'P', [content])
        y += each.length * size * leading
      }
      sheet.y += height + 8
    },
    list(items) {
      const list = doc.struct('L')
      root.add(list)
      for (const item of items) {
        const size = 8.5
        const lines = sheet.wrap(item, 400, size, width - 12)
        sheet.room(size * leading)
        const element = doc.struct('LI')
        list.add(element)
        const bullet = sheet.marked('Lbl', () => doc.circle(left + 4, sheet.y + size * 0.62, 1.4).fill(colors.muted))
        sheet.tagged(element, 'Lbl', [bullet])
        sheet.flow(element, 'LBody', lines, { size, color: colors.text, x: left + 12 })
        element.end()
        sheet.y += 1
      }
      list.end()
      sheet.y += 4
    },
    pairs(rows) {
      const size = 8
      const nameWidth = 104
      const table = doc.struct('Table')
      root.add(table)
      for (const [name, value] of rows) {
        const names = sheet.wrap(name, 400, size, nameWidth - 8)
        const values = sheet.wrap(value, 400, size, width - nameWidth).slice(0, cellLineLimit)
        const height = Math.max(names.length, values.length) * size * leading + 3
        sheet.room(height)
        const { y } = sheet
        const row = doc.struct('TR')
        table.add(row)
        const th = doc.struct('TH', { scope: 'Row' } as object)
        row.add(th)
        th.add(sheet.marked('TH', () => sheet.drawLines(names, { x: left, y, size, color: colors.muted })))
        th.end()
        const shown = sheet.marked('TD', () => sheet.drawLines(values, { x: left + nameWidth, y, size, color: colors.text }))
        sheet.tagged(row, 'TD', [shown])
        row.end()
        sheet.y += height
      }
      table.end()
      sheet.y += 5
    },
    bar(parts) {
      const total = parts.reduce((sum, [, count]) => sum + count, 0)
      if (total === 0) return
      sheet.room(14)
      sheet.decoration(() => {
        let x = left
        for (const [tone, count] of parts) {
          if (count === 0) continue
          // one per cent at least, so that a single fail among thousands is seen
          const wide = Math.min(Math.max(0.01, count / total) * width, left + width - x)
          doc.rect(x, sheet.y, wide, 7).fill(colors[tone])
          x += wide
        }
      })
      sheet.y += 14
    },
    table: table => writeTable(sheet, table, frame.rowLimit ?? pdfRowLimit),
    end: () => sheet.end(),
  }
}
