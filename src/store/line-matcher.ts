import { sha256 } from '../digest.ts'
import { groupByUnit, LeafRows, type LeavesByUnit } from './leaf-rows.ts'
import { sortedLeaves } from './unit-digests.ts'

const leafBytes = 32
const operations: Readonly<Record<string, 0 | 1>> = { '+': 0, '-': 1 }

/**
 * Tells whether the lines of a change set are the rows that begin and end with a version, whatever the order of either. Sorting millions of rows
 * as text took longer than computing all of them.
 */
export class LineMatcher {
  readonly #units: ReadonlyMap<string, number>
  readonly #leaves: LeavesByUnit
  readonly #version: number
  readonly #lines = new LeafRows()
  #isUsual = true

  /** @param units indexes of a source's datasets, by `dataset account Region` @param leaves of all rows that begin or end */
  constructor(units: ReadonlyMap<string, number>, leaves: LeavesByUnit, version: number) {
    this.#units = units
    this.#leaves = leaves
    this.#version = version
  }

  add(line: string): void {
    const operation = operations[line[0]!]
    const bracket = line.indexOf(' [')
    const unit = this.#units.get(line.slice(2, bracket))
    const end = line.lastIndexOf('] ')
    if (operation === undefined || unit === undefined || end < 0) this.#isUsual = false
    else this.#lines.add(unit, operation, 0, sha256(`${line.slice(bracket + 1, end)},"${line.slice(end + 2)}"]`))
  }

  /** False also where it cannot tell. */
  isMatch(): boolean {
    if (!this.#isUsual) return false
    const lines = groupByUnit([this.#lines.columns()], this.#leaves.starts.length - 1)
    for (const unit of this.#units.values()) {
      const begun = chosen(this.#leaves, unit, this.#leaves.from, this.#version)
      const ended = chosen(this.#leaves, unit, this.#leaves.to, this.#version)
      if (!isSameSet(begun, chosen(lines, unit, lines.from, operations['+']!))) return false
      if (!isSameSet(ended, chosen(lines, unit, lines.from, operations['-']!))) return false
    }
    return true
  }
}

/** Leaves of a dataset whose row has a value in a column. */
function chosen({ starts, leaves }: LeavesByUnit, unit: number, column: Int32Array, value: number): Buffer {
  const [begin, end] = [starts[unit]!, starts[unit + 1]!]
  let count = 0
  for (let i = begin; i < end; i++) if (column[i] === value) count++
  const found = Buffer.allocUnsafe(count * leafBytes)
  let at = 0
  for (let i = begin; i < end; i++) {
    if (column[i] !== value) continue
    found.set(leaves.subarray(i * leafBytes, (i + 1) * leafBytes), at)
    at += leafBytes
  }
  return found
}

function isSameSet(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false
  const [inA, inB] = [sortedLeaves(a), sortedLeaves(b)]
  for (let i = 0; i < inA.length; i++) {
    const [x, y] = [inA[i]! * leafBytes, inB[i]! * leafBytes]
    if (a.compare(b, y, y + leafBytes, x, x + leafBytes) !== 0) return false
  }
  return true
}
