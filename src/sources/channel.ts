/**
 * Little that lies in the pipe is handed on after so long: a transaction for each small answer is most of what a slow night costs. From
 * this weight on it goes at once: rows that are held longer outlive the nursery of the heap, which doubles what a page of users costs.
 */
const lingerMs = 200
const enough = 100

/** A bounded pipe of several lanes: whoever writes waits while the reader is behind with what came by the same lane. */
export class Channel<T> {
  readonly #capacity: number
  readonly #weight: (item: T) => number
  readonly #laneOf: (item: T) => string
  #items: T[] = []
  readonly #held = new Map<string, number>()
  #end: { readonly error: unknown } | null = null
  #reader: (() => void) | null = null
  #writers: (() => void)[] = []
  /** of all that lies in the pipe */
  #weightHeld = 0
  #hurry: (() => void) | null = null

  /** @param capacity sum of weights of one lane that may lie in the pipe before its writers wait */
  constructor(capacity: number, weight: (item: T) => number, laneOf: (item: T) => string) {
    this.#capacity = capacity
    this.#weight = weight
    this.#laneOf = laneOf
  }

  /** Resolves once the item lies in the pipe; after the end, items are dropped. */
  async push(item: T): Promise<void> {
    const lane = this.#laneOf(item)
    while (this.#heldIn(lane) >= this.#capacity && this.#end === null)
      await new Promise<void>(resolve => this.#writers.push(resolve))
    if (this.#end !== null) return
    this.#items.push(item)
    this.#held.set(lane, this.#heldIn(lane) + this.#weight(item))
    this.#weightHeld += this.#weight(item)
    this.#wake()
  }

  /** Everything that lies in the pipe, a moment after there is something; null at the end. */
  async take(): Promise<readonly T[] | null> {
    while (this.#items.length === 0 && this.#end === null) await new Promise<void>(resolve => (this.#reader = resolve))
    if (this.#weightHeld < enough && this.#end === null) await this.#linger()
    if (this.#end !== null && this.#end.error !== null) throw this.#end.error
    if (this.#items.length === 0) return null
    const items = this.#items
    this.#items = []
    this.#held.clear()
    this.#weightHeld = 0
    this.#release()
    return items
  }

  /** No more items; with an error, the reader is told at once. */
  end(error: unknown = null): void {
    this.#end ??= { error }
    this.#wake()
    this.#release()
  }

  #heldIn(lane: string): number {
    return this.#held.get(lane) ?? 0
  }

  #wake(): void {
    this.#reader?.()
    this.#reader = null
    if (this.#weightHeld >= enough || this.#end !== null) this.#hurry?.()
  }

  async #linger(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, lingerMs)
    this.#hurry = resolve
    await promise
    clearTimeout(timer)
    this.#hurry = null
  }

  #release(): void {
    const writers = this.#writers
    this.#writers = []
    for (const write of writers) write()
  }
}
