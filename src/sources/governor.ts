import { type Budget, burstSeconds, type Cut } from './budget.ts'
import { SourcesError } from './sources-error.ts'

/** Leases begin small and double up to this: whoever makes three calls must not keep half a second from the others. */
const longestLeaseSeconds = 0.5
const firstLeaseSeconds = 0.02
/** A burst of throttled answers is one signal: at most one cut in so many milliseconds. */
const cutWindowMs = 500
const cut = 0.8
/** Cubic recovery, in shares of the budget per cubed second: back at the last good rate after 3.4 s, from a fifth to all of it in 9 s. */
const growth = 0.005
const floorShare = 0.05
const longestHoldMs = 300_000

/**
 * Paces the attempts of one budget: first come, first served, on an absolute schedule (a late timer is caught up), with a
 * burst of 0.1 s. Slots come in leases from the shared budget. A throttled answer cuts the rate of everybody who shares it, time restores it.
 */
export class Governor {
  readonly #key: string
  readonly #perSecond: number
  readonly #budget: Budget
  readonly #waiting: { go: () => void; stop: (reason: unknown) => void }[] = []
  #first = 0
  #timer: NodeJS.Timeout | null = null
  #leaseTimer: NodeJS.Timeout | null = null
  #closed: { reason: unknown } | null = null
  #next = performance.now()
  #slots = 0
  #leaseSeconds = firstLeaseSeconds
  #refillBelow = 0
  #fetching = false
  #rate: number
  #cutAt = Number.NEGATIVE_INFINITY
  #rateBeforeCut: number
  /** the others were not told of the last cut yet */
  #isUntold = false

  /** @param perSecond the rate that is never exceeded */
  constructor(budget: Budget, key: string, perSecond: number) {
    this.#budget = budget
    this.#key = key
    this.#perSecond = perSecond
    this.#rate = perSecond
    this.#rateBeforeCut = perSecond
  }

  /** attempts a second at this moment */
  get rate(): number {
    return this.#rate
  }

  /**
   * Resolves when the next attempt may be made.
   * @throws {SourcesError} BUDGET_UNAVAILABLE when the shared budget cannot be asked; or the reason given to `close`
   */
  take(): Promise<void> {
    if (this.#closed !== null) return Promise.reject(this.#closed.reason)
    if (this.#first === this.#waiting.length && this.#takeDue(performance.now())) return Promise.resolve()
    return new Promise((go, stop) => {
      this.#waiting.push({ go, stop })
      this.#arm()
    })
  }

  /** An attempt was answered without a throttle. */
  succeeded(): void {
    this.#recover()
  }

  #recover(): void {
    if (this.#rate >= this.#perSecond) return
    const seconds = (performance.now() - this.#cutAt) / 1000
    const before = this.#rateBeforeCut / this.#perSecond
    const inflection = Math.cbrt((before * (1 - cut)) / growth)
    const share = growth * (seconds - inflection) ** 3 + before
    this.#rate = Math.min(this.#perSecond, Math.max(this.#rate, share * this.#perSecond))
  }

  /** An attempt was throttled; `retryAfterSeconds` as AWS asked for, null when it named nothing. */
  throttled(retryAfterSeconds: number | null): void {
    const now = performance.now()
    if (now - this.#cutAt > cutWindowMs) {
      this.#cutAt = now
      this.#rateBeforeCut = this.#rate
      this.#isUntold = true
      this.#rate = Math.max(this.#perSecond * floorShare, this.#rate * cut)
    }
    const holdMs = Math.min(longestHoldMs, (retryAfterSeconds ?? 0) * 1000)
    this.#next = Math.max(this.#next, now + holdMs)
  }

  /** Somebody who shares the budget was throttled: unless it is the same burst, or this one goes more slowly already, it is as if it had been here. */
  #adopt({ secondsAgo, from }: Cut): void {
    const at = performance.now() - secondsAgo * 1000
    const rate = Math.max(this.#perSecond * floorShare, from * cut)
    if (secondsAgo < 0 || at <= this.#cutAt + cutWindowMs || rate >= this.#rate) return
    this.#cutAt = at
    this.#rateBeforeCut = Math.min(this.#perSecond, from)
    this.#rate = rate
    this.#recover()
  }

  /** Ends all waiting; nobody is served any more. */
  close(reason: unknown): void {
    this.#closed ??= { reason }
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#leaseTimer !== null) clearTimeout(this.#leaseTimer)
    for (const { stop } of this.#waiting.splice(0)) stop(reason)
    this.#first = 0
  }

  #takeDue(now: number): boolean {
    if (this.#slots <= 0) {
      void this.#refill()
      return false
    }
    const interval = 1000 / this.#rate
    const burst = Math.max(1, this.#perSecond * burstSeconds)
    // the burst counts slots before this one: with 1, an idle governor serves one call at once and the next an interval later
    this.#next = Math.max(this.#next, now - (burst - 1) * interval)
    if (this.#next > now) return false
    this.#next += interval
    this.#slots--
    if (this.#slots < this.#refillBelow) void this.#refill()
    return true
  }

  #arm(): void {
    if (this.#timer !== null || this.#closed !== null || this.#first === this.#waiting.length) return
    if (this.#slots <= 0) {
      void this.#refill()
      return
    }
    this.#timer = setTimeout(() => this.#serve(), Math.max(0, this.#next - performance.now()))
  }

  #serve(): void {
    this.#timer = null
    while (this.#first < this.#waiting.length && this.#takeDue(performance.now())) this.#waiting[this.#first++]!.go()
    if (this.#first > 1024 && this.#first * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#first)
      this.#first = 0
    }
    this.#arm()
  }

  async #refill(): Promise<void> {
    if (this.#fetching || this.#closed !== null) return
    this.#fetching = true
    const wanted = Math.max(1, Math.ceil(this.#rate * this.#leaseSeconds))
    this.#leaseSeconds = Math.min(longestLeaseSeconds, this.#leaseSeconds * 2)
    try {
      const waitMs = await this.#reserve(wanted)
      if (waitMs > 1 && this.#closed === null) await this.#pause(waitMs)
    } catch (cause) {
      const hint = 'check the database that the processes share'
      this.close(new SourcesError('BUDGET_UNAVAILABLE', 'the shared call budget cannot be reached', { cause, hint }))
      return
    }
    this.#slots += wanted
    // a lease of one slot is asked for when it is needed: at 0.6 a second a slot in hand would be one that others miss
    this.#refillBelow = wanted === 1 ? 0 : wanted / 2
    this.#fetching = false
    this.#arm()
  }

  /** A database that restarts is waited for a few seconds. */
  async #reserve(slots: number): Promise<number> {
    for (const pauseMs of [100, 500, 2000]) {
      try {
        return await this.#reserveOnce(slots)
      } catch (error) {
        if (this.#closed !== null) throw error
        await this.#pause(pauseMs)
      }
    }
    return this.#reserveOnce(slots)
  }

  async #reserveOnce(slots: number): Promise<number> {
    const told = this.#isUntold ? this.#cutAt : null
    const mine = told === null ? null : { secondsAgo: (performance.now() - told) / 1000, from: this.#rateBeforeCut }
    const waitMs = await this.#budget.reserve(this.#key, slots, this.#rate, { mine, adopt: each => this.#adopt(each) })
    if (told === this.#cutAt) this.#isUntold = false
    return waitMs
  }

  /** Resolves after so many milliseconds; never, once the governor is closed. */
  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#leaseTimer = setTimeout(resolve, ms)
    })
  }
}
