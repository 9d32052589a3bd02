import { expect } from 'chai'
import { compareWithLibrary } from '../controls/differential.ts'
import { wanted } from './wanted.ts'

const comparisons = wanted('EVIDENCED_TEST_COMPARISONS', 60_000)
/** forty expressions about four users at the least */
const leastPerEstate = 160

describe('our closures against the library, at length', function () {
  this.timeout(3 * 3_600_000)

  it(`give the same answers in ${comparisons} comparisons`, async () => {
    const compared = await compareWithLibrary({ runs: Math.ceil(comparisons / leastPerEstate), seed: 1 })
    expect(compared).to.be.at.least(comparisons)
  })
})
