import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface TestAuthority extends AsyncDisposable {
  readonly url: string
  /** certificate (PEM) that vouches for it, and its file */
  readonly ca: string
  readonly caFile: string
  /** what the next answers are instead */
  answer: ((reply: Buffer) => Buffer) | null
}

const config = `
[ tsa ]
default_tsa = here
[ here ]
serial = ./serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = ESS-ALGORITHM
[ req ]
distinguished_name = dn
[ dn ]
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[ stamping ]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ other ]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
`

/** A time-stamp authority on loopback, run by openssl. */
export async function testAuthority(
  parent: string,
  options: { readonly key?: 'rsa' | 'ec'; readonly essAlgorithm?: 'sha1' | 'sha256'; readonly name?: string } = {},
): Promise<TestAuthority> {
  const { key = 'rsa', essAlgorithm = 'sha256', name = '' } = options
  const folder = join(parent, `tsa-${key}-${essAlgorithm}${name}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'tsa.cnf'), config.replace('ESS-ALGORITHM', essAlgorithm))
  writeFileSync(join(folder, 'serial'), '01\n')
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
  }
  const kind = key === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const make = (file: string, subject: string, extensions: string, ...signed: string[]) =>
    openssl(
      ...['req', '-x509', '-newkey', ...kind, '-nodes', '-config', 'tsa.cnf', '-extensions', extensions, '-subj', subject],
      ...['-days', '30', '-keyout', `${file}.key`, '-out', `${file}.pem`, ...signed],
    )
  make('ca', '/CN=Test Root', 'ca')
  make('stamping', '/O=Example/CN=Test Authority', 'stamping', '-CA', 'ca.pem', '-CAkey', 'ca.key')
  const server = createServer(async (request, response) => {
    writeFileSync(join(folder, 'query.tsq'), Buffer.concat(await Array.fromAsync(request)))
    openssl(
      ...['ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-signer', 'stamping.pem', '-inkey', 'stamping.key'],
      ...['-out', 'reply.tsr'],
    )
    const reply = readFileSync(join(folder, 'reply.tsr'))
    response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(authority.answer?.(reply) ?? reply)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const caFile = join(folder, 'ca.pem')
  const authority: TestAuthority = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ca: readFileSync(caFile, 'utf8'),
    caFile,
    answer: null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return authority
}
