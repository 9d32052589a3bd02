import { createServer } from 'node:net'
import { expect } from 'chai'
import { AppError } from '../../src/errors.ts'
import { silent } from '../../src/log.ts'
import type { Artifact } from '../../src/model.ts'
import { buildServer, type Download, type Health, listen, ServerError, type ServerOptions } from '../../src/server/index.ts'

const healthy: Health = {
  ok: true,
  version: '0.1.0',
  database: { ok: true, detail: 'embedded' },
  sources: [{ label: 'acme', lastSnapshotAt: null, complete: null, overdueSince: null }],
  collecting: null,
  nextRunAt: null,
  attention: [],
}

const report = (mediaType: string, text: string): Artifact => ({
  path: 'soc2/report.csv',
  mediaType,
  title: 'report',
  async *read() {
    yield Buffer.from(text)
  },
})

function options(overrides: Partial<ServerOptions> = {}): ServerOptions {
  return {
    home: () => Promise.resolve({ html: '<p>home</p>', styleSources: "'sha256-abc='" }),
    findings: query => Promise.resolve({ html: `<p>findings ${JSON.stringify(query)}</p>`, styleSources: "'none'" }),
    finding: id => Promise.resolve(id === '7' ? { html: '<p>finding 7</p>', styleSources: "'none'" } : null),
    control: id => Promise.resolve(id === 'C-1' ? { html: '<p>control</p>', styleSources: "'none'" } : null),
    exceptions: () => Promise.resolve({ html: '<p>exceptions</p>', styleSources: "'none'" }),
    errorPage: (status, title, message, hint) => ({
      html: `<h1>${status} ${title}</h1><p>${message}. ${hint}</p>`,
      styleSources: "'none'",
    }),
    report: (framework, format) =>
      Promise.resolve(framework === 'soc2' ? report(format === 'html' ? 'text/html; charset=utf-8' : 'text/csv', 'a,b') : null),
    bundle: () => Promise.resolve(null),
    health: () => Promise.resolve(healthy),
    downloaded: () => Promise.resolve(),
    log: silent,
    ...overrides,
  }
}

const from = { headers: { host: '127.0.0.1:8080' } }

describe('the server', () => {
  it('serves the first page under a policy that allows its own style and nothing else', async () => {
    await using app = await buildServer(options())
    const answer = await app.inject({ url: '/', ...from })
    expect(answer.statusCode).to.equal(200)
    expect(answer.body).to.contain('<p>home</p>')
    expect(answer.headers['content-security-policy']).to.match(/^default-src 'none'; style-src 'sha256-abc=';/)
    expect(answer.headers['x-content-type-options']).to.equal('nosniff')
  })

  it('puts every download on record before it leaves, and lets none leave that it cannot record', async () => {
    const recorded: Download[] = []
    await using app = await buildServer(options({ downloaded: async what => void recorded.push(what) }))
    const headers = { ...from.headers, 'user-agent': 'curl/8' }
    expect((await app.inject({ url: '/reports/soc2/csv', headers })).body).to.equal('a,b')
    await app.inject({ url: '/reports/nothing/csv', headers })
    await app.inject({ url: '/', headers })
    expect(recorded).to.deep.equal([{ path: '/reports/soc2/csv', from: '127.0.0.1', userAgent: 'curl/8' }])
    await using closed = await buildServer(options({ downloaded: () => Promise.reject(new Error('full')) }))
    const refused = await closed.inject({ url: '/reports/soc2/csv', headers })
    expect(refused.statusCode).to.equal(500)
    expect(refused.body).not.to.contain('a,b')
  })

  it('serves pages of findings, controls and exceptions, and says so when there is no such thing', async () => {
    await using app = await buildServer(options())
    const get = async (url: string) => {
      const { statusCode, body } = await app.inject({ url, ...from })
      return `${statusCode} ${body}`
    }
    expect(await get('/findings?state=resolved&x=1&x=2')).to.equal('200 <p>findings {"state":"resolved"}</p>')
    expect(await get('/findings/7')).to.equal('200 <p>finding 7</p>')
    expect(await get('/findings/8')).to.match(/^404 /)
    expect(await get('/controls/C-1')).to.equal('200 <p>control</p>')
    expect(await get('/controls/C-2')).to.match(/^404 /)
    expect(await get('/exceptions')).to.equal('200 <p>exceptions</p>')
  })

  it('answers loopback names only, so that no other site reaches it through a browser', async () => {
    await using app = await buildServer(options())
    expect((await app.inject({ url: '/', headers: { host: 'evil.example.com' } })).statusCode).to.equal(421)
    expect((await app.inject({ url: '/', headers: { host: '[::1]:8080' } })).statusCode).to.equal(200)
    expect((await app.inject({ url: '/', headers: { host: 'localhost' } })).statusCode).to.equal(200)
  })

  it('says how it is at /healthz, with 503 when something is wrong', async () => {
    await using well = await buildServer(options())
    expect((await well.inject({ url: '/healthz', ...from })).json()).to.deep.equal(healthy)
    await using unwell = await buildServer(options({ health: () => Promise.resolve({ ...healthy, ok: false }) }))
    expect((await unwell.inject({ url: '/healthz', ...from })).statusCode).to.equal(503)
    await using overdue = await buildServer(
      options({ health: () => Promise.resolve({ ...healthy, attention: ['acme is overdue'] }) }),
    )
    const codes = [
      [well, '/healthz/evidence'],
      [overdue, '/healthz'],
      [overdue, '/healthz/evidence'],
      [unwell, '/healthz/evidence'],
    ] as const
    const answers = codes.map(async ([app, url]) => (await app.inject({ url, ...from })).statusCode)
    expect(await Promise.all(answers)).to.deep.equal([200, 200, 503, 503])
  })

  it('shows a report as a page and gives other formats as files', async () => {
    await using app = await buildServer(options())
    const page = await app.inject({ url: '/reports/soc2/html', ...from })
    expect(page.headers['content-type']).to.match(/^text\/html/)
    const file = await app.inject({ url: '/reports/soc2/csv', ...from })
    expect(file.headers['content-disposition']).to.equal('attachment; filename="report.csv"')
    expect(file.body).to.equal('a,b')
  })

  it('has a page for what is not there', async () => {
    await using app = await buildServer(options())
    for (const url of ['/nowhere', '/reports/none/html', '/bundles/none']) {
      const answer = await app.inject({ url, ...from })
      expect(answer.statusCode, url).to.equal(404)
      expect(answer.body).to.contain('404 Not found')
    }
  })

  it('says the way out when it knows one, and keeps inner faults to its log', async () => {
    const unreachable = new AppError('DATABASE_UNREACHABLE', 'no database', { hint: 'start it' })
    await using known = await buildServer(options({ home: () => Promise.reject(unreachable) }))
    const answer = await known.inject({ url: '/', ...from })
    expect(answer.statusCode).to.equal(503)
    expect(answer.body).to.contain('no database. start it')
    await using unknown = await buildServer(options({ home: () => Promise.reject(new Error('select secret from t')) }))
    const fault = await unknown.inject({ url: '/', ...from })
    expect(fault.statusCode).to.equal(500)
    expect(fault.body).not.to.contain('secret')
  })

  it('says which port is in use and what to do', async () => {
    const rival = createServer()
    await new Promise<void>(resolve => rival.listen(0, '127.0.0.1', resolve))
    const { port } = rival.address() as { port: number }
    await using app = await buildServer(options())
    const refused = await listen(app, '127.0.0.1', port).catch(error => error)
    rival.close()
    expect(refused).to.be.instanceOf(ServerError)
    expect(refused.code).to.equal('PORT_IN_USE')
    expect(refused.hint).to.contain('server.port')
  })

  it('publishes the keys that sign, and each as a file, and has no such place when none are handed in', async () => {
    const key = { fingerprint: 'a'.repeat(64), publicKeyPem: '-----BEGIN PUBLIC KEY-----', state: 'current' }
    await using app = await buildServer(options({ keys: async () => [key] }))
    expect((await app.inject({ url: '/keys', ...from })).json()).to.deep.equal({ keys: [key] })
    const pem = await app.inject({ url: `/keys/${key.fingerprint}.pem`, ...from })
    expect([pem.statusCode, pem.body]).to.deep.equal([200, key.publicKeyPem])
    expect((await app.inject({ url: '/keys/other.pem', ...from })).statusCode).to.equal(404)
    await using without = await buildServer(options())
    expect((await without.inject({ url: '/keys', ...from })).statusCode).to.equal(404)
  })
})
