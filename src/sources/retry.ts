import type { Trouble } from './trouble.ts'

const transientTries = 8
const conflictTries = 5

/**
 * How long to wait before the next attempt of a call. Nothing is lost: what was throttled is tried until the call's deadline (its
 * waiting happens in the governor), what may pass is tried eight times with full jitter.
 * @param count attempts so far
 * @param tries attempts for what is neither a throttle nor a conflict; default 8
 * @returns milliseconds; null when another attempt would not help
 */
export function retryDelayMs(trouble: Trouble, count: number, tries: number = transientTries): number | null {
  const askedMs = trouble.retryAfterHeaderMs ?? 0
  switch (trouble.kind) {
    case 'throttled':
      return Math.max(askedMs, Math.random() * Math.min(1000, 20 * 2 ** count))
    case 'transient':
      return count >= tries ? null : Math.max(askedMs, Math.random() * Math.min(20_000, 100 * 2 ** count))
    case 'conflict':
      return count >= conflictTries ? null : Math.random() * 1000 * 2 ** count
    default:
      return trouble.isClockCorrected && count === 1 ? 0 : null
  }
}
