import { expect } from 'chai'
import { canonicalJson, setDigest, sha256 } from '../../src/digest.ts'
import { LeafSet } from '../../src/store/leaf-set.ts'
import { SpillFile } from '../../src/store/spill-file.ts'

describe("the digest of a dataset's rows as they are written", () => {
  for (const count of [0, 1, 63, 64, 65, 1000, 8_191, 8_192, 8_193, 70_001]) {
    it(`is that of the sorted leaves of ${count} rows`, () => {
      const set = new LeafSet(null)
      expect(add(set, 0, count)).to.equal(set.digest())
      expect(set.count).to.equal(count)
    })
  }

  it('is the same where most leaves of several datasets are put aside in a file', () => {
    using file = new SpillFile()
    const [one, other] = [new LeafSet(file), new LeafSet(file)]
    const digests = [add(one, 0, 70_001), add(other, 70_001, 33_000)]
    expect([one.digest(), other.digest()]).to.deep.equal(digests)
  })

  it('is the same where nothing can be put aside', () => {
    const folder = process.env.TMPDIR
    process.env.TMPDIR = '/proc/none'
    try {
      using file = new SpillFile()
      expect(file.write(Buffer.alloc(1))).to.equal(null)
      const set = new LeafSet(file)
      expect(add(set, 0, 40_000)).to.equal(set.digest())
    } finally {
      if (folder === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = folder
    }
  })
})

/** @returns digest of the rows that were added, by the rule */
function add(set: LeafSet, from: number, count: number): string {
  const leaves: string[] = []
  for (let i = from; i < from + count; i++) {
    const [key, parent, digest] = [`k"${i}`, `p\u{1f600}`, sha256(String(i))]
    set.add(JSON.stringify(key), JSON.stringify(parent), digest)
    leaves.push(sha256(canonicalJson([key, parent, digest])))
  }
  return setDigest(leaves)
}
