import { expect } from 'chai'
import fc from 'fast-check'
import { sha256 } from '../../src/digest.ts'
import { sampleOf } from '../../src/sources/checking.ts'

describe('a sample', () => {
  it('is those of the smallest SHA-256 of seed and key, however large the population', () => {
    const cases = fc.record({ size: fc.integer({ min: 0, max: 4000 }), n: fc.integer({ min: 1, max: 600 }), seed: fc.string() })
    fc.assert(
      fc.property(cases, ({ size, n, seed }) => {
        const keys = Array.from({ length: size }, (_, i) => `USER|${i}`)
        const ranked = keys.map(key => ({ key, rank: sha256(`${seed} ${key}`) })).sort((a, b) => (a.rank < b.rank ? -1 : 1))
        const drawn = ranked.slice(0, n).map(({ key }) => key)
        expect(sampleOf(keys, n, seed)).to.deep.equal(n >= size ? keys : drawn)
      }),
      { numRuns: 20 },
    )
  })
})
