import type { SdkError } from '@smithy/types'
import { expect } from 'chai'
import { retryStrategy } from '../../src/sources/retry.ts'

const error = Object.assign(new Error('later'), { name: 'ServiceUnavailable', $metadata: { httpStatusCode: 503 } }) as SdkError

/** Milliseconds until another attempt of a call that AWS asked to repeat in so many. */
async function waited(askedMs: number, deadlineMs: number): Promise<number> {
  const strategy = retryStrategy({ deadlineMs, signal: new AbortController().signal })
  const token = await strategy.acquireInitialRetryToken('')
  const begun = performance.now()
  const retryAfterHint = new Date(Date.now() + askedMs)
  await strategy.refreshRetryTokenForRetry(token, { error, errorType: 'SERVER_ERROR', retryAfterHint })
  return performance.now() - begun
}

describe('the wait before another attempt', () => {
  it('is no shorter than the Retry-After header asks for', async () => {
    expect(await waited(400, 60_000)).to.be.at.least(390)
  })

  it('ends the call at once where it would go beyond the deadline', async () => {
    const refusal = await waited(60_000, 30_000).catch((reason: Error) => reason)
    expect(refusal).to.be.instanceOf(Error).with.property('message', 'no more attempts')
  })
})
