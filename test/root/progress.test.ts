import { expect } from 'chai'
import { progressText } from '../../src/progress.ts'

describe('progress in one line', () => {
  it('says what is known of it, and nothing of the rest', () => {
    expect(progressText({ phase: 'reading AWS', done: 7, total: null, detail: '' })).to.equal('reading AWS: 7')
    const all = { done: 120, total: 688, perSecond: 11.84, throttles: 3, secondsLeft: 47.2, detail: 'sso.tags' }
    expect(progressText({ phase: 'reading AWS', ...all })).to.equal(
      'reading AWS: 120 of 688 (17 %), 11.8 calls/s, 3 throttled, 48 s left, sso.tags',
    )
    expect(progressText({ phase: 'p', ...all, secondsLeft: 600 })).to.include('10 min left')
    expect(progressText({ phase: 'p', ...all, secondsLeft: 9000 })).to.include('2.5 h left')
  })
})
