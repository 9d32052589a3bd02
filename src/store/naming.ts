import { canonicalJson } from '../digest.ts'
import type { Connection } from './database.ts'

/** A row whose text may name a person. */
export interface NamingRow {
  readonly body: string
}

/**
 * Rows of a query whose `body` holds one of the names as a whole word, whatever its case. Read through a cursor: there may be many that hold
 * it as a part of another.
 * @param text a query with a column `body`, whose own parameters begin with $2
 * @param names in lower case
 */
export async function naming<Row extends NamingRow>(
  on: Connection,
  text: string,
  values: readonly unknown[],
  names: readonly string[],
): Promise<Row[]> {
  if (names.length === 0) return []
  const words = wordsOf(names, 'u')
  const found: Row[] = []
  await on.execute(
    `declare naming no scroll cursor for
     select b.* from (${text}) b where exists (select from unnest($1::text[]) n (name) where strpos(lower(b.body), n.name) > 0)`,
    [names.map(inJson), ...values],
  )
  for (;;) {
    const rows = await on.query<Row>('fetch 500 from naming')
    for (const row of rows) if (words.some(word => word.test(row.body.toLowerCase()))) found.push(row)
    if (rows.length < 500) break
  }
  await on.execute('close naming')
  return found
}

/** Not behind a backslash that begins an escape. */
const outsideEscape = '(?<!(?<!\\\\)(?:\\\\{2})*\\\\)'
/** Behind a line feed, a tab or another character that is written as an escape: its last letter is none of a word. */
const afterEscape = '(?<=(?<!\\\\)(?:\\\\{2})*\\\\(?:[bfnrt]|u[0-9a-f]{4}))'

/** Each name as a whole word in canonical JSON, which begins at no letter of an escape, as an expression with these flags. */
export function wordsOf(names: readonly string[], flags: string): RegExp[] {
  return names.map(name => {
    const literal = inJson(name).replaceAll(/[$()*+.?[\\\]^{|}/]/g, '\\$&')
    return new RegExp(
      `${outsideEscape}(?:${afterEscape}|(?<![\\p{L}\\p{N}_@-]|[\\p{L}\\p{N}][.]))${literal}(?![\\p{L}\\p{N}_@-]|[.][\\p{L}\\p{N}])`,
      flags,
    )
  })
}

function inJson(name: string): string {
  return canonicalJson(name).slice(1, -1)
}
