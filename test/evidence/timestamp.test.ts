import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { openSigner, readBundleFile, readPublishedKeys, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import { openTimeStampAuthority, SourcesError } from '../../src/sources/index.ts'
import { artifacts, freshFolder, subject } from './sample-bundle.ts'
import { type TestAuthority, testAuthority } from './time-stamp-authority.ts'

describe('a timestamp', () => {
  let folder: Awaited<ReturnType<typeof freshFolder>>
  let authority: TestAuthority
  let path: string
  let digest: string

  before(async function () {
    if (spawnSync('openssl', ['version']).error !== undefined) {
      if (process.env.CI === 'true') expect.fail('openssl is not installed')
      this.skip()
    }
    folder = await freshFolder()
    authority = await testAuthority(folder.path)
    path = join(folder.path, 'stamped.zip')
    digest = (await sealed(path)).manifestDigest
  })

  after(async () => {
    await authority?.[Symbol.asyncDispose]()
    await folder?.[Symbol.asyncDispose]()
  })

  async function sealed(to: string, from: TestAuthority | null = authority) {
    const timestamper = from === null ? {} : { timestamper: openTimeStampAuthority({ url: from.url, environment: {} }) }
    return sealBundle({ artifacts, subject, signer: await openSigner({ dataDir: folder.path }), path: to, ...timestamper })
  }

  it('is checked offline, and trusted when its authority is', async () => {
    const plain = await verifyBundle(path)
    expect(plain.problems).to.deep.equal([])
    expect(plain.timestamp).to.include({ isTrusted: false })
    expect(plain.timestamp!.authority).to.contain('Test Authority')
    const trusted = await verifyBundle(path, { authorities: [authority.ca] })
    expect(trusted.timestamp!.isTrusted).to.equal(true)
    expect(Math.abs(trusted.timestamp!.at.getTime() - Date.now())).to.be.lessThan(60_000)
    await using other = await testAuthority(folder.path, { key: 'ec', essAlgorithm: 'sha1' })
    expect((await verifyBundle(path, { authorities: [other.ca] })).timestamp!.isTrusted).to.equal(false)
    const ecdsa = join(folder.path, 'ecdsa.zip')
    await sealed(ecdsa, other)
    expect((await verifyBundle(ecdsa, { authorities: [other.ca] })).timestamp!.isTrusted).to.equal(true)
  })

  it('is checked by openssl with the command of README.txt', async () => {
    for (const name of ['manifest.tsr', 'manifest.sig', 'README.txt'])
      await writeFile(join(folder.path, name), Buffer.concat(await Array.fromAsync(readBundleFile(path, name))))
    const readme = await readFile(join(folder.path, 'README.txt'), 'utf8')
    const command = readme
      .split('\n')
      .find(line => line.includes('openssl ts'))!
      .trim()
    const run = (text: string) => spawnSync('sh', ['-c', text], { cwd: folder.path, encoding: 'utf8' })
    const good = run(command.replace('AUTHORITY.pem', authority.caFile))
    expect(good.stdout + good.stderr).to.contain('Verification: OK')
    const other = run(command.replace('AUTHORITY.pem', authority.caFile).replace('manifest.sig', 'README.txt'))
    expect(other.status).to.not.equal(0)
  })

  it('stands outside the digest: with it and without it the manifest is the same', async () => {
    expect((await sealed(join(folder.path, 'plain.zip'), null)).manifestDigest).to.equal(digest)
    expect((await verifyBundle(join(folder.path, 'plain.zip'))).timestamp).to.equal(null)
  })

  it('is found when any byte of it was changed, or when it is about another signature', async () => {
    const bytes = await readFile(path)
    const answer = Buffer.concat(await Array.fromAsync(readBundleFile(path, 'manifest.tsr')))
    const at = bytes.indexOf(answer)
    const forged = join(folder.path, 'forged.zip')
    for (let i = 0; i < answer.length; i += 97) {
      const copy = Buffer.from(bytes)
      copy[at + i]! ^= 1
      await writeFile(forged, copy)
      const { ok, problems, timestamp } = await verifyBundle(forged, { authorities: [authority.ca] })
      expect(ok, `byte ${i}`).to.equal(false)
      // the container's sum of the file no longer fits either; what is trusted then is nothing
      if (timestamp !== null) expect(problems.map(({ code }) => code)).to.include('CONTAINER_ALTERED')
    }
    authority.answer = () => answer
    const refused = await sealed(join(folder.path, 'other.zip')).catch(error => error)
    authority.answer = null
    expect(refused.code).to.equal('TIMESTAMP_REFUSED')
  })

  it('is refused when it was not granted, and said when the authority is not there', async () => {
    authority.answer = () => Buffer.from('30053003020102', 'hex')
    const refused = await sealed(join(folder.path, 'none.zip')).catch(error => error)
    authority.answer = null
    expect(refused.code).to.equal('TIMESTAMP_REFUSED')
    expect(refused.message).to.contain('not granted')
    const nobody = openTimeStampAuthority({ url: 'http://127.0.0.1:9/', environment: {} })
    const error = await nobody.ask(Buffer.alloc(1)).catch(thrown => thrown)
    expect(error).to.be.instanceOf(SourcesError).with.property('code', 'UNREACHABLE')
    expect(error.hint).to.contain('--no-timestamp')
  })

  it('saves what a key signed before it was revoked, when it is trusted, and nothing else', async () => {
    const { fingerprint, publicKeyPem } = await openSigner({ dataDir: folder.path })
    const listed = (revokedAt: Date) =>
      readPublishedKeys(
        JSON.stringify({
          keys: [
            { fingerprint, publicKeyPem, state: 'revoked', retiredAt: null, revokedAt: revokedAt.toISOString(), reason: 'lost' },
          ],
        }),
      )
    const later = { keys: listed(new Date(Date.now() + 3_600_000)) }
    const earlier = { keys: listed(new Date(Date.now() - 3_600_000)) }
    const authorities = [authority.ca]
    expect((await verifyBundle(path, { ...later, authorities })).ok).to.equal(true)
    for (const options of [later, { ...earlier, authorities }]) {
      const { ok, problems } = await verifyBundle(path, options)
      expect(ok).to.equal(false)
      expect(problems[0]).to.include({ code: 'KEY_REVOKED', file: 'key.pem' })
      expect(problems[0]!.message).to.contain('lost')
    }
  })
})
