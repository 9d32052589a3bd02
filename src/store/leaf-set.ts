import { createHash, hash } from 'node:crypto'
import { sha256 } from '../digest.ts'
import type { SpillFile } from './spill-file.ts'

const leafBytes = 32
const fewestLeaves = 4
/** leaves of one block: 256 KiB of them */
const blockLeaves = 1 << 13
/** values of the byte by which leaves are told apart */
const bands = 256

/** Leaves by their first byte: those of a band stand together. */
interface Block {
  /** where the leaves of each band begin; one more than there are bands */
  readonly starts: Uint32Array
  /** where they are: in memory, or at a place of the file */
  readonly leaves: Buffer | number
}

/**
 * The rows of one dataset in one place, for its digest: `setDigest` over `digestOf([key, parent, digest of the row])`. A leaf takes 32 bytes;
 * of many, all but a quarter of a mebibyte are put aside.
 */
export class LeafSet {
  readonly #file: SpillFile | null
  readonly #blocks: Block[] = []
  /** the block that is being filled: small at first, as most datasets are */
  #open = Buffer.allocUnsafe(fewestLeaves * leafBytes)
  #opened = 0

  /** @param file takes up what need not be in memory; null: everything is */
  constructor(file: SpillFile | null) {
    this.#file = file
  }

  get count(): number {
    return this.#blocks.length * blockLeaves + this.#opened
  }

  /** @param key, parent as JSON strings @param digest of the row, in hexadecimal */
  add(key: string, parent: string, digest: string): void {
    this.addLeaf(hash('sha256', `[${key},${parent},"${digest}"]`, 'binary'))
  }

  /** @param leaf as a string with a character for each byte */
  addLeaf(leaf: string): void {
    if (this.#opened * leafBytes === this.#open.length) this.#makeRoom()
    this.#open.write(leaf, this.#opened * leafBytes, 'binary')
    this.#opened++
  }

  digest(): string {
    if (this.#blocks.length === 0) return sha256(sortedLines(this.#open.subarray(0, this.#opened * leafBytes)))
    const sum = createHash('sha256')
    const last = byBand(this.#open, this.#opened)
    for (let band = 0; band < bands; band++) {
      const pieces = [...this.#blocks, last].map(block => this.#leavesOf(block, band))
      sum.update(sortedLines(Buffer.concat(pieces)))
    }
    return sum.digest('hex')
  }

  #makeRoom(): void {
    if (this.#opened < blockLeaves) {
      const larger = Buffer.allocUnsafe(this.#open.length * 2)
      this.#open.copy(larger)
      this.#open = larger
      return
    }
    const { starts, leaves } = byBand(this.#open, this.#opened)
    this.#blocks.push({ starts, leaves: this.#file?.write(leaves) ?? leaves })
    this.#opened = 0
  }

  #leavesOf({ starts, leaves }: Block, band: number): Buffer {
    const [from, to] = [starts[band]! * leafBytes, starts[band + 1]! * leafBytes]
    return typeof leaves === 'number' ? this.#file!.read(leaves + from, to - from) : leaves.subarray(from, to)
  }
}

function byBand(unsorted: Buffer, count: number): { readonly starts: Uint32Array; readonly leaves: Buffer } {
  const starts = new Uint32Array(bands + 1)
  for (let i = 0; i < count; i++) starts[unsorted[i * leafBytes]! + 1]!++
  for (let band = 1; band <= bands; band++) starts[band]! += starts[band - 1]!
  const next = starts.slice()
  const leaves = Buffer.allocUnsafe(count * leafBytes)
  for (let i = 0; i < count; i++) {
    const to = next[unsorted[i * leafBytes]!]!++
    unsorted.copy(leaves, to * leafBytes, i * leafBytes, (i + 1) * leafBytes)
  }
  return { starts, leaves }
}

/** Leaves in their order, in hexadecimal and each with its line feed. */
function sortedLines(leaves: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < leaves.length; at += leafBytes) lines.push(leaves.toString('hex', at, at + leafBytes))
  lines.sort()
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}
