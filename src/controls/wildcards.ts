/**
 * True when every text that `inner` stands for is one that `outer` stands for. `*` any number, `?` one character. What it costs grows with
 * the product of the lengths at most: whoever may write a policy may write a hostile pattern.
 */
export function covers(outer: string, inner: string): boolean {
  let [i, j, star, mark] = [0, 0, -1, 0]
  while (j < inner.length) {
    if (outer[i] === '*') {
      star = i++
      mark = j
    } else if (i < outer.length && (outer[i] === inner[j] || (outer[i] === '?' && inner[j] !== '*'))) {
      i++
      j++
    } else if (star >= 0) {
      i = star + 1
      j = ++mark
    } else return false
  }
  while (outer[i] === '*') i++
  return i === outer.length
}

const hasWildcard = /[*?]/

/** True when some text is matched by both; as costly as `covers`. */
export function meets(a: string, b: string): boolean {
  // most are asked about one action: what stands for one text alone meets what covers it, which is far cheaper to tell
  if (!hasWildcard.test(b)) return covers(a, b)
  if (!hasWildcard.test(a)) return covers(b, a)
  let at = 0
  while (at < a.length && at < b.length && a[at] !== '*' && b[at] !== '*') {
    if (a[at] !== b[at] && a[at] !== '?' && b[at] !== '?') return false
    at++
  }
  const [x, y] = [a.slice(at), b.slice(at)]
  if (x === '*' || y === '*') return true
  if (x[0] !== '*' && y[0] !== '*') return x === '' && y === ''
  // from the ends: whether what is left of the one and what is left of the other meet
  let below = new Uint8Array(y.length + 1)
  for (let i = x.length; i >= 0; i--) {
    const row = new Uint8Array(y.length + 1)
    for (let j = y.length; j >= 0; j--) {
      const [left, right] = [x[i], y[j]]
      if (left === undefined && right === undefined) row[j] = 1
      else if (left === '*') row[j] = below[j]! | row[j + 1]!
      else if (right === '*') row[j] = row[j + 1]! | below[j]!
      else if (left !== undefined && right !== undefined && (left === right || left === '?' || right === '?'))
        row[j] = below[j + 1]!
    }
    below = row
  }
  return below[0] === 1
}
