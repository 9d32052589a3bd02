import type { Words } from './words.ts'

/** More than there are words. */
const limit = 2 ** 26

/** Pairs of words, each once, in eight bytes. */
export class PairSet {
  readonly #words: Words
  #pairs = new Float64Array(64)
  #count = 0
  #isSorted = true

  constructor(words: Words) {
    this.#words = words
  }

  get size(): number {
    return this.#sorted().length
  }

  add(one: string, other: string): void {
    if (this.#count === this.#pairs.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#pairs)
      this.#pairs = larger
    }
    this.#pairs[this.#count++] = this.#words.add(one) * limit + this.#words.add(other)
    this.#isSorted = false
  }

  has(one: string, other: string): boolean {
    return this.#has(this.#words.numberOf(one) * limit + this.#words.numberOf(other))
  }

  /** Pairs that another set of the same words does not hold. */
  *without(other: PairSet): Generator<readonly [one: string, other: string]> {
    for (const pair of this.#sorted())
      if (!other.#has(pair)) yield [this.#words.textOf(Math.floor(pair / limit)), this.#words.textOf(pair % limit)]
  }

  #has(pair: number): boolean {
    const sorted = this.#sorted()
    let from = 0
    for (let to = sorted.length; from < to; ) {
      const middle = (from + to) >>> 1
      if (sorted[middle]! < pair) from = middle + 1
      else to = middle
    }
    return sorted[from] === pair
  }

  #sorted(): Float64Array {
    if (!this.#isSorted) {
      const sorted = this.#pairs.subarray(0, this.#count).sort()
      let kept = 0
      for (const pair of sorted) if (kept === 0 || sorted[kept - 1] !== pair) sorted[kept++] = pair
      this.#count = kept
      this.#isSorted = true
    }
    return this.#pairs.subarray(0, this.#count)
  }
}
