import { expect } from 'chai'
import { canonicalJson, setDigest, sha256 } from '../../src/digest.ts'
import { LeafSet } from '../../src/store/leaf-set.ts'

describe("the digest of a dataset's rows as they are written", () => {
  for (const count of [0, 1, 63, 64, 65, 1000, 32_767, 32_768, 70_001]) {
    it(`is that of the sorted leaves of ${count} rows`, () => {
      const set = new LeafSet()
      const leaves: string[] = []
      for (let i = 0; i < count; i++) {
        const [key, parent, digest] = [`k"${i}`, `p\u{1f600}`, sha256(String(i))]
        set.add(JSON.stringify(key), JSON.stringify(parent), digest)
        leaves.push(sha256(canonicalJson([key, parent, digest])))
      }
      expect(set.count).to.equal(count)
      expect(set.digest()).to.equal(setDigest(leaves))
    })
  }
})
