import { stringify } from 'csv-stringify/sync'

/** A cell as it stands in a CSV file; null and '' are the same empty cell. */
export type Cell = string | number | boolean | null

/** The parameter `header=present` is RFC 4180's: whoever counts rows leaves out the first. */
export const csvMediaType = 'text/csv; charset=utf-8; header=present'

/** Characters that make a spreadsheet run a cell, besides those csv-stringify knows (`= + - @`, tab, carriage return, full-width forms). */
const alsoFormula = /^[\n|%]/

/** csv-stringify quotes a cell for the whole record delimiter only; RFC 4180 wants it for each of its two characters. */
const lineBreak = /[\r\n]/

const rowsPerChunk = 500

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
  let batch: (readonly Cell[])[] = [columns]
  for await (const row of rows) {
    batch.push(row)
    if (batch.length < rowsPerChunk) continue
    yield encode(batch)
    batch = []
  }
  if (batch.length > 0) yield encode(batch)
}

function encode(rows: readonly (readonly Cell[])[]): Uint8Array {
  const safe = rows.map(row => row.map(cell => (typeof cell === 'string' && alsoFormula.test(cell) ? `'${cell}` : cell)))
  return Buffer.from(
    stringify(safe, { record_delimiter: 'windows', escape_formulas: true, quoted_match: lineBreak, cast: { boolean: String } }),
  )
}
