import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { sha256 } from '../../src/digest.ts'
import { EvidenceError, openSigner, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import { artifact, artifacts, freshFolder, sampleBundle, subject } from './sample-bundle.ts'
import { entriesOf, type HandEntry, zipOf } from './zip-by-hand.ts'

describe('a sealed bundle', () => {
  it('verifies, with the key inside and with the key given', async () => {
    await using bundle = await sampleBundle()
    const alone = await verifyBundle(bundle.path)
    expect(alone.problems).to.deep.equal([])
    expect(alone).to.include({
      ok: true,
      fingerprint: bundle.signer.fingerprint,
      signedBy: 'key in bundle (compare the fingerprint)',
    })
    expect(alone.manifestDigest).to.equal(bundle.sealed.manifestDigest)
    expect(alone.files).to.deep.equal(bundle.sealed.files)
    const given = await verifyBundle(bundle.path, { key: bundle.signer.publicKeyPem })
    expect(given).to.include({ ok: true, signedBy: 'given key' })
    expect(bundle.sealed.sizeBytes).to.equal(bundle.bytes.length)
  })

  it('lists every file with its digest, size and rows, in byte order, and says what it is about', async () => {
    await using bundle = await sampleBundle({
      subject: { complete: false, missing: ['acme: sso:ListPermissionSets was refused'] },
    })
    const { manifest, files } = await verifyBundle(bundle.path)
    expect(manifest?._type).to.equal('https://in-toto.io/Statement/v1')
    expect(manifest?.predicate).to.deep.include({
      asOf: '2026-06-30T00:00:00.000Z',
      complete: false,
      missing: ['acme: sso:ListPermissionSets was refused'],
      evaluationDigest: subject.evaluation?.digest,
      catalogDigest: subject.evaluation?.catalogDigest,
      ledgerPosition: 42,
      snapshots: [...subject.snapshots],
    })
    expect(files.map(({ path, rows }) => [path, rows])).to.deep.equal([
      ['README.txt', null],
      ['SHA256SUMS', null],
      ['empty', null],
      ['populations/acme/users.csv', 2],
      ['reports/soc2.html', null],
      ['snapshots/acme.jsonl', 3],
      ['zero.csv', 0],
    ])
    const entries = entriesOf(bundle.bytes)
    expect(entries.map(entry => entry.path)).to.deep.equal([...entries.map(entry => entry.path)].sort())
    for (const file of files) expect(sha256(entries.find(entry => entry.path === file.path)!.data)).to.equal(file.sha256)
    expect(entries.find(entry => entry.path === 'README.txt')?.data.toString())
      .to.include('INCOMPLETE')
      .and.include('sso:ListPermissionSets was refused')
  })

  it('has the same bytes when it is made again, whatever the time, the order of the artifacts and the time zone', async () => {
    await using first = await sampleBundle()
    const zone = process.env.TZ
    try {
      process.env.TZ = 'Pacific/Auckland'
      const path = join(first.folder, 'again.zip')
      await sealBundle({ artifacts: [...artifacts].reverse(), subject, signer: first.signer, path })
      expect((await readFile(path)).equals(first.bytes)).to.equal(true)
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
    await using other = await sampleBundle()
    expect(other.signer.fingerprint).to.not.equal(first.signer.fingerprint)
    expect(other.sealed.manifestDigest).to.equal(first.sealed.manifestDigest)
  })

  it('is what was put into it, for any contents', async () => {
    await using folder = await freshFolder()
    const signer = await openSigner({ dataDir: folder.path })
    const path = join(folder.path, 'bundle.zip')
    const contents = fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\/[a-z0-9]{1,8})?\.txt$/),
      fc.uint8Array({ maxLength: 5000 }),
      { maxKeys: 6 },
    )
    await fc.assert(
      fc.asyncProperty(contents, async files => {
        await sealBundle({
          artifacts: Object.entries(files).map(([name, bytes]) => artifact(name, bytes)),
          subject,
          signer,
          path,
        })
        expect((await verifyBundle(path)).problems).to.deep.equal([])
        const entries = new Map(entriesOf(await readFile(path)).map(entry => [entry.path, entry.data]))
        for (const [name, bytes] of Object.entries(files)) expect(entries.get(name)!.equals(bytes)).to.equal(true)
      }),
      { numRuns: 25 },
    )
  })

  it('counts the rows of a CSV as records, whatever stands in the cells', async () => {
    await using folder = await freshFolder()
    const signer = await openSigner({ dataDir: folder.path })
    const path = join(folder.path, 'bundle.zip')
    const cell = fc.string({ unit: fc.constantFrom('a', '"', '\r', '\n', ',', 'é') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), async rows => {
        const csv = ['name,note', ...rows.map(row => row.map(text => `"${text.replaceAll('"', '""')}"`).join(','))].join('\r\n')
        const { files } = await sealBundle({
          artifacts: [artifact('a.csv', `${csv}\r\n`, 'text/csv; header=present')],
          subject,
          signer,
          path,
        })
        expect(files.find(file => file.path === 'a.csv')?.rows).to.equal(rows.length)
      }),
      { numRuns: 40 },
    )
  })

  it('reports its progress, file by file', async () => {
    await using folder = await freshFolder()
    const signer = await openSigner({ dataDir: folder.path })
    const seen: string[] = []
    await sealBundle({
      artifacts,
      subject,
      signer,
      path: join(folder.path, 'bundle.zip'),
      onProgress: ({ phase, done, total }) => seen.push(`${phase} ${done}/${total}`),
    })
    expect(seen.filter(line => line.startsWith('files'))).to.deep.equal(
      artifacts.map((_, index) => `files ${index + 1}/${artifacts.length}`),
    )
    expect(seen.at(-1)).to.equal('seal 12/12')
  })

  it('leaves nothing under the final name when an artifact breaks off, and keeps the older bundle', async () => {
    await using bundle = await sampleBundle()
    const broken = {
      ...artifact('broken.txt', ''),
      async *read() {
        yield Buffer.from('half')
        throw Object.assign(new Error('the database went away'), { code: 'ENOENT' })
      },
    }
    const attempt = sealBundle({ artifacts: [broken], subject, signer: bundle.signer, path: bundle.path })
    const error = await attempt.catch((thrown: unknown) => thrown)
    expect(error, 'the error of the artifact, not one about the bundle')
      .to.be.instanceOf(Error)
      .with.property('message', 'the database went away')
    expect((await readFile(bundle.path)).equals(bundle.bytes)).to.equal(true)
    expect(await readdir(bundle.folder)).to.have.members(['keys', 'bundle.zip'])
  })

  it('refuses a folder that is not there, and paths that two systems would read differently', async () => {
    await using folder = await freshFolder()
    const signer = await openSigner({ dataDir: folder.path })
    const seal = (list: typeof artifacts, path = join(folder.path, 'bundle.zip')) =>
      sealBundle({ artifacts: list, subject, signer, path })
    expect(await failureOf(seal([], join(folder.path, 'nowhere', 'bundle.zip')))).to.have.property('code', 'BUNDLE_NOT_WRITABLE')
    for (const path of [
      '../up.txt',
      '/etc/x',
      'a\\b',
      'a//b',
      '.hidden',
      'a b',
      'a\nb',
      'end.',
      '',
      'manifest.json',
      'readme.TXT',
    ]) {
      expect(await failureOf(seal([artifact(path, 'x')])), path).to.have.property('code', 'ARTIFACT_PATH_INVALID')
    }
    expect(await failureOf(seal([artifact('A.txt', 'x'), artifact('a.txt', 'y')]))).to.have.property(
      'code',
      'ARTIFACT_PATH_INVALID',
    )
    expect(existsSync(join(folder.path, 'bundle.zip'))).to.equal(false)
  })
})

describe('a changed bundle', () => {
  it('is found and named, whichever byte is flipped', async () => {
    await using bundle = await sampleBundle()
    const owners = ownersOf(bundle.bytes)
    const changed = join(bundle.folder, 'changed.zip')
    await fc.assert(
      fc.asyncProperty(fc.nat(bundle.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Buffer.from(bundle.bytes)
        bytes[at]! ^= mask
        await writeFile(changed, bytes)
        const { ok, problems } = await verifyBundle(changed)
        expect(ok).to.equal(false)
        expect(
          problems.map(problem => problem.file),
          `byte ${at}`,
        ).to.include(owners(at))
      }),
      { numRuns: 600 },
    )
  })

  it('names one file only, when a byte inside a file is flipped', async () => {
    await using bundle = await sampleBundle()
    const changed = join(bundle.folder, 'changed.zip')
    for (const entry of entriesOf(bundle.bytes).filter(({ data }) => data.length > 0)) {
      const bytes = Buffer.from(bundle.bytes)
      bytes[entry.dataAt + Math.floor(entry.data.length / 2)]! ^= 1
      await writeFile(changed, bytes)
      const { problems } = await verifyBundle(changed)
      expect(new Set(problems.map(problem => problem.file)), entry.path).to.deep.equal(new Set([entry.path]))
    }
  })

  it('is found at every byte of the container', async () => {
    await using bundle = await sampleBundle({ artifacts: [artifact('a.txt', 'a')] })
    const owners = ownersOf(bundle.bytes)
    const changed = join(bundle.folder, 'changed.zip')
    for (let at = 0; at < bundle.bytes.length; at++) {
      if (owners(at) !== 'container') continue
      const bytes = Buffer.from(bundle.bytes)
      bytes[at]! ^= 0x55
      await writeFile(changed, bytes)
      const { problems } = await verifyBundle(changed)
      expect(
        problems.map(problem => problem.file),
        `byte ${at}`,
      ).to.include('container')
    }
  })

  it('is found when it is cut off anywhere, or when bytes stand before or after it', async () => {
    await using bundle = await sampleBundle()
    const changed = join(bundle.folder, 'changed.zip')
    await fc.assert(
      fc.asyncProperty(fc.nat(bundle.bytes.length - 1), async length => {
        await writeFile(changed, bundle.bytes.subarray(0, length))
        expect((await verifyBundle(changed)).ok).to.equal(false)
      }),
      { numRuns: 60 },
    )
    for (const bytes of [Buffer.concat([bundle.bytes, Buffer.from('\n')]), Buffer.concat([Buffer.from('\n'), bundle.bytes])]) {
      await writeFile(changed, bytes)
      expect((await verifyBundle(changed)).problems).to.have.nested.property('[0].code', 'CONTAINER_ALTERED')
    }
  })

  it('is found when a file is taken out, put in, doubled, renamed or moved, in a container that is otherwise perfect', async () => {
    await using bundle = await sampleBundle()
    const entries = entriesOf(bundle.bytes)
    expect(zipOf(entries).equals(bundle.bytes), 'the container by hand is the real one').to.equal(true)
    const changed = join(bundle.folder, 'changed.zip')
    const problemsOf = async (list: readonly HandEntry[]) => {
      await writeFile(changed, zipOf(list))
      return (await verifyBundle(changed)).problems.map(({ code, file }) => `${code} ${file}`)
    }
    const without = entries.filter(entry => entry.path !== 'reports/soc2.html')
    expect(await problemsOf(without)).to.deep.equal(['FILE_MISSING reports/soc2.html'])
    const extra = { path: 'reports/zz.html', data: Buffer.from('new') }
    const withExtra = [...entries, extra].sort((a, b) => (a.path < b.path ? -1 : 1))
    expect(await problemsOf(withExtra)).to.deep.equal(['FILE_UNLISTED reports/zz.html'])
    expect(await problemsOf(entries.flatMap(entry => (entry.path === 'zero.csv' ? [entry, entry] : [entry])))).to.deep.equal([
      'CONTAINER_ALTERED zero.csv',
    ])
    expect(await problemsOf([...entries].reverse())).to.deep.equal(['CONTAINER_ALTERED container'])
    const renamed = entries.map(entry => (entry.path === 'zero.csv' ? { ...entry, path: 'zero.txt' } : entry))
    expect(await problemsOf(renamed)).to.have.members(['FILE_MISSING zero.csv', 'FILE_UNLISTED zero.txt'])
    for (const name of [
      'key.pem',
      'manifest.json',
      'manifest.dsse.json',
      'manifest.pae',
      'manifest.sig',
      'SHA256SUMS',
      'README.txt',
    ]) {
      expect(await problemsOf(entries.filter(entry => entry.path !== name)), name).to.include(`FILE_MISSING ${name}`)
    }
  })

  it('is found when its content, digests and manifest were all made to agree, since nobody else has the key', async () => {
    await using bundle = await sampleBundle()
    const changed = join(bundle.folder, 'changed.zip')
    const entries = entriesOf(bundle.bytes)
    const forgedCsv = Buffer.from('name,note\r\nada,\r\n')
    const before = sha256(entries.find(entry => entry.path === 'populations/acme/users.csv')!.data)
    const forged = entries.map(({ path, data }) => {
      if (path === 'populations/acme/users.csv') return { path, data: forgedCsv }
      if (path === 'manifest.dsse.json') {
        const envelope = JSON.parse(data.toString())
        const payload = Buffer.from(envelope.payload, 'base64').toString().replaceAll(before, sha256(forgedCsv))
        return {
          path,
          data: Buffer.from(`${JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }, null, 2)}\n`),
        }
      }
      return { path, data: Buffer.from(data.toString('latin1').replaceAll(before, sha256(forgedCsv)), 'latin1') }
    })
    await writeFile(changed, zipOf(forged))
    const { ok, problems } = await verifyBundle(changed)
    expect(ok).to.equal(false)
    expect(problems.map(problem => problem.code)).to.include('SIGNATURE_INVALID')
  })

  it('is found by the given key when somebody signed it anew with a key of his own', async () => {
    await using bundle = await sampleBundle()
    const trusted = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect((await verifyBundle(bundle.path)).ok).to.equal(true)
    const { ok, problems } = await verifyBundle(bundle.path, { key: trusted })
    expect(ok).to.equal(false)
    expect(problems.map(problem => problem.code)).to.include.members(['KEY_MISMATCH', 'SIGNATURE_INVALID'])
    expect(await failureOf(verifyBundle(bundle.path, { key: 'no key' }))).to.have.property('code', 'KEY_INVALID')
  })

  it('is told from a file that is no bundle, and from one that is not there', async () => {
    await using folder = await freshFolder()
    const path = join(folder.path, 'x.zip')
    expect(await failureOf(verifyBundle(path))).to.have.property('code', 'BUNDLE_NOT_FOUND')
    expect(await failureOf(verifyBundle(folder.path))).to.have.property('code', 'BUNDLE_NOT_READABLE')
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('%PDF-1.7'),
      Buffer.alloc(5000, 7),
      zipOf([{ path: 'a.txt', data: Buffer.from('a') }]),
    ]) {
      await writeFile(path, bytes)
      const { ok, problems } = await verifyBundle(path)
      expect(ok).to.equal(false)
      expect(problems.map(problem => problem.code)).to.deep.equal(['NOT_A_BUNDLE'])
    }
  })
})

/** Which file a byte belongs to, or the container. */
function ownersOf(bytes: Buffer): (at: number) => string {
  const entries = entriesOf(bytes)
  return at => entries.find(entry => at >= entry.dataAt && at < entry.dataAt + entry.data.length)?.path ?? 'container'
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Error)) expect.fail('expected an error')
  if ('code' in error) expect(error).to.be.instanceOf(EvidenceError)
  return error
}
