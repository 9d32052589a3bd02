import { createHash, type Hash } from 'node:crypto'
import { endianness } from 'node:os'
import type { LeavesByUnit } from './leaf-rows.ts'
import { stillHolds } from './versions.ts'

const leafBytes = 32
/** 64 hexadecimal digits and a line feed */
const lineBytes = 65
const blockLeaves = 1 << 14

/** Count and digest of a dataset from one version on, up to the next entry's. */
export interface UnitState {
  readonly version: number
  readonly count: number
  readonly digest: string
}

/**
 * Count and digest (`setDigest`) of the rows of one dataset at every version with which one of them begins or ends. The leaves are sorted
 * once, and each version takes those that hold then.
 */
export function unitStates({ starts, from: froms, to: tos, leaves }: LeavesByUnit, unit: number): UnitState[] {
  const [begin, end] = [starts[unit]!, starts[unit + 1]!]
  const [from, to] = [froms.subarray(begin, end), tos.subarray(begin, end)]
  const bytes = Buffer.from(leaves.buffer, leaves.byteOffset + begin * leafBytes, (end - begin) * leafBytes)
  const versions = [...new Set([...distinct(from), ...distinct(to)])].filter(each => each < stillHolds).sort((a, b) => a - b)
  const states = versions.map(version => ({ version, count: 0, sum: createHash('sha256') }))
  const order = sortedLeaves(bytes)
  const block = Buffer.allocUnsafe(Math.min(blockLeaves, order.length) * lineBytes)
  const chosen = Buffer.allocUnsafe(block.length)
  for (let at = 0; at < order.length; at += blockLeaves) {
    const part = order.subarray(at, at + blockLeaves)
    for (let i = 0; i < part.length; i++) {
      const leaf = part[i]! * leafBytes
      block.write(bytes.toString('hex', leaf, leaf + leafBytes), i * lineBytes, 'latin1')
      block[i * lineBytes + leafBytes * 2] = 10
    }
    for (const state of states) state.count += addLines(state.sum, state.version, part, from, to, block, chosen)
  }
  return states.map(({ version, count, sum }) => ({ version, count, digest: sum.digest('hex') }))
}

/** Adds the lines of a block that hold at a version, and says how many they are. */
function addLines(
  sum: Hash,
  version: number,
  part: Uint32Array,
  from: Int32Array,
  to: Int32Array,
  block: Buffer,
  chosen: Buffer,
): number {
  let used = 0
  let run = -1
  for (let i = 0; i <= part.length; i++) {
    const isIn = i < part.length && from[part[i]!]! <= version && to[part[i]!]! > version
    if (isIn && run < 0) run = i
    if (isIn || run < 0) continue
    used += block.copy(chosen, used, run * lineBytes, i * lineBytes)
    run = -1
  }
  sum.update(chosen.subarray(0, used))
  return used / lineBytes
}

function distinct(values: Int32Array): Set<number> {
  const found = new Set<number>()
  let last = -1
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value !== last) found.add(value)
    last = value
  }
  return found
}

/** Numbers of leaves in their order: by their first four bytes as numbers, which leaves few to compare. */
export function sortedLeaves(bytes: Buffer): Uint32Array {
  const count = bytes.length / leafBytes
  const keys = new BigUint64Array(count)
  const halves = new Uint32Array(keys.buffer)
  const [low, high] = endianness() === 'LE' ? [0, 1] : [1, 0]
  for (let i = 0; i < count; i++) {
    halves[2 * i + low] = i
    halves[2 * i + high] = bytes.readUInt32BE(i * leafBytes)
  }
  keys.sort()
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = halves[2 * i + low]!
  const compare = (a: number, b: number) =>
    bytes.compare(bytes, b * leafBytes, (b + 1) * leafBytes, a * leafBytes, (a + 1) * leafBytes)
  for (let begin = 0, end = 1; begin < count; begin = end++) {
    while (end < count && halves[2 * end + high] === halves[2 * begin + high]) end++
    if (end - begin > 1) order.subarray(begin, end).sort(compare)
  }
  return order
}
