import { verify } from 'node:crypto'
import { silent } from '../../src/log.ts'
import { openHeadFiles } from '../../src/sources/index.ts'
import { openStore, verifyStore } from '../../src/store/index.ts'

export interface Verified {
  readonly withoutMs: number
  readonly withMs: number
  readonly problems: number
}

/** Computes a store again without its heads and with them, three times after one that brings pages into memory. */
export async function verifyWithHeads(dataDir: string, folder: string, publicKeyPem: string): Promise<Verified[]> {
  await using store = await openStore({ url: null, dataDir, log: silent, now: () => new Date(), softwareVersion: 'bench' })
  const heads = {
    sinks: [openHeadFiles(folder)],
    verify: (bytes: Uint8Array, head: { readonly signature: string }) =>
      verify(null, bytes, publicKeyPem, Buffer.from(head.signature, 'base64')),
  }
  const found: Verified[] = []
  await verifyStore(store, null)
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    const alone = await verifyStore(store, null)
    const between = performance.now()
    const { problems } = await verifyStore(store, heads)
    const [withoutMs, withMs] = [Math.round(between - began), Math.round(performance.now() - between)]
    found.push({ withoutMs, withMs, problems: problems.length + alone.problems.length })
  }
  return found
}
