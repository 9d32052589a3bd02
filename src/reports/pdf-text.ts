import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Piece of a line in one font. */
export interface Run {
  readonly font: string
  readonly text: string
}

export interface Line {
  readonly runs: readonly Run[]
  readonly width: number
}

export type Weight = 400 | 600

/** Width of a text in points, in a registered font. */
export type Measure = (text: string, font: string, size: number) => number

const require = createRequire(import.meta.url)

/** Inter comes in one file per script; the first that has a character is taken. */
const scripts = ['latin', 'latin-ext', 'cyrillic', 'cyrillic-ext', 'greek', 'greek-ext', 'vietnamese'] as const

type Script = (typeof scripts)[number]

const ranges: readonly (readonly [Script, readonly (readonly [number, number])[]])[] = scripts.map(script => {
  const written = (require('@fontsource/inter/unicode.json') as Record<Script, string>)[script]
  const parsed = written.split(',').map(range => {
    const [from, to = from] = range.replace('U+', '').split('-')
    return [Number.parseInt(from!, 16), Number.parseInt(to!, 16)] as const
  })
  return [script, parsed]
})

function fontName(script: Script, weight: Weight): string {
  return `Inter ${weight} ${script}`
}

/** Every font a document may use, as bytes; only those used are embedded. */
export function fontFiles(): readonly { readonly name: string; bytes(): Buffer }[] {
  return scripts.flatMap(script =>
    ([400, 600] as const).map(weight => ({
      name: fontName(script, weight),
      bytes: () => readFileSync(require.resolve(`@fontsource/inter/files/inter-${script}-${weight}-normal.woff`)),
    })),
  )
}

/**
 * Breaks text into lines of a width. A word that is longer breaks anywhere, so that ARNs and digests stay whole to the eye.
 * A character that Inter does not have stands as its code point, `[U+6F22]`: nothing is dropped.
 */
export function linesOf(text: string, options: { measure: Measure; weight: Weight; size: number; width: number }): Line[] {
  const lines: Line[] = []
  for (const paragraph of text.split(/\r\n|[\n\r\u2028\u2029]/)) breakParagraph(paragraph, options, lines)
  return lines
}

function breakParagraph(text: string, { measure, weight, size, width }: Parameters<typeof linesOf>[1], lines: Line[]): void {
  let runs: Run[] = []
  let used = 0
  const push = () => {
    lines.push({ runs, width: used })
    runs = []
    used = 0
  }
  const add = (part: readonly Run[], partWidth: number) => {
    for (const run of part) {
      const last = runs.at(-1)
      if (last?.font === run.font) runs[runs.length - 1] = { font: run.font, text: last.text + run.text }
      else runs.push(run)
    }
    used += partWidth
  }
  for (const word of text.match(/[^ \t]+[ \t]*|[ \t]+/g) ?? []) {
    const part = runsOf(word, weight)
    const bare = widthOf(runsOf(word.trimEnd(), weight), measure, size)
    if (used + bare > width && used > 0) push()
    if (bare <= width) {
      add(part, widthOf(part, measure, size))
      continue
    }
    for (const char of word) {
      const piece = runsOf(char, weight)
      const pieceWidth = widthOf(piece, measure, size)
      if (used + pieceWidth > width && used > 0) push()
      add(piece, pieceWidth)
    }
  }
  push()
}

function widthOf(runs: readonly Run[], measure: Measure, size: number): number {
  return runs.reduce((sum, { font, text }) => sum + measure(text, font, size), 0)
}

function runsOf(text: string, weight: Weight): Run[] {
  const plain = text.replaceAll('\t', '    ')
  if (/^[ -~]*$/.test(plain)) return [{ font: fontName('latin', weight), text: plain }]
  const runs: Run[] = []
  for (const char of plain) {
    const code = char.codePointAt(0)!
    const script = isDrawn(code)
      ? (ranges.find(([, own]) => own.some(([from, to]) => code >= from && code <= to))?.[0] ?? null)
      : null
    const run = {
      font: fontName(script ?? 'latin', weight),
      text: script === null ? `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]` : char,
    }
    const last = runs.at(-1)
    if (last?.font === run.font) runs[runs.length - 1] = { font: run.font, text: last.text + run.text }
    else runs.push(run)
  }
  return runs
}

/** Control, direction and zero-width characters would change what the eye sees without being seen. */
function isDrawn(code: number): boolean {
  return !(
    code < 0x20 ||
    (code >= 0x7f && code < 0xa0) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    code === 0xad
  )
}
