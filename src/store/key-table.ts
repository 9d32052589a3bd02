/** Keys and the order in which they came, found by their UTF-8 bytes: a quarter of the memory and of the time of a map of strings. */
export class KeyTable {
  #count = 0
  /** number of a key and one; 0 where there is none */
  #slots = new Int32Array(1 << 12)
  #hashes = new Int32Array(1 << 11)
  #ends = new Int32Array(1 << 11)
  #bytes = Buffer.allocUnsafe(1 << 16)

  get count(): number {
    return this.#count
  }

  /** @returns number of a key, from 0; that of a new one is the count before */
  enter(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashOf(bytes, from, to)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.#slots[slot]! - 1
      if (this.#hashes[known] === hash && this.#is(known, bytes, from, to)) return known
    }
    this.#slots[slot] = this.#count + 1
    return this.#add(hash, bytes, from, to)
  }

  text(key: number): string {
    return this.#bytes.toString('utf8', this.#from(key), this.#ends[key])
  }

  #from(key: number): number {
    return key === 0 ? 0 : this.#ends[key - 1]!
  }

  #is(key: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#from(key)
    const length = to - from
    if (this.#ends[key]! - start !== length) return false
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== bytes[from + i]) return false
    return true
  }

  #add(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const key = this.#count++
    const start = this.#from(key)
    const end = start + to - from
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], Math.max(end, this.#bytes.length * 2))
    for (let i = from; i < to; i++) this.#bytes[start + i - from] = bytes[i]!
    this.#hashes[key] = hash
    this.#ends[key] = end
    if (this.#count === this.#hashes.length) this.#grow()
    return key
  }

  /** Half of the slots stay free. */
  #grow(): void {
    const twice = (column: Int32Array<ArrayBuffer>) => {
      const larger = new Int32Array(column.length * 2)
      larger.set(column)
      return larger
    }
    this.#hashes = twice(this.#hashes)
    this.#ends = twice(this.#ends)
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let key = 0; key < this.#count; key++) {
      let slot = this.#hashes[key]! & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = key + 1
    }
  }
}

/** @see http://www.isthe.com/chongo/tech/comp/fnv/ FNV-1a, its upper bits folded into the lower, which choose the slot */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash ^ (hash >>> 15)
}
