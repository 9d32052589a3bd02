import { expect } from 'chai'
import fc from 'fast-check'
import * as room from '../../src/controls/index.ts'
import { folderOf } from '../controls/estate-rows.ts'
import { compare, knockedOut, probes, straddling } from '../controls/soundness.ts'
import { wanted } from './wanted.ts'

/** Answers refused in one after the other of as many small organizations as it takes. */
const knockOuts = wanted('EVIDENCED_TEST_KNOCK_OUTS', 100_000)
const perRound = Math.min(500, knockOuts)

describe('soundness of unknown, at length', function () {
  this.timeout(3 * 3_600_000)

  it(`changes no decided status in ${knockOuts} knock-outs`, async () => {
    using folder = folderOf(probes)
    const catalog = room.loadCatalog({ ownFolders: [folder.path], parameters: straddling })
    let made = 0
    let compared = 0
    // an organization has one refusal at the least; a generator that refuses nothing ends here, and the test fails
    for (let seed = 1; made < knockOuts && (seed - 1) * perRound < knockOuts; seed++) {
      await fc.assert(
        fc.asyncProperty(knockedOut, async ({ whole, refused }) => {
          const found = await compare(room, catalog, whole, refused)
          expect(found.contradictions).to.deep.equal([])
          made += refused.gaps?.length ?? 0
          compared += found.compared
        }),
        { seed, numRuns: perRound },
      )
    }
    expect(made).to.be.at.least(knockOuts)
    expect(compared, 'statuses compared').to.be.at.least(made)
  })
})
