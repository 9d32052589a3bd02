/** What pdfkit asks of the font it writes with; the declarations of the package leave it out. */
interface OpenFont {
  readonly scale: number
  readonly font: { glyphForCodePoint(code: number): Glyph }
  layout(text: string, features?: unknown, onlyWidth?: boolean): LaidRun
}

interface Glyph {
  readonly advanceWidth: number
}

interface LaidRun {
  readonly glyphs: readonly Glyph[]
  readonly positions: readonly GlyphPosition[]
  readonly advanceWidth: number
}

interface GlyphPosition {
  readonly xAdvance: number
  readonly yAdvance: number
  readonly xOffset: number
  readonly yOffset: number
  readonly advanceWidth: number
}

interface LaidGlyph {
  readonly glyph: Glyph
  readonly position: GlyphPosition
}

/** Marks are placed over the letter before them, and a fraction's slash changes the figures beside it: these the font has to lay out itself. */
const needsTheFont = /[\p{M}\u2044]/u

/**
 * Lays out runs of text a character at a time, each looked up in the font once. With kerning and joined forms turned off that is what the
 * font's tables come to, which otherwise are run over every piece of text, three times each.
 * @param opened the font that a document writes with at the moment
 */
export function layOutPlainly(opened: unknown): void {
  const font = opened as OpenFont
  if (known.has(font)) return
  known.add(font)
  const layOut = font.layout.bind(font)
  const laid = new Map<string, LaidGlyph>()
  font.layout = (text, features, onlyWidth) => {
    if (needsTheFont.test(text)) return layOut(text, features, onlyWidth)
    const glyphs: Glyph[] = []
    const positions: GlyphPosition[] = []
    let advanceWidth = 0
    for (const char of text) {
      let each = laid.get(char)
      if (each === undefined) {
        each = lookUp(font, char)
        laid.set(char, each)
      }
      glyphs.push(each.glyph)
      positions.push(each.position)
      advanceWidth += each.position.xAdvance
    }
    return { glyphs, positions, advanceWidth }
  }
}

const known = new WeakSet<OpenFont>()

function lookUp({ font, scale }: OpenFont, char: string): LaidGlyph {
  const glyph = font.glyphForCodePoint(char.codePointAt(0)!)
  const wide = glyph.advanceWidth * scale
  return { glyph, position: { xAdvance: wide, yAdvance: 0, xOffset: 0, yOffset: 0, advanceWidth: wide } }
}
