import { expect } from 'chai'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { matchesAny } from '../../src/controls/patterns.ts'

const letters = fc.string({ unit: fc.constantFrom(...'aAkKsS_-@ 9ſ\u212aé\n'), maxLength: 6 })
const word = fc
  .tuple(
    fc.boolean(),
    fc.boolean(),
    fc.string({ unit: fc.constantFrom(...'aAkKsS_-@ 9'), minLength: 1, maxLength: 3 }),
    fc.boolean(),
  )
  .map(([anyCase, start, text, end]) => `${anyCase ? '(?i)' : ''}${start ? '^' : ''}${text}${end ? '$' : ''}`)

describe('patterns of a parameter', () => {
  it('that are mere words find what the engine of regular expressions finds', () => {
    let found = 0
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), letters, (patterns, text) => {
        const expected = patterns.some(pattern => RE2JS.compile(pattern).test(text))
        if (expected) found++
        expect(matchesAny(text, patterns, { asOf: 0, fuel: 1e9 })).to.equal(expected)
      }),
      { numRuns: 2000, seed: 1 },
    )
    expect(found).to.be.within(100, 1900)
  })
})
