import type { SeenSince } from '../model.ts'
import { Since } from './values.ts'

/** Since when rows are as they are, by a small number: a million rows share the seal times of a few snapshots. */
export class Instants {
  readonly #numbers = new Map<number, number>()
  readonly #all: Since[] = []

  /** The number of the time since which a row is as it is; exact when a snapshot proves that it was not so before. */
  of({ since, firstSeenAt, seenFromTheStart }: SeenSince): number {
    const isExact = !seenFromTheStart || since > firstSeenAt
    const key = since.getTime() * 2 + (isExact ? 1 : 0)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#all.push(new Since(since, isExact)) - 1
      this.#numbers.set(key, number)
    }
    return number
  }

  at(number: number): Since {
    return this.#all[number]!
  }
}
