import type { Words } from './words.ts'

const chunkWords = 65_536

/**
 * Keys in the order in which they came, as numbers of their words: `group|user` takes eight bytes, once each has been seen. The
 * words are shared by all logs that were given the same.
 */
export class KeyLog {
  readonly words: Words
  readonly #chunks: Uint32Array[] = []
  /** words of one key; keys of one dataset have the same number */
  #width = 0
  #used = chunkWords
  #count = 0

  constructor(words: Words) {
    this.words = words
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
    for (const word of words) chunk[this.#used++] = this.words.add(word)
    this.#count++
  }

  /** The number of a word of a key; both are counted from 0. */
  wordAt(key: number, word: number): number {
    const perChunk = Math.floor(chunkWords / this.#width)
    return this.#chunks[Math.floor(key / perChunk)]![(key % perChunk) * this.#width + word]!
  }

  textAt(key: number, word: number): string {
    return this.words.textOf(this.wordAt(key, word))
  }

  /** A key as it came. */
  keyAt(key: number): string {
    return this.#wordsAt(key).join('|')
  }

  /** The words of each key. */
  *[Symbol.iterator](): Generator<readonly string[]> {
    for (let key = 0; key < this.#count; key++) yield this.#wordsAt(key)
  }

  /** The first word of each key: of keys that are one word, the keys. */
  *firstWords(): Generator<string> {
    for (let key = 0; key < this.#count; key++) yield this.textAt(key, 0)
  }

  #wordsAt(key: number): readonly string[] {
    return Array.from({ length: this.#width }, (_, word) => this.textAt(key, word))
  }
}
