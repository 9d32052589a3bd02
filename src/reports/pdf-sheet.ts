import type PDFDocument from 'pdfkit'
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

/** Where lines are drawn, in points; `wide` is what `align` keeps to. */
interface Spot {
  readonly x: number
  readonly y: number
  readonly size: number
  readonly color: string
  readonly wide?: number
  readonly align?: 'right' | undefined
}

export const colors = {
  text: '#1a1a1a',
  muted: '#595959',
  line: '#c8c8c8',
  head: '#efefef',
  fail: '#b3261e',
  unknown: '#8a5a00',
  pass: '#1b6e3c',
  plain: '#6b7280',
}
/** Height of a line, as a multiple of its size. */
export const leading = 1.34
const page = { left: 40, right: 40, top: 54, bottom: 66 }

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

/** The pages of a tagged PDF, and the place on them where the next thing stands. Lengths are points. */
export class PdfSheet {
  readonly doc: PDFKit.PDFDocument
  /** what every structure element hangs from */
  readonly root: PDFKit.PDFStructureElement
  /** left edge and width of what is written */
  readonly left = page.left
  readonly width: number
  /** where the next thing stands */
  y = page.top
  readonly #frame: PdfFrame
  readonly #bottom: number
  readonly #chunks: Uint8Array[] = []
  /** of each font, by character, at size 1 */
  readonly #advances = new Map<string, Map<string, number>>()

  /** Begins the first page, A4 in Inter. @param Document of pdfkit, which is loaded when a PDF is drawn */
  constructor(Document: typeof PDFDocument, frame: PdfFrame) {
    this.#frame = frame
    this.doc = new Document({
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
    const { doc } = this
    doc.on('data', (chunk: Uint8Array) => this.#chunks.push(chunk))
    for (const { name, bytes } of fontFiles()) doc.registerFont(name, bytes())
    this.width = doc.page.width - page.left - page.right
    this.#bottom = doc.page.height - page.bottom
    this.root = doc.struct('Document', { title: frame.title })
    doc.addStructure(this.root)
    const { logo } = frame
    if (logo)
      this.decoration(() => {
        doc.image(logo, doc.page.width - page.right - 120, this.y, { fit: [120, 40], align: 'right' })
      })
  }

  wrap(text: string, weight: Weight, size: number, width: number): Line[] {
    return linesOf(text, { measure: (...asked) => this.#measure(...asked), weight, size, width })
  }

  drawLines(lines: readonly Line[], at: Spot): void {
    this.doc.fillColor(at.color)
    lines.forEach((line, i) => {
      let x = at.align === 'right' ? at.x + (at.wide ?? 0) - line.width : at.x
      for (const { font, text } of line.runs) {
        this.#setFont(font, at.size)
        this.doc.text(text, x, at.y + i * at.size * leading, { ...plainText, lineBreak: false })
        x += this.#measure(text, font, at.size)
      }
    })
  }

  /** A thin line across the page. */
  drawRule(y: number): void {
    this.doc
      .moveTo(page.left, y)
      .lineTo(page.left + this.width, y)
      .lineWidth(0.4)
      .stroke(colors.line)
  }

  /** Draws, and gives the structure content of what was drawn. */
  marked(tag: string, draw: () => void): PDFKit.PDFStructureContent {
    const content = this.doc.markStructureContent(tag)
    draw()
    this.doc.endMarkedContent()
    return content
  }

  /** Draws what readers that speak pass over. */
  decoration(draw: () => void): void {
    this.doc.markContent('Artifact', { type: 'Layout' })
    draw()
    this.doc.endMarkedContent()
  }

  tagged(parent: PDFKit.PDFStructureElement, tag: string, contents: PDFKit.PDFStructureContent[]): void {
    const element = this.doc.struct(tag, {}, contents)
    parent.add(element)
    element.end()
  }

  fits(height: number): boolean {
    return this.y + height <= this.#bottom
  }

  turnPage(): void {
    this.doc.addPage()
    this.y = page.top
  }

  /** Begins a new page unless so much room is left. */
  room(height: number): void {
    if (!this.fits(height)) this.turnPage()
  }

  /** Lines over as many pages as they need. */
  flow(
    parent: PDFKit.PDFStructureElement,
    tag: string,
    lines: readonly Line[],
    style: { readonly size: number; readonly color: string; readonly x?: number },
  ): void {
    const height = style.size * leading
    const contents: PDFKit.PDFStructureContent[] = []
    for (let from = 0; from < lines.length; ) {
      this.room(height)
      const fit = Math.max(1, Math.min(lines.length - from, Math.floor((this.#bottom - this.y) / height)))
      const part = lines.slice(from, from + fit)
      contents.push(this.marked(tag, () => this.drawLines(part, { x: style.x ?? page.left, y: this.y, ...style })))
      this.y += fit * height
      from += fit
    }
    this.tagged(parent, tag, contents)
  }

  /** Writes header and footer on every page, and ends the document. @returns its bytes, in pieces */
  async end(): Promise<Uint8Array[]> {
    const { doc } = this
    const { count } = doc.bufferedPageRange()
    for (let n = 0; n < count; n++) {
      doc.switchToPage(n)
      // below and above the margins pdfkit would begin a new page
      doc.page.margins.bottom = 0
      doc.markContent('Artifact', { type: 'Pagination' })
      this.#drawFrame(`page ${n + 1} of ${count}`)
      doc.endMarkedContent()
    }
    this.root.end()
    const done = new Promise<void>((resolve, reject) => doc.on('end', resolve).on('error', reject))
    doc.end()
    await done
    return this.#chunks
  }

  #drawFrame(number: string): void {
    const { header, footer } = this.#frame
    const { width } = this
    const size = 6.6
    const style = { size, color: colors.muted }
    const right = this.wrap(header.right, 600, size, width / 2)
    const numbered = this.wrap(number, 600, size, 80)
    this.drawLines(this.wrap(header.left, 400, size, width / 2 - 8).slice(0, 2), { x: page.left, y: 28, ...style })
    this.drawLines(right.slice(0, 2), { x: page.left, y: 28, ...style, wide: width, align: 'right' })
    this.drawRule(46)
    const lines = footer.flatMap(text => this.wrap(text, 400, size, width - 90)).slice(0, 4)
    this.drawRule(this.#bottom + 10)
    this.drawLines(lines, { x: page.left, y: this.#bottom + 15, ...style })
    this.drawLines(numbered, { x: page.left, y: this.#bottom + 15, ...style, wide: width, align: 'right' })
  }

  #setFont(name: string, size: number): void {
    this.doc.font(name, size)
    layOutPlainly((this.doc as unknown as { readonly _font: unknown })._font)
  }

  /** Without kerning and ligatures a text is as wide as its characters together, so each is asked for once. */
  #measure(text: string, font: string, size: number): number {
    let known = this.#advances.get(font)
    if (known === undefined) {
      known = new Map()
      this.#advances.set(font, known)
    }
    let sum = 0
    for (const char of text) {
      let advance = known.get(char)
      if (advance === undefined) {
        this.#setFont(font, 10)
        advance = this.doc.widthOfString(char, plainText) / 10
        known.set(char, advance)
      }
      sum += advance
    }
    return sum * size
  }
}
