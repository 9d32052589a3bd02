import { createHash, hash } from 'node:crypto'

const leafBytes = 32
const buckets = 1 << 16

/**
 * The rows of one dataset in one place, for its digest: `setDigest` over `digestOf([key, parent, digest of the row])`, with 32 bytes of memory
 * for a row.
 */
export class LeafSet {
  #bytes = Buffer.allocUnsafe(leafBytes * 64)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** @param key, parent as JSON strings @param digest of the row, in hexadecimal */
  add(key: string, parent: string, digest: string): void {
    const at = this.#count * leafBytes
    if (at === this.#bytes.length) {
      const larger = Buffer.allocUnsafe(this.#bytes.length * 2)
      this.#bytes.copy(larger)
      this.#bytes = larger
    }
    this.#bytes.write(hash('sha256', `[${key},${parent},"${digest}"]`, 'hex'), at, 'hex')
    this.#count++
  }

  digest(): string {
    const sum = createHash('sha256')
    const lines: string[] = []
    for (const at of this.#sorted()) {
      lines.push(this.#bytes.toString('hex', at, at + leafBytes))
      if (lines.length === 1000) sum.update(`${lines.splice(0).join('\n')}\n`)
    }
    if (lines.length > 0) sum.update(`${lines.join('\n')}\n`)
    return sum.digest('hex')
  }

  /** Where the leaves begin, in their order: by their first two bytes, and within those one by one. */
  *#sorted(): Generator<number> {
    const ends = new Uint32Array(buckets + 1)
    const bucketOf = (at: number) => this.#bytes.readUInt16BE(at)
    for (let i = 0; i < this.#count; i++) ends[bucketOf(i * leafBytes) + 1]!++
    for (let i = 1; i <= buckets; i++) ends[i]! += ends[i - 1]!
    const next = ends.slice(0, buckets)
    const order = new Uint32Array(this.#count)
    for (let i = 0; i < this.#count; i++) order[next[bucketOf(i * leafBytes)]!++] = i * leafBytes
    for (let i = 0; i < buckets; i++) {
      const bucket = order.subarray(ends[i]!, ends[i + 1]!)
      if (bucket.length > 1) bucket.sort((a, b) => this.#compare(a, b))
      yield* bucket
    }
  }

  #compare(a: number, b: number): number {
    const bytes = this.#bytes
    for (let i = 2; i < leafBytes; i += 6) {
      const difference = bytes.readUIntBE(a + i, 6) - bytes.readUIntBE(b + i, 6)
      if (difference !== 0) return difference
    }
    return 0
  }
}
