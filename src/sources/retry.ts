import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from '@smithy/types'
import { type Trouble, troubleOf } from './trouble.ts'

const transientTries = 8
const conflictTries = 5

export interface RetryLimits {
  /** how long one call is tried, from its first attempt */
  readonly deadlineMs: number
  /** attempts for what is neither a throttle nor a conflict */
  readonly tries?: number
}

interface CountedToken extends RetryToken {
  readonly startedAt: number
}

/**
 * Loses nothing: a throttled call is tried until the deadline (its waiting happens in the governor), what may pass is tried
 * eight times with full jitter. The SDK's own strategies share a retry allowance per client and give up when it runs dry.
 */
export function retryStrategy(limits: RetryLimits): RetryStrategyV2 {
  return {
    acquireInitialRetryToken: () => Promise.resolve(tokenOf(0, 0, performance.now())),
    refreshRetryTokenForRetry(token, info) {
      const trouble = troubleOf(info.error)
      const { startedAt } = token as CountedToken
      const count = token.getRetryCount() + 1
      const delayMs = trouble === null ? null : delayOf(trouble, count, limits.tries ?? transientTries, info)
      const isOver = delayMs === null || performance.now() + delayMs - startedAt > limits.deadlineMs
      return isOver ? Promise.reject(new Error('no more attempts')) : Promise.resolve(tokenOf(count, delayMs, startedAt))
    },
    recordSuccess() {},
  }
}

function tokenOf(count: number, delayMs: number, startedAt: number): CountedToken {
  return { startedAt, getRetryCount: () => count, getRetryDelay: () => delayMs }
}

/** Milliseconds before the next attempt; null when another would not help. `count` is 1 after the first attempt. */
function delayOf(trouble: Trouble, count: number, tries: number, info: RetryErrorInfo): number | null {
  const asked = info.retryAfterHint === undefined ? 0 : Math.max(0, info.retryAfterHint.getTime() - Date.now())
  switch (trouble.kind) {
    case 'throttled':
      return Math.max(asked, Math.random() * Math.min(1000, 20 * 2 ** count))
    case 'transient':
      return count >= tries ? null : Math.max(asked, Math.random() * Math.min(20_000, 100 * 2 ** count))
    case 'conflict':
      return count >= conflictTries ? null : Math.random() * 1000 * 2 ** count
    default:
      return trouble.isClockCorrected && count === 1 ? 0 : null
  }
}
