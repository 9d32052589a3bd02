import { expect } from 'chai'
import { retryDelayMs } from '../../src/sources/retry.ts'
import { troubleOf } from '../../src/sources/trouble.ts'

function refusedWith(header: string) {
  const answer = { $fault: 'server', $metadata: { httpStatusCode: 503 }, $response: { headers: { 'retry-after': header } } }
  return troubleOf(Object.assign(new Error('later'), { name: 'ServiceUnavailable', ...answer }))!
}

describe('the wait before another attempt', () => {
  it('is no shorter than the Retry-After header asks for, in seconds or as a date', () => {
    expect(retryDelayMs(refusedWith('7'), 1)).to.equal(7000)
    const inAMinute = new Date(Date.now() + 60_000).toUTCString()
    expect(retryDelayMs(refusedWith(inAMinute), 1)).to.be.within(50_000, 60_000)
  })

  it('is that of a header that says nothing without it', () => {
    expect(retryDelayMs(refusedWith('soon'), 1)).to.be.lessThan(200)
    expect(retryDelayMs(refusedWith('7'), 8)).to.equal(null)
  })
})
