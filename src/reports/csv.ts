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
  if (writer.size() > 0) yield writer.take()
}

const comma = 0x2c

/** Characters for whose sake a cell is quoted. */
const needsQuotes = /[",\r\n]/

/** First characters that make a spreadsheet run a cell, full-width forms and what older programs run included. */
const runsAsFormula = new Set([...'=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20'].map(char => char.charCodeAt(0)))

/** Writes cells straight into the bytes of the chunk: putting a row and a chunk together as texts first would cost as much again. */
function openWriter() {
  let bytes = Buffer.allocUnsafeSlow(chunkBytes * 2)
  let at = 0

  function write(text: string): void {
    // three bytes hold any UTF-16 unit; what may follow is a comma or the end of the record
    const most = at + text.length * 3 + 2
    if (most > bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, most))
      bytes.copy(larger, 0, 0, at)
      bytes = larger
    }
    at += bytes.write(text, at)
  }

  function cellText(cell: Cell | undefined): string {
    if (cell === null || cell === undefined) return ''
    if (typeof cell !== 'string') return String(cell)
    const safe = runsAsFormula.has(cell.charCodeAt(0)) ? `'${cell}` : cell
    return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }

  return {
    size: () => at,
    row(cells: readonly Cell[]): void {
      for (let i = 0; i < cells.length; i++) {
        if (i > 0) bytes[at++] = comma
        write(cellText(cells[i]))
      }
      // a record of one empty cell would be an empty line, which readers skip
      if (cells.length === 1 && (cells[0] === '' || cells[0] === null)) write('""')
      bytes[at++] = 0x0d
      bytes[at++] = 0x0a
    },
    /** What was written since the last time; the bytes are the caller's. */
    take(): Uint8Array {
      const chunk = bytes.subarray(0, at)
      bytes = Buffer.allocUnsafeSlow(chunkBytes * 2)
      at = 0
      return chunk
    },
  }
}
