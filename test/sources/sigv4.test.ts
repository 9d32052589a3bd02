import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { HttpRequest } from '@smithy/core/transport'
import { SignatureV4 } from '@smithy/signature-v4'
import { expect } from 'chai'
import fc from 'fast-check'
import { SigV4 } from '../../src/sources/sigv4.ts'

/** As the SDK's signer asks for its hashes. */
class Sha256 {
  readonly #sum: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#sum = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#sum.update(data as Uint8Array)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#sum.digest()))
  }
  reset(): void {}
}

const text = fc.string({ minLength: 1, maxLength: 30 }).map(each => each.replace(/[^\x21-\x7e]/g, 'x'))
const cases = fc.record({
  region: fc.constantFrom('eu-west-1', 'us-gov-west-1', 'cn-north-1'),
  service: fc.constantFrom('sso', 'identitystore', 'organizations', 'iam'),
  credentials: fc.record(
    { accessKeyId: text, secretAccessKey: text, sessionToken: text },
    { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
  ),
  path: fc.constantFrom('/', '/gateway/aws/', '/with%20space/'),
  target: text,
  body: fc.string({ unit: 'binary' }),
  at: fc.date({ min: new Date('2020-01-01'), max: new Date('2039-12-31'), noInvalidDate: true }),
})

describe('the signature of a request', () => {
  it('is that of the SDK’s own signer, whatever is signed', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ region, service, credentials, path, target, body, at }) => {
        const headers = { host: 'sso.example.com:8443', 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target }
        const request = { method: 'POST', path, headers, body }
        const signer = new SignatureV4({ region, service, credentials, sha256: Sha256, applyChecksum: false })
        const expected = await signer.sign(new HttpRequest({ ...request, protocol: 'https:', hostname: 'sso.example.com' }), {
          signingDate: at,
        })
        const signed = new SigV4(region, service).sign(
          { ...request, headers: { ...headers, 'user-agent': 'a b' } },
          credentials,
          at,
        )
        expect(signed).to.deep.equal({ ...expected.headers, 'user-agent': 'a b' })
      }),
      { numRuns: 200 },
    )
  })

  it('is made with the key of its own day, secret and session', () => {
    const signer = new SigV4('eu-west-1', 'sso')
    const request = { method: 'POST', path: '/', headers: { host: 'sso.eu-west-1.amazonaws.com' }, body: '{}' }
    const keys = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'one' }
    const day = new Date('2026-06-01T23:59:59Z')
    const first = signer.sign(request, keys, day)
    const others = [
      signer.sign(request, { ...keys, secretAccessKey: 'two' }, day),
      signer.sign(request, { ...keys, sessionToken: 'three' }, day),
      signer.sign(request, keys, new Date('2026-06-02T00:00:00Z')),
    ]
    expect(new Set([first, ...others].map(each => each.authorization!.split('Signature=')[1])).size).to.equal(4)
    expect(signer.sign(request, keys, day)).to.deep.equal(first)
  })
})
