import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { fingerprintOf, listKeys, openSigner, prepareRotation, revokeKey, verifyBundle } from '../../src/evidence/index.ts'
import { freshFolder, sampleBundle } from './sample-bundle.ts'

const at = new Date('2026-06-30T12:00:00Z')

describe('keys over time', () => {
  it('are rotated: the new one signs, the old public key is kept and still verifies what it signed', async () => {
    await using bundle = await sampleBundle()
    const rotation = await prepareRotation(bundle.folder, at)
    expect(rotation.from).to.equal(bundle.signer.fingerprint)
    expect((await openSigner({ dataDir: bundle.folder })).fingerprint).to.equal(rotation.from)
    await rotation.commit()
    expect((await openSigner({ dataDir: bundle.folder })).fingerprint).to.equal(rotation.to)
    const [current, old] = await listKeys(bundle.folder)
    expect(current).to.include({ fingerprint: rotation.to, state: 'current' })
    expect(old).to.include({ fingerprint: rotation.from, state: 'retired', retiredAt: at.toISOString() })
    expect((await verifyBundle(bundle.path, { key: old!.publicKeyPem })).ok).to.equal(true)
    expect((await verifyBundle(bundle.path, { key: current!.publicKeyPem })).ok).to.equal(false)
  })

  it('leave no private part of an old key, and nothing that others may read', async () => {
    await using folder = await freshFolder()
    await openSigner({ dataDir: folder.path })
    await (await prepareRotation(folder.path, at)).commit()
    await (await prepareRotation(folder.path, at)).discard()
    const names = await readdir(join(folder.path, 'keys'))
    expect(names.sort()).to.deep.equal(['former', 'signing-key.pem'])
    expect((await stat(join(folder.path, 'keys', 'former'))).mode & 0o077).to.equal(0)
    const [, old] = await listKeys(folder.path)
    expect(old!.publicKeyPem).to.contain('PUBLIC KEY')
    expect(fingerprintOf(old!.publicKeyPem)).to.equal(old!.fingerprint)
  })

  it('are revoked with a reason, once', async () => {
    await using folder = await freshFolder()
    const { fingerprint } = await openSigner({ dataDir: folder.path })
    await (await prepareRotation(folder.path, at)).commit()
    const first = await revokeKey(folder.path, fingerprint, { at, reason: 'laptop lost' })
    expect(first).to.include({ state: 'revoked', reason: 'laptop lost', revokedAt: at.toISOString() })
    expect(await revokeKey(folder.path, fingerprint, { at: new Date(), reason: 'again' })).to.deep.equal(first)
    for (const other of ['f'.repeat(64), '../../signing-key']) {
      const code = await revokeKey(folder.path, other, { at, reason: 'x' }).catch(error => error.code)
      expect(code).to.equal('KEY_NOT_FOUND')
    }
  })
})
