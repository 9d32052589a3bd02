/** Texts by number, each kept once: the keys of millions of rows are made of some hundred thousand words. */
export class Words {
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []

  get count(): number {
    return this.#texts.length
  }

  /** The number of a word, which it gets here when it is new. */
  add(word: string): number {
    const known = this.#numbers.get(word)
    if (known !== undefined) return known
    // of its own: a slice would keep the whole key alive
    const own = Buffer.from(word).toString()
    this.#numbers.set(own, this.#texts.length)
    return this.#texts.push(own) - 1
  }

  /** The number of a word; -1 for one that never came. */
  numberOf(word: string): number {
    return this.#numbers.get(word) ?? -1
  }

  textOf(number: number): string {
    return this.#texts[number]!
  }
}
