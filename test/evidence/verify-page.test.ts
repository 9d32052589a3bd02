import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type Browser, chromium } from 'playwright-core'
import { readBundleFile, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import { checkTimestamp } from '../../src/evidence/timestamp.ts'
import { verifyPage } from '../../src/reports/index.ts'
import { openTimeStampAuthority } from '../../src/sources/index.ts'
import { artifacts, type SampleBundle, sampleBundle, subject } from './sample-bundle.ts'
import { type TestAuthority, testAuthority } from './time-stamp-authority.ts'

const executablePath = '/usr/bin/chromium'

/** verify.html as an auditor opens it: from a file, in a real browser. */
describe('the page that verifies a bundle', () => {
  let browser: Browser | null = null
  let bundle: SampleBundle
  let page: string

  before(async function () {
    if (!existsSync(executablePath)) {
      if (process.env.CI === 'true') expect.fail(`${executablePath} is not installed`)
      this.skip()
    }
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    bundle = await sampleBundle()
    page = join(bundle.folder, 'verify.html')
    await writeFile(page, verifyPage())
  })

  after(async () => {
    await browser?.close()
    await bundle?.[Symbol.asyncDispose]()
  })

  async function verdictOf(bytes: Buffer, fingerprint = '', authority = '') {
    const path = join(bundle.folder, 'shown.zip')
    await writeFile(path, bytes)
    const tab = await browser!.newPage()
    try {
      const requests: string[] = []
      tab.on('request', request => requests.push(request.url()))
      await tab.goto(pathToFileURL(page).href)
      await tab.fill('#fingerprint', fingerprint)
      await tab.fill('#authority', authority)
      await tab.setInputFiles('#file', path)
      await tab.waitForSelector('#details:not([hidden])')
      const verdict = await tab.textContent('#verdict')
      const problems = await tab.$$eval('#problems li', items => items.map(item => item.textContent ?? ''))
      return { verdict: verdict ?? '', problems, requests, details: (await tab.textContent('#details')) ?? '' }
    } finally {
      await tab.close()
    }
  }

  it('finds a good bundle good when the fingerprint is the one it was given, and asks the network for nothing', async () => {
    const { verdict, problems, requests, details } = await verdictOf(bundle.bytes, bundle.signer.fingerprint)
    expect(verdict).to.match(/^GOOD: all \d+ files/)
    expect(problems).to.deep.equal(['none'])
    expect(requests).to.deep.equal([pathToFileURL(page).href])
    expect(details).to.contain('COMPLETE').and.to.contain('acme version 7')
  })

  it('finds a bundle good that was signed with ECDSA, and not when its signature or manifest was changed', async () => {
    for (let i = 0; i < 4; i++) {
      await using ecdsa = await sampleBundle({ isEcdsa: true })
      expect((await verdictOf(ecdsa.bytes, ecdsa.signer.fingerprint)).verdict).to.match(/^GOOD: all \d+ files/)
      const forged = Buffer.from(ecdsa.bytes)
      forged[forged.indexOf(Buffer.from([0x30, 0x44 + 1, 0x02])) + 10]! ^= 1
      forged[forged.indexOf('"predicateType"')]! ^= 1
      expect((await verdictOf(forged, ecdsa.signer.fingerprint)).verdict).to.match(/^NOT GOOD/)
    }
  })

  async function stamped(authority: TestAuthority) {
    const timestamper = openTimeStampAuthority({ url: authority.url, environment: {} })
    const path = join(bundle.folder, 'stamped.zip')
    await sealBundle({ artifacts, subject, signer: bundle.signer, timestamper, path })
    const part = async (name: string) => Buffer.concat(await Array.fromAsync(readBundleFile(path, name)))
    return { bytes: await readFile(path), answer: await part('manifest.tsr'), signature: await part('manifest.sig') }
  }
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

  it('shows of a stamped bundle who says when, and takes it for proven only with a certificate that was compared', async () => {
    await using authority = await testAuthority(bundle.folder)
    const { bytes } = await stamped(authority)
    const { timestamp } = await verifyBundle(join(bundle.folder, 'stamped.zip'))
    const shown = await verdictOf(bytes, bundle.signer.fingerprint)
    expect(shown.verdict).to.match(/^GOOD: all \d+ files/)
    expect(shown.details)
      .to.contain(`${timestamp!.at.toISOString()}, says O=Example, CN=Test Authority`)
      .and.to.contain('NOT COMPARED')
      .and.to.contain('revoked its certificate')
    const stamping = sha256(new X509Certificate(readFileSync(join(authority.caFile, '../stamping.pem'))).raw)
    const compared = await verdictOf(bytes, bundle.signer.fingerprint, stamping)
    expect(compared.verdict).to.match(/^GOOD/)
    expect(compared.details).to.contain('the one you named')
    const other = await verdictOf(bytes, bundle.signer.fingerprint, 'a'.repeat(64))
    expect(other.verdict).to.match(/^NOT GOOD/)
    expect(other.problems.join()).to.contain('AUTHORITY_MISMATCH')
    const { details } = await verdictOf(bundle.bytes, bundle.signer.fingerprint)
    expect(details).to.contain('nobody else says when it was signed')
  })

  it('judges a timestamp like the program, whichever of its bytes was changed, with RSA and ECDSA', async () => {
    const tab = await browser!.newPage()
    await tab.goto(pathToFileURL(page).href)
    for (const options of [{}, { key: 'ec' }, { essAlgorithm: 'sha1' }] as const) {
      await using authority = await testAuthority(bundle.folder, { ...options, name: `page-${JSON.stringify(options).length}` })
      const { answer, signature } = await stamped(authority)
      const spoiled = Array.from(answer, (_, i) => {
        const bytes = Buffer.from(answer)
        bytes[i]! ^= 1
        return bytes
      })
      const all = [answer, ...spoiled, answer.subarray(0, 40)]
      const program = [...all.map(bytes => 'at' in checkTimestamp(bytes, signature, [])), false]
      expect(program[0]).to.equal(true)
      const inPage = await tab.evaluate(
        async ([answers, signed]) => {
          const bytesOf = (text: string) => Uint8Array.from(atob(text), char => char.charCodeAt(0))
          const { checkTimestamp: check } = globalThis as unknown as {
            checkTimestamp(answer: Uint8Array, bytes: Uint8Array, given: string): Promise<{ readonly at?: string }>
          }
          const isGood = async (answer: string, about: string) =>
            (await check(bytesOf(answer), bytesOf(about), '').catch(() => ({}) as { readonly at?: string })).at !== undefined
          const found: boolean[] = []
          for (const answer of answers) found.push(await isGood(answer, signed))
          return [...found, await isGood(answers[0]!, btoa('other bytes'))]
        },
        [all.map(bytes => bytes.toString('base64')), signature.toString('base64')] as const,
      )
      expect(inPage).to.deep.equal(program)
    }
    await tab.close()
  })

  it('does not call a bundle good whose signer nobody compared', async () => {
    const { verdict } = await verdictOf(bundle.bytes)
    expect(verdict)
      .to.match(/^WHOLE, SIGNER NOT COMPARED/)
      .and.to.contain(bundle.signer.fingerprint)
  })

  it('refuses another signer', async () => {
    const { verdict, problems } = await verdictOf(bundle.bytes, 'a'.repeat(64))
    expect(verdict).to.match(/^NOT GOOD/)
    expect(problems.join()).to.contain('KEY_MISMATCH')
  })

  it('names the file that a changed byte belongs to, like the program', async () => {
    for (const text of [
      'name,note',
      '"kind":"snapshot"',
      '"predicateType"',
      'BEGIN PUBLIC KEY',
      '"keyid"',
      '  "payloadType"',
      'DSSEv1',
      'EVIDENCE BUNDLE',
    ]) {
      const forged = Buffer.from(bundle.bytes)
      const at = forged.indexOf(text)
      expect(at, text).to.be.greaterThan(0)
      forged[at]! ^= 1
      const path = join(bundle.folder, 'forged.zip')
      await writeFile(path, forged)
      const { problems } = await verifyBundle(path)
      const shown = await verdictOf(forged, bundle.signer.fingerprint)
      expect(shown.verdict, text).to.match(/^NOT GOOD/)
      const named = shown.problems.map(each => each.split(':')[0])
      expect(named, text).to.include(problems[0]!.file)
    }
  })

  it('finds what only other programs believe: sizes, counts and places in the directory', async () => {
    const directoryAt = bundle.bytes.readUInt32LE(bundle.bytes.length - 6)
    const end = bundle.bytes.length - 22
    const shorter = (at: number) => (bytes: Buffer) => bytes.writeUInt32LE(bytes.readUInt32LE(at) - 1, at)
    const spoil: (readonly [string, (bytes: Buffer) => void])[] = [
      ['the size as stored', shorter(directoryAt + 20)],
      ['the checksum in the directory', shorter(directoryAt + 16)],
      ['the kind of file', shorter(directoryAt + 38)],
      ['how many files there are', bytes => bytes.writeUInt16LE(bytes.readUInt16LE(end + 10) - 1, end + 10)],
      ['how many files lie on this disk', bytes => bytes.writeUInt16LE(bytes.readUInt16LE(end + 8) - 1, end + 8)],
      ['the size of the directory', shorter(end + 12)],
      ['the flags of a header', bytes => bytes.writeUInt16LE(0x0809, 6)],
      ['the kind of compression of a header', bytes => bytes.writeUInt16LE(8, 8)],
    ]
    for (const [what, change] of spoil) {
      const forged = Buffer.from(bundle.bytes)
      change(forged)
      await writeFile(join(bundle.folder, 'forged.zip'), forged)
      expect((await verifyBundle(join(bundle.folder, 'forged.zip'))).ok, what).to.equal(false)
      expect((await verdictOf(forged, bundle.signer.fingerprint)).verdict, what).to.match(/^NOT GOOD/)
    }
  })

  it('finds what was put before, between or behind the files, and what was taken away', async () => {
    const middle = bundle.bytes.indexOf('PK\u0003\u0004', 10, 'latin1')
    const spoiled = [
      Buffer.concat([Buffer.from('x'), bundle.bytes]),
      Buffer.concat([bundle.bytes.subarray(0, middle), Buffer.from('x'), bundle.bytes.subarray(middle)]),
      Buffer.concat([bundle.bytes, Buffer.from('x')]),
      bundle.bytes.subarray(0, -30),
    ]
    for (const bytes of spoiled) expect((await verdictOf(bytes, bundle.signer.fingerprint)).verdict).to.match(/^NOT GOOD/)
  })
})
