import { expect } from 'chai'
import fc from 'fast-check'
import { covers, meets } from '../../src/controls/wildcards.ts'

const letters = ['a', 'b', ':']
/** every text of up to five letters */
const texts = [1, 2, 3, 4, 5].reduce(
  (all: readonly string[]) => [...new Set(['', ...all.flatMap(text => letters.map(letter => text + letter)), ...all])],
  [''],
)
const pattern = fc.string({ unit: fc.constantFrom(...'ab*?'), maxLength: 3 })

function standsFor(written: string): ReadonlySet<string> {
  const source = [...written].map(each => (each === '*' ? '.*' : each === '?' ? '.' : each)).join('')
  const regular = new RegExp(`^${source}$`)
  return new Set(texts.filter(text => regular.test(text)))
}

describe('patterns of actions', () => {
  it('meet where some text is matched by both, and cover only what they match', () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const [ofA, ofB] = [standsFor(a), standsFor(b)]
        expect(meets(a, b), 'meets').to.equal([...ofA].some(text => ofB.has(text)))
        if (covers(a, b))
          expect(
            [...ofB].every(text => ofA.has(text)),
            'covers',
          ).to.equal(true)
        if (!/[*?]/.test(b)) expect(covers(a, b), 'covers a text').to.equal(ofA.has(b))
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  it('end however many wildcards they have', () => {
    expect(covers(`${'*a'.repeat(40)}b`, 'a'.repeat(120))).to.equal(false)
    expect(meets(`${'*a'.repeat(40)}b`, `${'*a'.repeat(40)}c`)).to.equal(false)
  })
})
