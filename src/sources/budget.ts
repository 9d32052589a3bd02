/** Hands out call slots under one rate, shared by everybody who names the same key. */
export interface Budget {
  /**
   * Reserves slots that follow one another at `perSecond`.
   * @param key organization or account id, slash, budget name: `o-abc1234567/sso`
   * @returns milliseconds to wait before the first of these slots
   */
  reserve(key: string, slots: number, perSecond: number): Promise<number>
}

/** Slots of the past that may still be used at once, in seconds: enough to hide late timers, too little to trip a limit. */
export const burstSeconds = 0.1

/** A budget of this process alone: for `evidenced doctor` and for tests. The store offers one that all processes share. */
export function localBudget(): Budget {
  const nextFree = new Map<string, number>()
  return {
    reserve(key, slots, perSecond) {
      const now = performance.now() / 1000
      const start = Math.max(nextFree.get(key) ?? 0, now - burstSeconds)
      nextFree.set(key, start + slots / perSecond)
      return Promise.resolve(Math.max(0, (start - now) * 1000))
    },
  }
}
