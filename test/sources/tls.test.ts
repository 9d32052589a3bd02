import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createProxy, request as forward, type IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { silent } from '../../src/log.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { localBudget, openAws, planCollection, SourcesError } from '../../src/sources/index.ts'
import { workplace } from '../cli/program.ts'
import { freshAws } from './fresh-aws.ts'

const organization = () => buildOrganization({ seed: 3, accounts: 2, users: 3, groups: 1, permissionSets: 1, iamUsers: 0 })

/** A folder with a private authority and a certificate of it for localhost. */
function makeAuthority(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-ca-'))
  chmodSync(folder, 0o755)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=A private authority')
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost')
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,DNS:aws.invalid')
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'server.csr', ...sign, '-out', 'server.pem')
  return folder
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

describe('the way to AWS over TLS', function () {
  this.timeout(60_000)
  let folder: string
  const servers: Server[] = []

  before(function () {
    try {
      execFileSync('openssl', ['version'], { stdio: 'pipe' })
    } catch (cause) {
      if (process.env.CI === 'true') throw new Error('needs openssl', { cause })
      console.log('      skipped: openssl is not installed')
      this.skip()
    }
    folder = makeAuthority()
  })
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** Ends TLS in front of a simulator, with a certificate of the private authority. @returns its port */
  async function tlsBefore(url: string): Promise<number> {
    const pem = (name: string) => readFileSync(join(folder, name))
    const server = createServer({ key: pem('server.key'), cert: pem('server.pem') }, (incoming, outgoing) => {
      const { method, headers, url: path } = incoming
      const onward = forward(new URL(path ?? '/', url), { method, headers }, answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      incoming.pipe(onward)
    })
    servers.push(server)
    return await listening(server)
  }

  it('refuses an authority that nobody named, and says what to look at', async () => {
    await using target = await freshAws(organization())
    const environment = {
      ...target.simulator.env,
      AWS_ENDPOINT_URL: `https://localhost:${await tlsBefore(target.simulator.url)}`,
    }
    await using fresh = await freshAws(target.simulator.organization, { aws: { environment } })
    const refused = await planCollection(fresh.aws, fresh.source, {}).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(SourcesError).and.include({ code: 'UNREACHABLE' })
    expect((refused as SourcesError).message).to.match(
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/,
    )
    expect((refused as SourcesError).hint).to.include('AWS_CA_BUNDLE')
    expect(target.simulator.calls).to.deep.equal([])
  })

  it('trusts the authority of AWS_CA_BUNDLE, as the AWS CLI does', async () => {
    await using target = await freshAws(organization())
    const environment = {
      ...target.simulator.env,
      AWS_ENDPOINT_URL: `https://localhost:${await tlsBefore(target.simulator.url)}`,
      AWS_CA_BUNDLE: join(folder, 'ca.pem'),
    }
    await using fresh = await freshAws(target.simulator.organization, { aws: { environment } })
    const { identity } = await planCollection(fresh.aws, fresh.source, {})
    expect(identity.organizationId).to.equal(target.simulator.organization.organization!.Id)
  })

  it('says which bundle cannot be read', () => {
    const environment = { AWS_CA_BUNDLE: '/nowhere/ca.pem' }
    const open = () =>
      openAws({ budget: localBudget(), log: silent, now: () => new Date(), environment, softwareVersion: 'test' })
    expect(open)
      .to.throw(SourcesError, /\/nowhere\/ca\.pem.*ENOENT/)
      .with.property('code', 'CA_BUNDLE_NOT_READABLE')
  })

  for (const scheme of ['http', 'https'] as const)
    it(`goes through the tunnel of HTTPS_PROXY, an ${scheme} proxy, and TLS is with AWS in it`, async () => {
      await using target = await freshAws(organization())
      const port = await tlsBefore(target.simulator.url)
      const tunnels: string[] = []
      const pem = (name: string) => readFileSync(join(folder, name))
      const proxy = scheme === 'http' ? createProxy() : createServer({ key: pem('server.key'), cert: pem('server.pem') })
      proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
        tunnels.push(request.url ?? '')
        const onward = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
          onward.pipe(socket).pipe(onward)
        })
        for (const end of [socket, onward]) end.on('error', () => {})
      })
      servers.push(proxy)
      const environment = {
        ...target.simulator.env,
        // no name server knows it: only the proxy can
        AWS_ENDPOINT_URL: 'https://aws.invalid',
        AWS_CA_BUNDLE: join(folder, 'ca.pem'),
        HTTPS_PROXY: `${scheme}://localhost:${await listening(proxy)}`,
      }
      await using fresh = await freshAws(target.simulator.organization, { aws: { environment } })
      await planCollection(fresh.aws, fresh.source, {})
      expect(new Set(tunnels)).to.deep.equal(new Set(['aws.invalid:443']))
    })

  it('trusts what NODE_EXTRA_CA_CERTS names, in the program', async () => {
    await using place = await workplace()
    place.env.AWS_ENDPOINT_URL = `https://localhost:${await tlsBefore(place.aws.url)}`
    expect((await place.run('plan', '--json')).json.error?.code ?? 'no error').to.not.equal('no error')
    place.env.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem')
    const planned = await place.run('plan', '--json')
    expect(planned.code, planned.stderr).to.equal(0)
  })

  it('brings approvals and reviews over HTTPS from an authority that NODE_EXTRA_CA_CERTS names, and from no other', async () => {
    const files: { readonly [path: string]: string } = {
      '/approvals.csv': 'ticket,approver,approvedAt,group,permissionSet\nT-1,ben,2026-02-01,ops,Admin\n',
      '/reviews.json': '[{"reviewer":"ben","reviewedAt":"2026-02-01","decision":"keep","user":"ann","group":"ops"}]',
    }
    const pem = (name: string) => readFileSync(join(folder, name))
    const server = createServer({ key: pem('server.key'), cert: pem('server.pem') }, ({ url }, answer) => {
      const found = files[new URL(url ?? '/', 'https://localhost').pathname]
      answer.writeHead(found === undefined ? 404 : 200).end(found)
    })
    servers.push(server)
    const at = `https://localhost:${await listening(server)}`
    const door = new URL('../../src/sources/index.ts', import.meta.url).href
    // an authority is read when a process starts, so each is asked in one of its own
    const read = `import { readImport } from ${JSON.stringify(door)}
      const found = []
      for (const [kind, path] of [['approvals', '/approvals.csv?token=secret'], ['reviews', '/reviews.json'], ['reviews', '/none']])
        found.push(await readImport(kind, process.argv[1] + path).then(({ location, rows }) => [location, rows.length], error => error.code))
      process.stdout.write(JSON.stringify(found))`
    const asked = async (env: NodeJS.ProcessEnv) => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', read, at], {
        env: { ...process.env, ...env },
      })
      return JSON.parse(stdout)
    }
    expect(await asked({ NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') })).to.deep.equal([
      [`${at}/approvals.csv`, 1],
      [`${at}/reviews.json`, 1],
      'UNREADABLE',
    ])
    expect(await asked({})).to.deep.equal(['UNREADABLE', 'UNREADABLE', 'UNREADABLE'])
  })
})
