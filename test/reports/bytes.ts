/** All of a stream as text. */
export async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString('utf8')
}

/** Reads CSV by the grammar of RFC 4180, and refuses anything else: CRLF after every record, quotes only around whole cells. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let at = 0
  while (at < text.length) {
    const row: string[] = []
    for (;;) {
      const [cell, next] = readCell(text, at)
      row.push(cell)
      at = next + 1
      if (text[next] === ',') continue
      if (text[next] !== '\r' || text[next + 1] !== '\n') throw new Error(`no CRLF at ${next}`)
      at++
      break
    }
    rows.push(row)
  }
  return rows
}

/** Rows as objects by the header. */
export function recordsOf(text: string): { [column: string]: string }[] {
  const [header = [], ...rows] = parseCsv(text)
  return rows.map(row => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])))
}

function readCell(text: string, start: number): [string, number] {
  if (text[start] !== '"') {
    let end = start
    while (end < text.length && !',\r\n"'.includes(text[end]!)) end++
    return [text.slice(start, end), end]
  }
  let cell = ''
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] !== '"') cell += text[at]
    else if (text[at + 1] === '"') cell += text[at++]
    else return [cell, at + 1]
  }
  throw new Error(`a quote that opens at ${start} is not closed`)
}

/** All bytes of a stream in one piece. */
export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}
