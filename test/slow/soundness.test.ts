import { expect } from 'chai'
import fc from 'fast-check'
import * as room from '../../src/controls/index.ts'
import { folderOf } from '../controls/estate-rows.ts'
import { compare, knockedOut, probes, straddling } from '../controls/soundness.ts'

/** Answers refused in one after the other of as many small organizations as it takes. */
const knockOuts = 100_000

describe('soundness of unknown, at length', function () {
  this.timeout(3 * 3_600_000)

  it('changes no decided status in a hundred thousand knock-outs', async () => {
    using folder = folderOf(probes)
    const catalog = room.loadCatalog({ ownFolders: [folder.path], parameters: straddling })
    let made = 0
    for (let seed = 1; made < knockOuts; seed++) {
      await fc.assert(
        fc.asyncProperty(knockedOut, async ({ whole, refused }) => {
          expect((await compare(room, catalog, whole, refused)).contradictions).to.deep.equal([])
          made += refused.gaps?.length ?? 0
        }),
        { seed, numRuns: 500 },
      )
    }
    expect(made).to.be.at.least(knockOuts)
  })
})
