import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import type { AwsCredentialIdentity } from '@smithy/types'

/** A request as it is signed. Header names are lower case, values without white space at their ends; `host` is one of them. */
export interface SignedRequest {
  readonly method: string
  /** as it is sent, escaped; requests with a query are not signed here */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

const algorithm = 'AWS4-HMAC-SHA256'

/**
 * AWS Signature Version 4 for one service in one Region. The key of a day is derived once, which with the few hashes of a request is a
 * tenth of what the SDK's signer takes.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export class SigV4 {
  readonly #region: string
  readonly #service: string
  #key: { readonly secret: string; readonly day: string; readonly value: KeyObject } | null = null

  constructor(region: string, service: string) {
    this.#region = region
    this.#service = service
  }

  /** The headers that a request is sent with: its own, the date, the session's token and the signature. All but `user-agent` are signed. */
  sign(request: SignedRequest, credentials: AwsCredentialIdentity, at: Date): Record<string, string> {
    const time = at.toISOString()
    const long = `${time.slice(0, 4)}${time.slice(5, 7)}${time.slice(8, 13)}${time.slice(14, 16)}${time.slice(17, 19)}Z`
    const day = long.slice(0, 8)
    const headers: Record<string, string> = { ...request.headers, 'x-amz-date': long }
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken
    const names = Object.keys(headers)
      .filter(name => name !== 'user-agent')
      .sort()
    const signed = names.join(';')
    const lines = names.map(name => `${name}:${headers[name]}\n`).join('')
    const path = encodeURIComponent(request.path).replaceAll('%2F', '/')
    const canonical = `${request.method}\n${path}\n\n${lines}\n${signed}\n${hash('sha256', request.body, 'hex')}`
    const scope = `${day}/${this.#region}/${this.#service}/aws4_request`
    const signature = createHmac('sha256', this.#keyOf(credentials.secretAccessKey, day))
      .update(`${algorithm}\n${long}\n${scope}\n${hash('sha256', canonical, 'hex')}`)
      .digest('hex')
    headers.authorization = `${algorithm} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
    return headers
  }

  #keyOf(secret: string, day: string): KeyObject {
    if (this.#key?.secret === secret && this.#key.day === day) return this.#key.value
    let key: Buffer = Buffer.from(`AWS4${secret}`)
    for (const part of [day, this.#region, this.#service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest()
    const value = createSecretKey(key)
    this.#key = { secret, day, value }
    return value
  }
}
