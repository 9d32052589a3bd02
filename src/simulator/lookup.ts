/** Below this a scan is as fast as keeping an index, and it can never be stale. */
const scanLimit = 2_000

interface Index<Row> {
  readonly length: number
  readonly first: Row | undefined
  readonly last: Row | undefined
  readonly rows: ReadonlyMap<string, readonly Row[]>
}

const indexes = new WeakMap<object, Map<(row: never) => string, Index<never>>>()

/**
 * The rows of a list that have a key, in order. Long lists are indexed; the index is made anew when the list is another one, is longer
 * or shorter, begins or ends differently, or holds a row whose key has changed. `keyOf` must be the same function each time.
 */
export function rowsWith<Row>(rows: readonly Row[], keyOf: (row: Row) => string, key: string): readonly Row[] {
  if (rows.length < scanLimit) return rows.filter(row => keyOf(row) === key)
  const found = indexOf(rows, keyOf, false).rows.get(key) ?? []
  if (found.every(row => keyOf(row) === key)) return found
  return indexOf(rows, keyOf, true).rows.get(key) ?? []
}

/** The first such row. */
export function rowWith<Row>(rows: readonly Row[], keyOf: (row: Row) => string, key: string): Row | undefined {
  if (rows.length < scanLimit) return rows.find(row => keyOf(row) === key)
  return rowsWith(rows, keyOf, key)[0]
}

function indexOf<Row>(rows: readonly Row[], keyOf: (row: Row) => string, anew: boolean): Index<Row> {
  let ofRows = indexes.get(rows) as Map<(row: Row) => string, Index<Row>> | undefined
  if (!ofRows) {
    ofRows = new Map()
    indexes.set(rows, ofRows as never)
  }
  const kept = ofRows.get(keyOf)
  if (!anew && kept && kept.length === rows.length && kept.first === rows[0] && kept.last === rows.at(-1)) return kept
  const map = new Map<string, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const same = map.get(key)
    if (same) same.push(row)
    else map.set(key, [row])
  }
  const made = { length: rows.length, first: rows[0], last: rows.at(-1), rows: map }
  ofRows.set(keyOf, made)
  return made
}
