import { expect } from 'chai'
import fc from 'fast-check'
import { instantOf } from '../../src/sources/answer-shape.ts'

describe('a timestamp of AWS JSON', () => {
  it('becomes the RFC 3339 text that a Date gives, without empty milliseconds', () => {
    const seconds = fc.oneof(
      fc.integer({ min: -3e9, max: 253_402_300_900 }),
      fc.integer({ min: 0, max: 2_932_896 }).map(days => days * 86_400),
      fc.double({ min: -1e10, max: 1e12, noNaN: true }),
    )
    fc.assert(
      fc.property(seconds, epoch => {
        expect(instantOf(epoch)).to.equal(new Date(Math.round(epoch * 1000)).toISOString().replace('.000Z', 'Z'))
      }),
      { numRuns: 5000 },
    )
  })

  it('is kept as it came when it is none', () => {
    expect(instantOf(1e300)).to.equal(null)
    expect(instantOf(Number.NaN)).to.equal(null)
  })
})
