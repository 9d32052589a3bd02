import { createHash, createHmac, type Hash } from 'node:crypto'
import { HttpRequest } from '@smithy/core/transport'
import { SignatureV4 } from '@smithy/signature-v4'
import type { AwsCredentialIdentityProvider } from '@smithy/types'
import type { SharedHttpHandler } from './http-handler.ts'

/** One request to a service that no client of the SDK is here for, as SigV4 wants it. */
export interface PlainRequest {
  readonly method: 'GET' | 'PUT'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

export interface PlainAnswer {
  readonly status: number
  readonly body: Buffer
}

/** Signs a request for Amazon S3, or what speaks its protocol, and sends it once. */
export async function sendSigned(
  handler: SharedHttpHandler,
  credentials: AwsCredentialIdentityProvider,
  region: string,
  { method, url, headers = {}, body }: PlainRequest,
): Promise<PlainAnswer> {
  const signer = new SignatureV4({ service: 's3', region, credentials, sha256: Sha256, uriEscapePath: false })
  const digest = createHash('sha256')
    .update(body ?? '')
    .digest('hex')
  const request = new HttpRequest({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...headers, host: url.host, 'x-amz-content-sha256': digest },
    ...(body === undefined ? {} : { body }),
  })
  const signed = await signer.sign(request)
  const { response } = await handler.handle(signed as HttpRequest)
  return { status: response.statusCode, body: Buffer.from((response.body as Uint8Array | undefined) ?? []) }
}

/** SHA-256, or HMAC with it, as the signer asks for it. */
class Sha256 {
  readonly #secret: Uint8Array | string | null
  #sum: Hash | ReturnType<typeof createHmac>

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? null : bytesOf(secret)
    this.#sum = this.#fresh()
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#sum.update(bytesOf(data))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#sum.digest()))
  }

  reset(): void {
    this.#sum = this.#fresh()
  }

  #fresh(): Hash | ReturnType<typeof createHmac> {
    return this.#secret === null ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
