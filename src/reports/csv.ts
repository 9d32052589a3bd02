/** A cell as it stands in a CSV file; null and '' are the same empty cell. */
export type Cell = string | number | boolean | null

/** The parameter `header=present` is RFC 4180's: whoever counts rows leaves out the first. */
export const csvMediaType = 'text/csv; charset=utf-8; header=present'

const chunkBytes = 1 << 17

/**
 * CSV as RFC 4180 says: UTF-8, CRLF after every record, one header, then rows only. A text that a spreadsheet would run as a formula gets
 * an apostrophe in front. Streams: memory stays small for millions of rows.
 * @param rows each with as many cells as there are columns
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export async function* csvOf(
  columns: readonly string[],
  rows: AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>,
): AsyncGenerator<Uint8Array> {
  const writer = openWriter()
  writer.row(columns)
  // awaiting a row that is there already costs more than writing it
  if (Symbol.iterator in rows) {
    for (const row of rows) {
      writer.row(row)
      if (writer.size() >= chunkBytes) yield writer.take()
    }
  } else {
    for await (const row of rows) {
      writer.row(row)
      if (writer.size() >= chunkBytes) yield writer.take()
    }
  }
  const rest = writer.take()
  if (rest.length > 0) yield rest
}

const quote = 0x22

/** Characters for whose sake a cell is quoted. */
const needsQuotes = /[",\r\n]/

/** First characters that make a spreadsheet run a cell, full-width forms and what older programs run included. */
const runsAsFormula = new Set([...'=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20'].map(char => char.charCodeAt(0)))

/** Characters that are put together before they are written: one call for many cells costs less than one for each. */
const textLength = 1000

/** Writes cells into the bytes of the chunk. Plain ones are put together as text, quotes are doubled as bytes: each is the fastest of its kind. */
function openWriter() {
  let bytes = Buffer.allocUnsafeSlow(chunkBytes * 2)
  let at = 0
  let text = ''
  let scratch = Buffer.allocUnsafeSlow(1 << 12)

  function reserve(size: number): void {
    if (at + size <= bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + size))
    bytes.copy(larger, 0, 0, at)
    bytes = larger
  }
  function flush(): void {
    // three bytes hold any UTF-16 unit
    reserve(text.length * 3)
    at += bytes.write(text, at)
    text = ''
  }
  function writeQuoted(cell: string): void {
    text += '"'
    flush()
    if (cell.length * 3 > scratch.length) scratch = Buffer.allocUnsafeSlow(cell.length * 3)
    const size = scratch.write(cell, 0)
    reserve(size * 2)
    for (let i = 0; i < size; i++) {
      const byte = scratch[i]!
      if (byte === quote) bytes[at++] = quote
      bytes[at++] = byte
    }
    text = '"'
  }
  function write(cell: Cell | undefined): void {
    if (cell === null || cell === undefined) return
    if (typeof cell !== 'string') {
      text += cell
      return
    }
    const safe = runsAsFormula.has(cell.charCodeAt(0)) ? `'${cell}` : cell
    if (needsQuotes.test(safe)) writeQuoted(safe)
    else text += safe
  }

  return {
    size: () => at,
    row(cells: readonly Cell[]): void {
      for (let i = 0; i < cells.length; i++) {
        if (i > 0) text += ','
        write(cells[i])
      }
      // a record of one empty cell would be an empty line, which readers skip
      text += cells.length === 1 && (cells[0] === '' || cells[0] === null) ? '""\r\n' : '\r\n'
      if (text.length >= textLength) flush()
    },
    /** What was written since the last time; the bytes are the caller's. */
    take(): Uint8Array {
      flush()
      const chunk = bytes.subarray(0, at)
      bytes = Buffer.allocUnsafeSlow(chunkBytes * 2)
      at = 0
      return chunk
    },
  }
}
