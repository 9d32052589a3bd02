import { createHash, hash } from 'node:crypto'

const leafBytes = 32
/** leaves of one slab: memory grows by slabs, and nothing is copied */
const slabLeaves = 1 << 15
const buckets = 1 << 16

/**
 * The rows of one dataset in one place, for its digest: `setDigest` over `digestOf([key, parent, digest of the row])`, with 32 bytes of memory
 * for a row.
 */
export class LeafSet {
  readonly #slabs: Buffer[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @param key, parent as JSON strings @param digest of the row, in hexadecimal */
  add(key: string, parent: string, digest: string): void {
    this.addLeaf(hash('sha256', `[${key},${parent},"${digest}"]`, 'binary'))
  }

  /** @param leaf as a string with a character for each byte */
  addLeaf(leaf: string): void {
    const at = this.#count % slabLeaves
    // the first slab is small: most datasets are
    if (at === 0) this.#slabs.push(Buffer.allocUnsafe((this.#count === 0 ? 64 : slabLeaves) * leafBytes))
    if (this.#count === 64) this.#slabs[0] = Buffer.concat([this.#slabs[0]!], slabLeaves * leafBytes)
    this.#slabs.at(-1)!.write(leaf, at * leafBytes, 'binary')
    this.#count++
  }

  digest(): string {
    const sum = createHash('sha256')
    const lines: string[] = []
    for (const leaf of this.#sorted()) {
      const at = this.#placeOf(leaf)
      lines.push(this.#slabOf(leaf).toString('hex', at, at + leafBytes))
      if (lines.length === 1000) sum.update(`${lines.splice(0).join('\n')}\n`)
    }
    if (lines.length > 0) sum.update(`${lines.join('\n')}\n`)
    return sum.digest('hex')
  }

  #slabOf(leaf: number): Buffer {
    return this.#slabs[Math.floor(leaf / slabLeaves)]!
  }

  #placeOf(leaf: number): number {
    return (leaf % slabLeaves) * leafBytes
  }

  /** Numbers of the leaves in their order: by their first two bytes, and within those one by one. */
  *#sorted(): Generator<number> {
    const ends = new Uint32Array(buckets + 1)
    const bucketOf = (leaf: number) => this.#slabOf(leaf).readUInt16BE(this.#placeOf(leaf))
    for (let i = 0; i < this.#count; i++) ends[bucketOf(i) + 1]!++
    for (let i = 1; i <= buckets; i++) ends[i]! += ends[i - 1]!
    const next = ends.slice(0, buckets)
    const order = new Uint32Array(this.#count)
    for (let i = 0; i < this.#count; i++) order[next[bucketOf(i)]!++] = i
    for (let i = 0; i < buckets; i++) {
      const bucket = order.subarray(ends[i]!, ends[i + 1]!)
      if (bucket.length > 1) bucket.sort((a, b) => this.#compare(a, b))
      yield* bucket
    }
  }

  #compare(a: number, b: number): number {
    for (let i = 2; i < leafBytes; i += 6) {
      const [x, y] = [this.#slabOf(a).readUIntBE(this.#placeOf(a) + i, 6), this.#slabOf(b).readUIntBE(this.#placeOf(b) + i, 6)]
      const difference = x - y
      if (difference !== 0) return difference
    }
    return 0
  }
}
