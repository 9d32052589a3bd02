import { Entity } from './entity.ts'
import { Broken, Count, join, Undecided } from './values.ts'

export type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!='

/** Longest text an expression may build, in UTF-16 units. */
const longestText = 10_000

type Plain = string | number | boolean | Entity | null

/** What each says of two values of one kind. */
export const plain: { readonly [C in Comparison]: (a: Plain, b: Plain) => boolean } = {
  '<': (a, b) => a! < b!,
  '<=': (a, b) => a! <= b!,
  '>': (a, b) => a! > b!,
  '>=': (a, b) => a! >= b!,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
}

const mirrored: { readonly [C in Comparison]: Comparison } = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  '==': '==',
  '!=': '!=',
}

/** Compares two values; an interval is decided when all of it agrees, null equals only null, and what has no order is broken. */
export function compare(op: Comparison, a: unknown, b: unknown): unknown {
  if (a instanceof Undecided) return b instanceof Undecided ? join(a, b) : a
  if (b instanceof Undecided) return b
  if (a instanceof Count) return compareCount(op, a, b)
  if (b instanceof Count) return compareCount(mirrored[op], b, a)
  if (a instanceof Date && b instanceof Date) return plain[op](a.getTime(), b.getTime())
  if (op === '==' || op === '!=') {
    if (a === null || b === null || (a instanceof Entity && b instanceof Entity))
      return plain[op](a as Entity | null, b as Entity | null)
  }
  if (typeof a === typeof b && (typeof a === 'number' || typeof a === 'string' || typeof a === 'boolean')) {
    return plain[op](a, b as typeof a)
  }
  return new Broken(`${describe(a)} ${op} ${describe(b)} cannot be compared`)
}

function compareCount(op: Comparison, count: Count, other: unknown): unknown {
  if (other instanceof Count) {
    // two intervals agree only where they do not overlap; nothing in the catalog needs more
    if (count.high < other.low) return op === '<' || op === '<=' || op === '!='
    if (count.low > other.high) return op === '>' || op === '>=' || op === '!='
    return join(count.why, other.why)
  }
  if (typeof other !== 'number') return new Broken(`a number of members and ${describe(other)} cannot be compared`)
  const { low, high, why } = count
  switch (op) {
    case '>':
      return low > other ? true : high <= other ? false : why
    case '>=':
      return low >= other ? true : high < other ? false : why
    case '<':
      return high < other ? true : low >= other ? false : why
    case '<=':
      return high <= other ? true : low > other ? false : why
    case '==':
      return other < low || other > high ? false : low === high ? true : why
    case '!=':
      return other < low || other > high ? true : low === high ? false : why
  }
}

/** `+` of texts and of complete lists; everything else is refused when the catalog loads. */
export function add(a: unknown, b: unknown): unknown {
  if (a instanceof Undecided) return b instanceof Undecided ? join(a, b) : a
  if (b instanceof Undecided) return b
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length + b.length > longestText) return new Broken(`the text is longer than ${longestText} characters`)
    return a + b
  }
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
  return new Broken(`${describe(a)} + ${describe(b)} has no meaning`)
}

export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return value instanceof Date ? 'a timestamp' : `a ${typeof value === 'object' ? value.constructor.name : typeof value}`
}
