import { setTimeout as pause } from 'node:timers/promises'
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from '@smithy/types'
import { type Trouble, troubleOf } from './trouble.ts'

const transientTries = 8
const conflictTries = 5

export interface RetryLimits {
  /** how long one call is tried, from its first attempt */
  readonly deadlineMs: number
  /** attempts for what is neither a throttle nor a conflict */
  readonly tries?: number
  /** ends the wait before another attempt */
  readonly signal: AbortSignal
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
    acquireInitialRetryToken: () => Promise.resolve(tokenOf(0, performance.now())),
    async refreshRetryTokenForRetry(token, info) {
      const trouble = troubleOf(info.error)
      const { startedAt } = token as CountedToken
      const count = token.getRetryCount() + 1
      const delayMs = trouble === null ? null : delayOf(trouble, count, limits.tries ?? transientTries, info)
      if (delayMs === null || performance.now() + delayMs - startedAt > limits.deadlineMs) throw new Error('no more attempts')
      // waited for here, since the SDK's own wait has no end where a stack is made once for all calls
      if (delayMs > 0) await pause(delayMs, undefined, { signal: limits.signal })
      return tokenOf(count, startedAt)
    },
    recordSuccess() {},
  }
}

function tokenOf(count: number, startedAt: number): CountedToken {
  return { startedAt, getRetryCount: () => count, getRetryDelay: () => 0 }
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
