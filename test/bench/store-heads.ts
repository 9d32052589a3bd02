import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHeadFiles } from '../../src/sources/index.ts'
import { publishHeads, type Store, verifyStore } from '../../src/store/index.ts'

/** Signs heads of everything that a store holds into a folder, and computes the store again with them. */
export async function verifyWithHeads(store: Store, source: string): Promise<{ ms: number; problems: number }> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-bench-heads-'))
  try {
    const sinks = [openHeadFiles(folder)]
    await publishHeads(store, source, sinks, { fingerprint: 'bench', sign: async bytes => sign(null, bytes, privateKey) })
    const began = performance.now()
    const { problems } = await verifyStore(store, {
      sinks,
      verify: (bytes, head) => verify(null, bytes, publicKey, Buffer.from(head.signature, 'base64')),
    })
    return { ms: Math.round(performance.now() - began), problems: problems.length }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
