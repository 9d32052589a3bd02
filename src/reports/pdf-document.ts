import { layOutPlainly } from './pdf-plain-runs.ts'
import { fontFiles, type Line, linesOf, type Weight } from './pdf-text.ts'

export interface PdfFrame {
  readonly title: string
  readonly author: string
  /** stands as the time of making, so that the same view gives the same bytes */
  readonly at: Date
  /** on top of every page */
  readonly header: { readonly left: string; readonly right: string }
  /** at the foot of every page, beside "page n of m": source, as-of, run, digest */
  readonly footer: readonly string[]
  /** rows of one table that are printed; 10,000 when left out */
  readonly rowLimit?: number
  /** PNG or JPEG on top of the first page; null or left out: none */
  readonly logo?: Buffer | null
  /** true: pages lie on their long side, for wide tables */
  readonly isLandscape?: boolean
}

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

const page = { left: 40, right: 40, top: 54, bottom: 66 }
const colors = {
  text: '#1a1a1a',
  muted: '#595959',
  line: '#c8c8c8',
  head: '#efefef',
  fail: '#b3261e',
  unknown: '#8a5a00',
  pass: '#1b6e3c',
  plain: '#6b7280',
}
const tints: { readonly [tone in PdfTone]: string } = { fail: '#fbeae9', unknown: '#fdf3dd', pass: '#e8f4ec', plain: '#f2f2f2' }
const leading = 1.34
/** Lines of one cell; a row stays on one page. */
const cellLineLimit = 48

/**
 * Inter's contextual forms, ligatures and kerning are left out: they cost most of the time, they keep every distinct word in memory,
 * and they join characters that an ARN or a digest has apart.
 */
const plainText = {
  features: {
    calt: false,
    ccmp: false,
    clig: false,
    liga: false,
    rlig: false,
    kern: false,
  } as unknown as PDFKit.Mixins.OpenTypeFeatures[],
}

/** Opens a document of A4 pages in Inter, tagged, with bookmarks. The same calls give the same bytes. */
export async function openPdf(frame: PdfFrame): Promise<PdfWriter> {
  // every command would take 13 MB and a fifth of a second more
  const { default: PDFDocument } = await import('pdfkit')
  const doc = new PDFDocument({
    size: 'A4',
    layout: frame.isLandscape === true ? 'landscape' : 'portrait',
    margins: page,
    bufferPages: true,
    tagged: true,
    lang: 'en',
    displayTitle: true,
    pdfVersion: '1.7',
    info: {
      Title: frame.title,
      Author: frame.author,
      Creator: frame.author,
      Producer: 'pdfkit',
      CreationDate: frame.at,
      ModDate: frame.at,
    },
  })
  const chunks: Uint8Array[] = []
  doc.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  for (const { name, bytes } of fontFiles()) doc.registerFont(name, bytes())
  const setFont = (name: string, size: number) => {
    doc.font(name, size)
    layOutPlainly((doc as unknown as { readonly _font: unknown })._font)
  }
  const width = doc.page.width - page.left - page.right
  const bottom = doc.page.height - page.bottom
  const root = doc.struct('Document', { title: frame.title })
  doc.addStructure(root)
  const bookmarks: PDFKit.PDFOutline[] = [doc.outline]
  let y = page.top
  if (frame.logo) {
    doc.markContent('Artifact', { type: 'Layout' })
    doc.image(frame.logo, doc.page.width - page.right - 120, y, { fit: [120, 40], align: 'right' })
    doc.endMarkedContent()
  }

  const advances = new Map<string, Map<string, number>>()
  /** Without kerning and ligatures a text is as wide as its characters together, so each is asked for once. */
  const measure = (text: string, font: string, size: number): number => {
    let known = advances.get(font)
    if (known === undefined) {
      known = new Map()
      advances.set(font, known)
    }
    let sum = 0
    for (const char of text) {
      let advance = known.get(char)
      if (advance === undefined) {
        setFont(font, 10)
        advance = doc.widthOfString(char, plainText) / 10
        known.set(char, advance)
      }
      sum += advance
    }
    return sum * size
  }
  const wrap = (text: string, weight: Weight, size: number, wide: number) => linesOf(text, { measure, weight, size, width: wide })

  function drawLines(
    lines: readonly Line[],
    at: { x: number; y: number; size: number; color: string; wide?: number; align?: 'right' | undefined },
  ): void {
    doc.fillColor(at.color)
    lines.forEach((line, i) => {
      let x = at.align === 'right' ? at.x + (at.wide ?? 0) - line.width : at.x
      for (const { font, text } of line.runs) {
        setFont(font, at.size)
        doc.text(text, x, at.y + i * at.size * leading, { ...plainText, lineBreak: false })
        x += measure(text, font, at.size)
      }
    })
  }
  /** Draws, and gives the structure content of what was drawn. */
  function marked(tag: string, draw: () => void): PDFKit.PDFStructureContent {
    const content = doc.markStructureContent(tag)
    draw()
    doc.endMarkedContent()
    return content
  }
  function decoration(draw: () => void): void {
    doc.markContent('Artifact', { type: 'Layout' })
    draw()
    doc.endMarkedContent()
  }
  function turnPage(): void {
    doc.addPage()
    y = page.top
  }
  function room(points: number): void {
    if (y + points > bottom) turnPage()
  }
  function tagged(parent: PDFKit.PDFStructureElement, tag: string, contents: PDFKit.PDFStructureContent[]): void {
    const element = doc.struct(tag, {}, contents)
    parent.add(element)
    element.end()
  }
  /** Lines over as many pages as they need. */
  function flow(
    parent: PDFKit.PDFStructureElement,
    tag: string,
    lines: readonly Line[],
    style: { size: number; color: string; x?: number },
  ): void {
    const height = style.size * leading
    const contents: PDFKit.PDFStructureContent[] = []
    for (let from = 0; from < lines.length; ) {
      room(height)
      const fit = Math.max(1, Math.min(lines.length - from, Math.floor((bottom - y) / height)))
      const part = lines.slice(from, from + fit)
      contents.push(marked(tag, () => drawLines(part, { x: style.x ?? page.left, y, ...style })))
      y += fit * height
      from += fit
    }
    tagged(parent, tag, contents)
  }

  return {
    room,
    heading(level, text) {
      const size = { 1: 20, 2: 14, 3: 10.5 }[level]
      const lines = wrap(text, 600, size, width)
      room(lines.length * size * leading + (level === 1 ? 0 : 64))
      y += { 1: 0, 2: 10, 3: 8 }[level]
      bookmarks.length = level
      bookmarks.push(bookmarks[level - 1]!.addItem(text, { top: y - 4 } as object))
      flow(root, `H${level}`, lines, { size, color: colors.text })
      y += level === 3 ? 1 : 4
    },
    paragraph(text, { size = 8.5, weight = 400, muted = false } = {}) {
      flow(root, 'P', wrap(text, weight, size, width), { size, color: muted ? colors.muted : colors.text })
      y += 4
    },
    banner(tone, texts) {
      const size = 9.5
      const lines = texts.map((text, i) => wrap(text, i === 0 ? 600 : 400, size, width - 24))
      const height = lines.flat().length * size * leading + 14
      room(height)
      decoration(() => {
        doc.rect(page.left, y, width, height).fill(tints[tone])
        doc.rect(page.left, y, 4, height).fill(colors[tone])
      })
      let at = y + 7
      for (const each of lines) {
        const content = marked('P', () => drawLines(each, { x: page.left + 14, y: at, size, color: colors.text }))
        tagged(root, 'P', [content])
        at += each.length * size * leading
      }
      y += height + 8
    },
    list(items) {
      const list = doc.struct('L')
      root.add(list)
      for (const item of items) {
        const size = 8.5
        const lines = wrap(item, 400, size, width - 12)
        room(size * leading)
        const element = doc.struct('LI')
        list.add(element)
        const bullet = marked('Lbl', () => doc.circle(page.left + 4, y + size * 0.62, 1.4).fill(colors.muted))
        tagged(element, 'Lbl', [bullet])
        flow(element, 'LBody', lines, { size, color: colors.text, x: page.left + 12 })
        element.end()
        y += 1
      }
      list.end()
      y += 4
    },
    pairs(rows) {
      const size = 8
      const nameWidth = 104
      const table = doc.struct('Table')
      root.add(table)
      for (const [name, value] of rows) {
        const left = wrap(name, 400, size, nameWidth - 8)
        const right = wrap(value, 400, size, width - nameWidth).slice(0, cellLineLimit)
        const height = Math.max(left.length, right.length) * size * leading + 3
        room(height)
        const row = doc.struct('TR')
        table.add(row)
        const th = doc.struct('TH', { scope: 'Row' } as object)
        row.add(th)
        th.add(marked('TH', () => drawLines(left, { x: page.left, y, size, color: colors.muted })))
        th.end()
        tagged(row, 'TD', [marked('TD', () => drawLines(right, { x: page.left + nameWidth, y, size, color: colors.text }))])
        row.end()
        y += height
      }
      table.end()
      y += 5
    },
    bar(parts) {
      const total = parts.reduce((sum, [, count]) => sum + count, 0)
      if (total === 0) return
      room(14)
      decoration(() => {
        let x = page.left
        for (const [tone, count] of parts) {
          if (count === 0) continue
          // one per cent at least, so that a single fail among thousands is seen
          const wide = Math.min(Math.max(0.01, count / total) * width, page.left + width - x)
          doc.rect(x, y, wide, 7).fill(colors[tone])
          x += wide
        }
      })
      y += 14
    },
    table({ caption, columns, rows, total = rows.length, whole }) {
      if (rows.length === 0) return
      const size = 7.2
      const height = size * leading
      const shares = columns.reduce((sum, { share }) => sum + share, 0)
      let left = page.left
      const boxes = columns.map(column => {
        const wide = (column.share / shares) * width
        const box = { ...column, x: left + 3, wide: wide - 6 }
        left += wide
        return box
      })
      const heads = boxes.map(box => wrap(box.title, 600, size, box.wide))
      const headHeight = Math.max(...heads.map(lines => lines.length)) * height + 5
      const limited = rows.slice(0, frame.rowLimit ?? pdfRowLimit)
      const captionLines = wrap(caption, 400, 7.5, width)
      room(captionLines.length * 7.5 * leading + headHeight + 3 * height)
      const table = doc.struct('Table')
      root.add(table)
      flow(table, 'Caption', captionLines, { size: 7.5, color: colors.muted })
      y += 2
      const thead = doc.struct('THead')
      table.add(thead)
      const headRow = doc.struct('TR')
      thead.add(headRow)
      decoration(() => doc.rect(page.left, y, width, headHeight).fill(colors.head))
      boxes.forEach((box, i) => {
        const th = doc.struct('TH', { scope: 'Column' } as object)
        headRow.add(th)
        th.add(
          marked('TH', () =>
            drawLines(heads[i]!, { x: box.x, y: y + 2.5, size, color: colors.text, wide: box.wide, align: box.align }),
          ),
        )
        th.end()
      })
      headRow.end()
      thead.end()
      y += headHeight
      const body = doc.struct('TBody')
      table.add(body)
      for (const row of limited) {
        const cells = boxes.map((box, i) =>
          cellLines(wrap(row[i] ?? '', i === 0 ? 600 : 400, size, box.wide), wrap, size, box.wide),
        )
        const rowHeight = Math.max(1, ...cells.map(lines => lines.length)) * height + 4
        if (y + rowHeight > bottom) {
          turnPage()
          decoration(() => {
            doc.rect(page.left, y, width, headHeight).fill(colors.head)
            boxes.forEach((box, i) => {
              drawLines(heads[i]!, { x: box.x, y: y + 2.5, size, color: colors.text, wide: box.wide, align: box.align })
            })
          })
          y += headHeight
        }
        const element = doc.struct('TR')
        body.add(element)
        boxes.forEach((box, i) => {
          const lines = cells[i]!
          const content = marked('TD', () =>
            drawLines(lines, { x: box.x, y: y + 2, size, color: colors.text, wide: box.wide, align: box.align }),
          )
          tagged(element, 'TD', [content])
        })
        element.end()
        y += rowHeight
        decoration(() =>
          doc
            .moveTo(page.left, y)
            .lineTo(page.left + width, y)
            .lineWidth(0.4)
            .stroke(colors.line),
        )
      }
      body.end()
      table.end()
      y += 6
      if (total > limited.length) {
        const text = `The first ${limited.length} of ${total} rows are printed here; all of them stand in ${whole}.`
        flow(root, 'P', wrap(text, 600, 8.5, width), { size: 8.5, color: colors.unknown })
        y += 6
      }
    },
    async end() {
      const { count } = doc.bufferedPageRange()
      for (let n = 0; n < count; n++) {
        doc.switchToPage(n)
        // below and above the margins pdfkit would begin a new page
        doc.page.margins.bottom = 0
        doc.markContent('Artifact', { type: 'Pagination' })
        drawFrame(`page ${n + 1} of ${count}`)
        doc.endMarkedContent()
      }
      root.end()
      const done = new Promise<void>((resolve, reject) => doc.on('end', resolve).on('error', reject))
      doc.end()
      await done
      return chunks
    },
  }

  function drawFrame(number: string): void {
    const size = 6.6
    const style = { size, color: colors.muted }
    const right = wrap(frame.header.right, 600, size, width / 2)
    const numbered = wrap(number, 600, size, 80)
    drawLines(wrap(frame.header.left, 400, size, width / 2 - 8).slice(0, 2), { x: page.left, y: 28, ...style })
    drawLines(right.slice(0, 2), { x: page.left, y: 28, ...style, wide: width, align: 'right' })
    doc
      .moveTo(page.left, 46)
      .lineTo(page.left + width, 46)
      .lineWidth(0.4)
      .stroke(colors.line)
    const lines = frame.footer.flatMap(text => wrap(text, 400, size, width - 90)).slice(0, 4)
    doc
      .moveTo(page.left, bottom + 10)
      .lineTo(page.left + width, bottom + 10)
      .lineWidth(0.4)
      .stroke(colors.line)
    drawLines(lines, { x: page.left, y: bottom + 15, ...style })
    drawLines(numbered, { x: page.left, y: bottom + 15, ...style, wide: width, align: 'right' })
  }
}

function cellLines(
  lines: Line[],
  wrap: (text: string, weight: Weight, size: number, wide: number) => Line[],
  size: number,
  wide: number,
): Line[] {
  if (lines.length <= cellLineLimit) return lines
  return [...lines.slice(0, cellLineLimit - 2), ...wrap('… the whole stands in the CSV', 600, size, wide).slice(0, 2)]
}
