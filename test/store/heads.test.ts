import { expect } from 'chai'
import { type HeadSink, publishHeads } from '../../src/store/index.ts'
import { collectOnce, errorOf, part, user } from './collected.ts'
import { freshStore } from './fresh-store.ts'

describe('heads outside', () => {
  it('are kept and told as a fault of where they should go, and the others get theirs', async () => {
    await using store = await freshStore()
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1')] })])
    const written: number[] = []
    const sink: HeadSink = {
      heads: () => Promise.resolve([]),
      lastVersion: () => Promise.resolve(0),
      changes: async function* () {},
      write: async ({ version }) => void written.push(version),
    }
    const away = { ...sink, lastVersion: () => Promise.reject(Object.assign(new Error('the folder is gone'), { code: 'GONE' })) }
    const signer = { fingerprint: 'a'.repeat(64), sign: () => Promise.resolve(new Uint8Array(64)) }
    const error = await errorOf(publishHeads(store, 'acme', [away, sink], signer))
    expect([error.code, error.message, written]).to.deep.equal(['GONE', 'the folder is gone', [1]])
  })
})
