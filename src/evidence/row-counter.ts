const quote = 0x22
const lineFeed = 0x0a

/** Counts rows while bytes pass by. `end` gives null for media types that have no rows. */
export interface RowCounter {
  add(chunk: Uint8Array): void
  end(): number | null
}

/**
 * Rows of a file by its media type: CSV records (RFC 4180: a line break inside quotes is no end of record) and JSON lines.
 * `; header=present` (the parameter of RFC 4180) says that the first record or line is not a row.
 */
export function rowCounter(mediaType: string): RowCounter {
  const header = /;\s*header=present/i.test(mediaType) ? 1 : 0
  if (/^text\/csv\b/i.test(mediaType)) return recordCounter(header)
  if (/^application\/(x-ndjson|jsonl)\b/i.test(mediaType)) return lineCounter(header)
  return { add() {}, end: () => null }
}

function lineCounter(header: number): RowCounter {
  let lines = 0
  let last = lineFeed
  return {
    add(chunk) {
      for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, at + 1)) lines++
      last = chunk.at(-1) ?? last
    },
    end: () => Math.max(0, lines + (last === lineFeed ? 0 : 1) - header),
  }
}

function recordCounter(header: number): RowCounter {
  let records = 0
  let inQuotes = false
  let last = lineFeed
  return {
    add(chunk) {
      // by index: the iterator of a typed array makes the loop, and with it verifying, several times slower
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i]
        if (byte === quote) inQuotes = !inQuotes
        else if (byte === lineFeed && !inQuotes) records++
      }
      last = chunk.at(-1) ?? last
    },
    end: () => Math.max(0, records + (last === lineFeed ? 0 : 1) - header),
  }
}
