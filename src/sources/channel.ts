/** A bounded pipe: whoever writes waits while the reader is behind. */
export class Channel<T> {
  readonly #capacity: number
  readonly #weight: (item: T) => number
  #items: T[] = []
  #held = 0
  #end: { readonly error: unknown } | null = null
  #reader: (() => void) | null = null
  #writers: (() => void)[] = []

  /** @param capacity sum of weights that may lie in the pipe before writers wait */
  constructor(capacity: number, weight: (item: T) => number) {
    this.#capacity = capacity
    this.#weight = weight
  }

  /** Resolves once the item lies in the pipe; after the end, items are dropped. */
  async push(item: T): Promise<void> {
    while (this.#held >= this.#capacity && this.#end === null) await new Promise<void>(resolve => this.#writers.push(resolve))
    if (this.#end !== null) return
    this.#items.push(item)
    this.#held += this.#weight(item)
    this.#wake()
  }

  /** Everything that lies in the pipe, as soon as there is something; null at the end. */
  async take(): Promise<readonly T[] | null> {
    while (this.#items.length === 0 && this.#end === null) await new Promise<void>(resolve => (this.#reader = resolve))
    if (this.#end !== null && this.#end.error !== null) throw this.#end.error
    if (this.#items.length === 0) return null
    const items = this.#items
    this.#items = []
    this.#held = 0
    this.#release()
    return items
  }

  /** No more items; with an error, the reader is told at once. */
  end(error: unknown = null): void {
    this.#end ??= { error }
    this.#wake()
    this.#release()
  }

  #wake(): void {
    this.#reader?.()
    this.#reader = null
  }

  #release(): void {
    const writers = this.#writers
    this.#writers = []
    for (const write of writers) write()
  }
}
