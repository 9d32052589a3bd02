/** Work that waits in line for one budget. */
type Job = () => Promise<void>

/** The same work for one item after the other: what waits is the items alone. */
interface Line {
  readonly count: number
  next: number
  run(index: number): Promise<void>
}

interface Lane {
  readonly width: number
  readonly lines: Line[]
  active: number
}

/**
 * Jobs in lanes, one lane per call budget: lanes run side by side, a lane runs a few jobs at a time, first come, first
 * served. Jobs may add jobs. The first failure stops everything.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  readonly #done: PromiseWithResolvers<void> = Promise.withResolvers()
  #open = 0
  #active = 0
  #failure: { readonly error: unknown } | null = null

  /** @param width how many jobs of a lane run at a time; the first call for a lane decides */
  add(lane: string, width: number, job: Job): void {
    this.addEach(lane, width, [job], each => each())
  }

  /** The same as a job for each item, without a job for each that waits. */
  addEach<T>(lane: string, width: number, items: readonly T[], run: (item: T) => Promise<void>): void {
    if (items.length === 0) return
    const known = this.#lanes.get(lane) ?? { width, lines: [], active: 0 }
    this.#lanes.set(lane, known)
    known.lines.push({ count: items.length, next: 0, run: index => run(items[index]!) })
    this.#open += items.length
    this.#pump(known)
  }

  /** Resolves when all jobs are done, and rejects with the first failure once no job runs any more. */
  async finished(): Promise<void> {
    if (this.#open > 0 || this.#active > 0) await this.#done.promise
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Starts no more jobs; those under way must be ended by their own signal. */
  stop(error: unknown): void {
    this.#failure ??= { error }
    if (this.#active === 0) this.#done.resolve()
  }

  #pump(lane: Lane): void {
    while (this.#failure === null && lane.active < lane.width) {
      const [line] = lane.lines
      if (line === undefined) return
      const index = line.next++
      if (line.next === line.count) lane.lines.shift()
      lane.active++
      this.#active++
      void line.run(index).then(
        () => this.#ended(lane),
        (error: unknown) => {
          this.#failure ??= { error }
          this.#ended(lane)
        },
      )
    }
  }

  #ended(lane: Lane): void {
    lane.active--
    this.#active--
    this.#open--
    if (this.#open === 0 || (this.#failure !== null && this.#active === 0)) this.#done.resolve()
    else this.#pump(lane)
  }
}
