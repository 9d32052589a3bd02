import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

const gibibyte = 2 ** 30
const program = join(import.meta.dirname, 'seal-large-bundle.ts')

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
      const { stdout } = await promisify(execFile)(process.execPath, [program, folder])
      const { sizeBytes, problems, peakMiB } = JSON.parse(stdout)
      expect(sizeBytes).to.be.greaterThan(4 * gibibyte)
      expect(problems).to.deep.equal([])
      expect(peakMiB).to.be.lessThan(600)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
