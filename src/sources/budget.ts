/** AWS said that it is too fast. */
export interface Cut {
  readonly secondsAgo: number
  /** calls a second of whoever was told so, before the cut */
  readonly from: number
}

/** What those who share a budget tell one another with a reservation. */
export interface Cuts {
  /** a cut that was not told yet; null: there is none */
  readonly mine: Cut | null
  /** told the newest cut of anybody, one's own among them */
  adopt(cut: Cut): void
}

/** Hands out call slots under one rate, shared by everybody who names the same key. */
export interface Budget {
  /**
   * Reserves slots that follow one another at `perSecond`.
   * @param key organization or account id, slash, budget name: `o-abc1234567/sso`
   * @returns milliseconds to wait before the first of these slots
   */
  reserve(key: string, slots: number, perSecond: number, cuts?: Cuts): Promise<number>
}

/** Slots of the past that may still be used at once, in seconds: enough to hide late timers, too little to trip a limit. */
export const burstSeconds = 0.1

/** A budget of this process alone: for `evidenced doctor` and for tests. The store offers one that all processes share. */
export function localBudget(): Budget {
  const nextFree = new Map<string, number>()
  const lastCut = new Map<string, { readonly at: number; readonly from: number }>()
  return {
    reserve(key, slots, perSecond, cuts) {
      const now = performance.now() / 1000
      const mine = cuts?.mine ?? null
      const known = lastCut.get(key)
      if (mine !== null && !(known !== undefined && known.at >= now - mine.secondsAgo))
        lastCut.set(key, { at: now - mine.secondsAgo, from: mine.from })
      const last = lastCut.get(key)
      if (last !== undefined) cuts?.adopt({ secondsAgo: now - last.at, from: last.from })
      const start = Math.max(nextFree.get(key) ?? 0, now - burstSeconds)
      nextFree.set(key, start + slots / perSecond)
      return Promise.resolve(Math.max(0, (start - now) * 1000))
    },
  }
}
