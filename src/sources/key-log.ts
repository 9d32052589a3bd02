const chunkWords = 65_536

/**
 * Keys in the order in which they came, as numbers of their words: `group|user` takes eight bytes, once each has been seen. The
 * words are shared by all logs that were given the same table.
 */
export class KeyLog {
  readonly #words: Map<string, number>
  readonly #list: string[]
  readonly #chunks: Uint32Array[] = []
  /** words of one key; keys of one dataset have the same number */
  #width = 0
  #used = chunkWords
  #count = 0

  /** @param words numbers by word, @param list words by number; both grow */
  constructor(words: Map<string, number>, list: string[]) {
    this.#words = words
    this.#list = list
  }

  get count(): number {
    return this.#count
  }

  add(key: string): void {
    const words = key.split('|')
    if (this.#width === 0) this.#width = words.length
    // a bar within a word: told apart all the same
    if (words.length > this.#width) words.push(words.splice(this.#width - 1).join('|'))
    while (words.length < this.#width) words.push('')
    if (this.#used + this.#width > chunkWords) {
      this.#chunks.push(new Uint32Array(chunkWords))
      this.#used = 0
    }
    const chunk = this.#chunks.at(-1)!
    for (const word of words) chunk[this.#used++] = this.#numberOf(word)
    this.#count++
  }

  /** The words of each key. */
  *[Symbol.iterator](): Generator<readonly string[]> {
    const perChunk = this.#width === 0 ? 0 : Math.floor(chunkWords / this.#width) * this.#width
    for (const [i, chunk] of this.#chunks.entries()) {
      const end = i === this.#chunks.length - 1 ? this.#used : perChunk
      for (let at = 0; at < end; at += this.#width) {
        yield Array.from(chunk.subarray(at, at + this.#width), number => this.#list[number]!)
      }
    }
  }

  /** The first word of each key: of keys that are one word, the keys. */
  *firstWords(): Generator<string> {
    for (const [word] of this) yield word!
  }

  #numberOf(word: string): number {
    const known = this.#words.get(word)
    if (known !== undefined) return known
    // of its own: a slice would keep the whole key alive
    const own = Buffer.from(word).toString()
    this.#words.set(own, this.#list.length)
    this.#list.push(own)
    return this.#list.length - 1
  }
}
