import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openSigner, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import type { Artifact } from '../../src/model.ts'

const gibibyte = 2 ** 30
const block = Buffer.alloc(2 ** 20, 'evidence\n')

/** Past 4 GiB a ZIP file needs its 64-bit records: sizes and offsets no longer fit the ordinary ones. */
const large: Artifact = {
  path: 'large.txt',
  mediaType: 'text/plain; charset=utf-8',
  title: 'more than four gibibytes',
  async *read() {
    for (let written = 0; written < 4.2 * gibibyte; written += block.length) yield block
  },
}

const small: Artifact = {
  path: 'small.txt',
  mediaType: 'text/plain; charset=utf-8',
  title: 'behind the large one',
  async *read() {
    yield Buffer.from('small\n')
  },
}

describe('a bundle of more than four gibibytes', function () {
  this.timeout(1_200_000)

  it('is sealed and verified in little memory', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'evidenced-large-'))
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < 12 * gibibyte) {
      rmSync(folder, { recursive: true })
      if (process.env.CI === 'true') throw new Error('needs 12 GiB of free disk')
      return this.skip()
    }
    try {
      const signer = await openSigner({ dataDir: folder })
      const path = join(folder, 'bundle.zip')
      const subject = {
        scope: {},
        asOf: new Date('2026-06-30T23:59:59Z'),
        framework: null,
        evaluation: null,
        snapshots: [],
        ledgerPosition: 1,
        softwareVersion: '0.0.0-test',
        complete: true,
        missing: [],
      }
      const { sizeBytes } = await sealBundle({ artifacts: [large, small], subject, signer, path })
      expect(sizeBytes).to.be.greaterThan(4 * gibibyte)
      const verification = await verifyBundle(path, { key: signer.publicKeyPem })
      expect(verification.problems).to.deep.equal([])
      expect(process.resourceUsage().maxRSS / 1024).to.be.lessThan(600)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
