import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type Browser, chromium } from 'playwright-core'
import { sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import { verifyPage } from '../../src/reports/index.ts'
import { openTimeStampAuthority } from '../../src/sources/index.ts'
import { artifacts, type SampleBundle, sampleBundle, subject } from './sample-bundle.ts'
import { testAuthority } from './time-stamp-authority.ts'

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

  async function verdictOf(bytes: Buffer, fingerprint = '') {
    const path = join(bundle.folder, 'shown.zip')
    await writeFile(path, bytes)
    const tab = await browser!.newPage()
    try {
      const requests: string[] = []
      tab.on('request', request => requests.push(request.url()))
      await tab.goto(pathToFileURL(page).href)
      await tab.fill('#fingerprint', fingerprint)
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

  it('finds a bundle good that was stamped, whose timestamp it leaves to other tools', async () => {
    await using authority = await testAuthority(bundle.folder)
    const timestamper = openTimeStampAuthority({ url: authority.url, environment: {} })
    const path = join(bundle.folder, 'stamped.zip')
    await sealBundle({ artifacts, subject, signer: bundle.signer, timestamper, path })
    expect((await verdictOf(await readFile(path), bundle.signer.fingerprint)).verdict).to.match(/^GOOD: all \d+ files/)
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
