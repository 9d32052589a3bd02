import { spawn } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { EvidenceError, fingerprintOf, isSignedBy, openSigner, outsideSigner } from '../../src/evidence/index.ts'
import { freshFolder } from './sample-bundle.ts'

describe('the signing key', () => {
  it('is made at the first start, private to its owner, and is the same afterwards', async () => {
    await using folder = await freshFolder()
    const dataDir = join(folder.path, 'data')
    const first = await openSigner({ dataDir })
    const second = await openSigner({ dataDir })
    expect([first.isNew, second.isNew]).to.deep.equal([true, false])
    expect(second.fingerprint).to.equal(first.fingerprint)
    expect((await stat(join(dataDir, 'keys'))).mode & 0o777).to.equal(0o700)
    expect((await stat(join(dataDir, 'keys', 'signing-key.pem'))).mode & 0o777).to.equal(0o600)
    expect((await stat(dataDir)).mode & 0o001, 'other users (the database server) may pass through dataDir').to.equal(1)
  })

  it('signs with Ed25519 what its public key verifies, and its fingerprint is that of the public key', async () => {
    await using folder = await freshFolder()
    const signer = await openSigner({ dataDir: folder.path })
    const message = Buffer.from('evidence')
    const signature = await signer.sign(message)
    expect(verify(null, message, signer.publicKeyPem, signature)).to.equal(true)
    expect(verify(null, Buffer.from('evidencE'), signer.publicKeyPem, signature)).to.equal(false)
    expect(fingerprintOf(signer.publicKeyPem))
      .to.equal(signer.fingerprint)
      .and.match(/^[0-9a-f]{64}$/)
  })

  it('is one key when several processes start at once on an empty folder', async () => {
    await using folder = await freshFolder()
    const door = new URL('../../src/evidence/index.ts', import.meta.url).href
    const program = `import { openSigner } from '${door}'; const s = await openSigner({ dataDir: process.argv[1] }); console.log(s.fingerprint, s.isNew)`
    const outputs = await Promise.all([1, 2, 3, 4].map(() => runNode(['--input-type=module', '-e', program, folder.path])))
    const lines = outputs.map(output => output.trim().split(' '))
    expect(new Set(lines.map(line => line[0])).size).to.equal(1)
    expect(lines.filter(line => line[1] === 'true')).to.have.length(1)
    expect(await readdir(join(folder.path, 'keys'))).to.deep.equal(['signing-key.pem'])
  })

  it('is refused when others may read the file, with the command that mends it', async () => {
    await using folder = await freshFolder()
    await openSigner({ dataDir: folder.path })
    const path = join(folder.path, 'keys', 'signing-key.pem')
    await chmod(path, 0o640)
    const error = await failureOf(openSigner({ dataDir: folder.path }))
    expect(error.code).to.equal('KEY_READABLE_BY_OTHERS')
    expect(error.hint).to.include(`chmod 600 ${path}`)
    await chmod(path, 0o600)
    await openSigner({ dataDir: folder.path })
  })

  it('is refused when others may enter its folder', async () => {
    await using folder = await freshFolder()
    await mkdir(join(folder.path, 'keys'), { mode: 0o755 })
    const error = await failureOf(openSigner({ dataDir: folder.path }))
    expect(error.code).to.equal('KEY_READABLE_BY_OTHERS')
    expect(error.hint).to.include('chmod 700')
  })

  it('is not made in place of a key file that was named and is not there', async () => {
    await using folder = await freshFolder()
    const keyFile = join(folder.path, 'own.pem')
    expect((await failureOf(openSigner({ keyFile }))).code).to.equal('KEY_NOT_FOUND')
    expect(await readdir(folder.path)).to.deep.equal([])
  })

  it('may be a key file of our own, and is refused when that is no private key', async () => {
    await using folder = await freshFolder()
    const made = await openSigner({ dataDir: folder.path })
    const pem = await readFile(join(folder.path, 'keys', 'signing-key.pem'))
    const keyFile = join(folder.path, 'own.pem')
    await writeFile(keyFile, pem, { mode: 0o600 })
    expect((await openSigner({ keyFile })).fingerprint).to.equal(made.fingerprint)
    await writeFile(keyFile, made.publicKeyPem)
    expect((await failureOf(openSigner({ keyFile }))).code).to.equal('KEY_INVALID')
    await writeFile(keyFile, 'no key at all')
    expect((await failureOf(openSigner({ keyFile }))).code).to.equal('KEY_INVALID')
    expect(() => fingerprintOf('no key at all'))
      .to.throw(EvidenceError)
      .with.property('code', 'KEY_INVALID')
  })

  it('may be ECDSA P-256 too, and no other curve or kind', async () => {
    await using folder = await freshFolder()
    const keyFile = join(folder.path, 'own.pem')
    const write = (key: KeyObject) => writeFile(keyFile, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    await write(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey)
    const signer = await openSigner({ keyFile })
    const message = Buffer.from('evidence')
    const signature = await signer.sign(message)
    expect(verify('sha256', message, signer.publicKeyPem, signature)).to.equal(true)
    expect(isSignedBy(signer.publicKeyPem, message, signature)).to.equal(true)
    expect(isSignedBy(signer.publicKeyPem, Buffer.from('evidencE'), signature)).to.equal(false)
    for (const other of [
      generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    ]) {
      await write(other)
      expect((await failureOf(openSigner({ keyFile }))).code).to.equal('KEY_INVALID')
    }
  })

  it('gives out no signature from outside that is not one of its own', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const signing = (key: KeyObject) => outsideSigner({ publicKeyPem, sign: async bytes => sign('sha256', bytes, key) })
    expect((await signing(privateKey).sign(Buffer.from('x'))).length).to.be.greaterThan(60)
    expect((await failureOf(signing(other.privateKey).sign(Buffer.from('x')))).code).to.equal('KEY_INVALID')
  })

  it('cannot be made where dataDir is a file, and says so', async () => {
    await using folder = await freshFolder()
    const dataDir = join(folder.path, 'data')
    await writeFile(dataDir, '')
    expect((await failureOf(openSigner({ dataDir }))).code).to.equal('KEY_NOT_WRITABLE')
  })
})

async function failureOf(promise: Promise<unknown>): Promise<EvidenceError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof EvidenceError)) expect.fail(`expected an EvidenceError, got ${String(error)}`)
  return error
}

async function runNode(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  const code = await new Promise(resolve => child.on('close', resolve))
  expect(code).to.equal(0)
  return output
}
