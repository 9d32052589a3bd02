import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { openKmsKey, SourcesError } from '../../src/sources/index.ts'

const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/0123abcd-0000-4000-8000-000000000000'
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

/** AWS KMS on the wire, with one key. */
describe('a key in AWS KMS', () => {
  let server: Server
  let asked: { target: string; authorization: string; body: Record<string, string> }[] = []
  let refuse: string | null = null
  const held = { ...process.env }

  before(async () => {
    server = createServer(async (request, response) => {
      const body = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString('utf8'))
      const target = String(request.headers['x-amz-target'])
      asked.push({ target, authorization: String(request.headers.authorization), body })
      const answer = (status: number, value: object) =>
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(value))
      if (refuse !== null) return answer(400, { __type: refuse, message: 'refused' })
      if (body.KeyId !== keyArn) return answer(400, { __type: 'NotFoundException', message: 'no such key' })
      if (target === 'TrentService.GetPublicKey') {
        const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
        return answer(200, { KeyId: keyArn, PublicKey: der, KeySpec: 'ECC_NIST_P256', SigningAlgorithms: ['ECDSA_SHA_256'] })
      }
      const digest = Buffer.from(body.Message, 'base64')
      expect(body).to.include({ MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' })
      expect(digest).to.have.lengthOf(32)
      // whoever is handed a digest signs it as it is; here the message is known, so that node may hash it
      const signature = sign('sha256', message, privateKey)
      expect(createHash('sha256').update(message).digest().equals(digest)).to.equal(true)
      return answer(200, { KeyId: keyArn, Signature: signature.toString('base64'), SigningAlgorithm: 'ECDSA_SHA_256' })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_KMS: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    })
  })

  beforeEach(() => {
    asked = []
    refuse = null
  })

  after(() => {
    for (const name of ['AWS_ENDPOINT_URL_KMS', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
      if (held[name] === undefined) delete process.env[name]
      else process.env[name] = held[name]
    }
    server.close()
  })

  const message = Buffer.from('the bytes of a manifest')

  it('signs what its public key verifies, is sent the digest alone, and is asked by a signed request', async () => {
    const key = await openKmsKey({ keyArn, environment: {} })
    expect(key.publicKeyPem).to.equal(publicKey.export({ type: 'spki', format: 'pem' }).toString())
    expect(verify('sha256', message, key.publicKeyPem, await key.sign(message))).to.equal(true)
    expect(asked.map(({ target }) => target)).to.deep.equal(['TrentService.GetPublicKey', 'TrentService.Sign'])
    for (const { authorization } of asked) expect(authorization).to.contain('/eu-west-1/kms/aws4_request')
    expect(JSON.stringify(asked)).to.not.contain('the bytes of a manifest')
  })

  it('names the action to grant when AWS refuses, and the key when there is none', async () => {
    refuse = 'AccessDeniedException'
    const denied = await failureOf(openKmsKey({ keyArn, environment: {} }))
    expect(denied.code).to.equal('ACCESS_DENIED')
    expect(denied.hint).to.contain('kms:GetPublicKey')
    refuse = null
    const gone = await failureOf(openKmsKey({ keyArn: `${keyArn}9`, environment: {} }))
    expect(gone.code).to.equal('UNEXPECTED_ANSWER')
    expect(gone.message).to.contain(`${keyArn}9`)
  })
})

async function failureOf(promise: Promise<unknown>): Promise<SourcesError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SourcesError)) expect.fail(`expected a SourcesError, got ${String(error)}`)
  return error
}
