/** Work that waits in line for one budget. */
type Job = () => Promise<void>

interface Lane {
  readonly width: number
  readonly jobs: Job[]
  first: number
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
    const known = this.#lanes.get(lane) ?? { width, jobs: [], first: 0, active: 0 }
    this.#lanes.set(lane, known)
    known.jobs.push(job)
    this.#open++
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
    while (this.#failure === null && lane.active < lane.width && lane.first < lane.jobs.length) {
      const job = lane.jobs[lane.first]!
      lane.jobs[lane.first++] = noJob
      if (lane.first > 4096 && lane.first * 2 > lane.jobs.length) {
        lane.jobs.splice(0, lane.first)
        lane.first = 0
      }
      lane.active++
      this.#active++
      void job().then(
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

const noJob: Job = () => Promise.resolve()
