import type { Progress } from '../model.ts'
import type { CallLedger } from './ledger.ts'

/** The rate is that of so long: long enough for one slow budget, short enough to show that others ended. */
const windowMs = 10_000
/** Told at most so often, and as often also while nothing is answered: a wait for a throttle must not look like a stop. */
const tellMs = 100
const atLeastMs = 1000
/** Until so much is done, the plan knows the rest better than what was seen. */
const smallestShare = 0.05

export interface Planned {
  /** null: nobody knows */
  readonly calls: number | null
  readonly seconds: number | null
  /** parts that an interrupted run left: they are part of the plan, and take no call */
  readonly staged: number
}

/** Tells how far a reading has come: calls made of those predicted, how fast, how often AWS said that it is too fast, and what is left. */
export class PaceTeller {
  readonly #onProgress: (progress: Progress) => void
  readonly #ledger: CallLedger
  readonly #planned: Planned
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  /** calls written at times of the window, oldest first */
  #seen: { readonly at: number; readonly calls: number }[] = []
  #toldAt = Number.NEGATIVE_INFINITY
  #phase = 'reading AWS'
  #checksFrom: number | null = null

  constructor(onProgress: (progress: Progress) => void, ledger: CallLedger, planned: Planned) {
    this.#onProgress = onProgress
    this.#ledger = ledger
    this.#planned = planned
    this.#timer = setInterval(() => this.#tell(''), atLeastMs)
    this.#timer.unref()
  }

  /** Something came. @param detail what it is about */
  note(detail: string): void {
    if (performance.now() - this.#toldAt >= tellMs) this.#tell(detail)
  }

  /** The plan is read to its end; what follows are calls beside it. */
  beginChecks(): void {
    this.#phase = 'cross-checking'
    this.#checksFrom = this.#ledger.written
    this.#tell('')
  }

  /** The last word: the plan is read, whatever it had predicted. */
  end(detail: string): void {
    this.close()
    const done = this.#ledger.ofDatasets + this.#planned.staged
    this.#onProgress({ phase: 'reading AWS', done, total: done, throttles: this.#ledger.throttles, secondsLeft: 0, detail })
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tell(detail: string): void {
    const now = performance.now()
    this.#toldAt = now
    const { written, throttles } = this.#ledger
    this.#seen = [...this.#seen.filter(({ at }) => now - at <= windowMs), { at: now, calls: written }]
    const [oldest] = this.#seen
    const seconds = (now - oldest!.at) / 1000
    this.#onProgress({
      ...{ phase: this.#phase, detail, throttles },
      ...(seconds < 0.5 ? {} : { perSecond: (written - oldest!.calls) / seconds }),
      ...this.#share(now, written),
    })
  }

  #share(now: number, written: number): { done: number; total: number | null; secondsLeft: number | null } {
    if (this.#checksFrom !== null) return { done: written - this.#checksFrom, total: null, secondsLeft: null }
    const { calls, seconds, staged } = this.#planned
    const done = this.#ledger.ofDatasets + staged
    if (calls === null) return { done, total: null, secondsLeft: null }
    const total = Math.max(calls, done)
    const elapsed = (now - this.#startedAt) / 1000
    // a budget that is done makes the others look fast: the busiest, which the plan is about, goes on
    const planned =
      seconds === null ? 0 : Math.max(0, (seconds * (calls - Math.min(calls, staged))) / Math.max(1, calls) - elapsed)
    const share = total === 0 ? 1 : done / total
    if (share < smallestShare) return { done, total, secondsLeft: seconds === null ? null : planned }
    const seen = (elapsed / Math.max(1, done - staged)) * (total - done)
    return { done, total, secondsLeft: total === done ? 0 : Math.max(seen, planned) }
  }
}
