import { join } from 'node:path'
import { openSigner, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import type { Artifact } from '../../src/model.ts'
import { peakMiB } from '../peak-memory.ts'

/**
 * Seals and verifies a bundle of more than four gibibytes in the folder named, as a process of its own, and prints what came of it as one
 * JSON document: `{ sizeBytes, problems, peakMiB }`. The peak is this process's alone, whatever ran beside it.
 */
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

const folder = process.argv[2]
if (folder === undefined) throw new Error('name the folder')
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
const { problems } = await verifyBundle(path, { key: signer.publicKeyPem })
process.stdout.write(JSON.stringify({ sizeBytes, problems, peakMiB: peakMiB() }))
