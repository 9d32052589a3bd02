import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { silent } from '../../src/log.ts'
import { buildSharedBundle, type Download, type SharedBundleOptions } from '../../src/server/index.ts'

const secret = 'a-secret-of-256-bits'
const local = { host: '127.0.0.1:8080' }

describe('a shared bundle', () => {
  let folder: string
  let recorded: Download[]
  let now: Date

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-share-'))
    writeFileSync(join(folder, 'evidence.zip'), 'zip bytes')
    recorded = []
    now = new Date('2026-06-30T12:00:00Z')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const files: Readonly<Record<string, string>> = {
    'reports/soc2.html': 'text/html; charset=utf-8',
    'verify.html': 'text/html; charset=utf-8',
    'results.csv': 'text/csv',
  }
  function shared(more: Partial<SharedBundleOptions> = {}) {
    return buildSharedBundle({
      secretDigest: createHash('sha256').update(secret).digest('hex'),
      until: new Date('2026-07-01T00:00:00Z'),
      hosts: ['audit.example.com'],
      path: join(folder, 'evidence.zip'),
      page: () => ({ html: '<p>the bundle</p>', styleSources: "'sha256-abc='" }),
      file: path => {
        const mediaType = files[path]
        if (mediaType === undefined) return null
        return {
          mediaType,
          async *read() {
            yield Buffer.from(`bytes of ${path}`)
          },
        }
      },
      downloaded: async what => void recorded.push(what),
      now: () => now,
      log: silent,
      ...more,
    })
  }

  it('is read by whoever has the address, with everything that leaves on record and the secret nowhere', async () => {
    await using app = await shared()
    const page = await app.inject({ url: `/${secret}/`, headers: { ...local, 'user-agent': 'a browser' } })
    expect(page.statusCode).to.equal(200)
    expect(page.body).to.contain('the bundle')
    expect(page.headers).to.include({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    expect(page.headers['content-security-policy']).to.contain("default-src 'none'")
    const zip = await app.inject({ url: `/${secret}/bundle.zip`, headers: { host: 'audit.example.com' } })
    expect(zip.body).to.equal('zip bytes')
    expect(zip.headers['content-disposition']).to.contain('evidence.zip')
    const report = await app.inject({ url: `/${secret}/files/reports/soc2.html`, headers: local })
    expect(report.body).to.equal('bytes of reports/soc2.html')
    expect(report.headers['content-disposition']).to.equal(undefined)
    const script = await app.inject({ url: `/${secret}/files/verify.html`, headers: local })
    expect(script.headers['content-disposition']).to.contain('verify.html')
    expect(recorded.map(({ path }) => path)).to.deep.equal([
      ...['/', '/bundle.zip', '/files/reports/soc2.html', '/files/verify.html'],
    ])
    expect(recorded[0]).to.include({ from: '127.0.0.1', userAgent: 'a browser' })
    expect(JSON.stringify(recorded)).not.to.contain(secret)
  })

  it('says nothing to others: a wrong address, another name, another method, a file it does not hold', async () => {
    await using app = await shared()
    for (const url of ['/', '/x/', `/${secret}x/`, `/${secret}`, `/${secret}/files/../../etc/passwd`, `/${secret}/files/none`]) {
      const answer = await app.inject({ url, headers: local })
      expect(answer.statusCode, url).to.equal(404)
      expect(answer.body, url).to.equal('There is nothing here.\n')
    }
    expect((await app.inject({ url: `/${secret}/`, headers: { host: 'evil.example' } })).statusCode).to.equal(421)
    expect((await app.inject({ method: 'POST', url: `/${secret}/`, headers: local })).statusCode).to.equal(404)
    expect(recorded).to.deep.equal([])
  })

  it('ends at its instant, and lets nothing leave that cannot be put on record', async () => {
    await using app = await shared()
    now = new Date('2026-07-01T00:00:00Z')
    const over = await app.inject({ url: `/${secret}/bundle.zip`, headers: local })
    expect(over.statusCode).to.equal(410)
    expect(over.body).to.contain('until 2026-07-01T00:00:00.000Z')
    now = new Date('2026-06-30T12:00:00Z')
    const downloaded = () => Promise.reject(new Error('the database is gone'))
    await using deaf = await shared({ downloaded })
    const refused = await deaf.inject({ url: `/${secret}/bundle.zip`, headers: local })
    expect(refused.statusCode).to.equal(500)
    expect(refused.body).not.to.contain('zip bytes')
  })
})
