import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { AwsCredentialIdentityProvider } from '@smithy/types'
import type { SignedHead } from '../model.ts'
import { signedHeadIn } from '../signed-head.ts'
import { baseProvider } from './credentials.ts'
import { type HeadFiles, refuseOutOfTurn } from './head-files.ts'
import { SharedHttpHandler } from './http-handler.ts'
import { type PlainAnswer, type PlainRequest, sendSigned } from './signed-request.ts'
import { SourcesError } from './sources-error.ts'

/** A bucket for heads: Amazon S3, or what speaks its protocol. */
export interface HeadBucket {
  readonly name: string
  readonly region: string
  /** '' or a text that ends with `/`; stands before every key */
  readonly prefix: string
  /** null: Amazon's own */
  readonly endpoint: string | null
  /** days for which the bucket's object lock (compliance mode) keeps what is written; null: as the bucket decides */
  readonly lockDays: number | null
}

/** Lines of a change set in one object, so that a large one is never held as a whole. */
const linesAnObject = 100_000
const tries = 4
const lineFeed = 10
const zipped = promisify(gzip)
const unzipped = promisify(gunzip)

/**
 * Keeps heads in a bucket: `<stream>/heads/<version>.json`, and the change set of each in `<stream>/changes/<version>/<part>.gz`. Each object is
 * written once, on the condition that it is not there; who may not delete in the bucket cannot take a head back.
 * Credentials are those of the SDK's own chain; they need s3:PutObject, s3:GetObject and s3:ListBucket.
 * @throws {SourcesError} HEADS_NOT_WRITABLE, HEADS_NOT_READABLE, HEADS_CHANGED from its methods
 */
export function openHeadBucket(
  bucket: HeadBucket,
  options: { readonly environment: NodeJS.ProcessEnv; readonly now: () => Date },
): HeadFiles {
  const headKey = (stream: string, version: number) => `${bucket.prefix}${stream}/heads/${padded(version)}.json`
  const partKey = ({ stream, version }: Pick<SignedHead, 'stream' | 'version'>, part: number) =>
    `${bucket.prefix}${stream}/changes/${padded(version)}/${padded(part)}.gz`
  const opened = () => new Objects(bucket, options)
  return {
    async streams() {
      await using objects = opened()
      const streams = (await objects.list(bucket.prefix, '/')).map(each => each.slice(bucket.prefix.length, -1))
      const found = streams.map(async stream =>
        (await objects.list(`${bucket.prefix}${stream}/heads/`)).length > 0 ? [stream] : [],
      )
      return (await Promise.all(found)).flat()
    },
    async heads(stream) {
      await using objects = opened()
      const heads: SignedHead[] = []
      for (const key of await objects.list(`${bucket.prefix}${stream}/heads/`))
        heads.push(headIn(bucket, key, await objects.get(key)))
      return heads
    },
    async lastVersion(stream) {
      await using objects = opened()
      const last = (await objects.list(`${bucket.prefix}${stream}/heads/`)).at(-1)
      return last === undefined ? 0 : Number(last.slice(last.lastIndexOf('/') + 1, -'.json'.length))
    },
    async *changes(head) {
      await using objects = opened()
      for (let part = 1, left = head.lines; left > 0; part++, left -= linesAnObject) {
        const bytes = await objects.get(partKey(head, part))
        try {
          yield await unzipped(bytes)
        } catch (error) {
          throw changed(bucket, partKey(head, part), (error as Error).message)
        }
      }
    },
    async write(of, changes, head) {
      await using objects = opened()
      const last = of.version === 1 ? null : headKey(of.stream, of.version - 1)
      try {
        refuseOutOfTurn(of, last === null ? null : headIn(bucket, last, await objects.get(last)))
      } catch (error) {
        throw notWritable(bucket, headKey(of.stream, of.version), (error as Error).message, error)
      }
      let number = 0
      for await (const part of piecesOf(changes)) await objects.put(partKey(of, ++number), await zipped(part))
      await objects.put(headKey(of.stream, of.version), Buffer.from(`${JSON.stringify(await head())}\n`))
    },
  }
}

/** As many lines as one object holds, and the rest of them. */
async function* piecesOf(changes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let piece: Uint8Array[] = []
  let lines = 0
  for await (const bytes of changes) {
    let from = 0
    for (let feed = bytes.indexOf(lineFeed); feed >= 0; feed = bytes.indexOf(lineFeed, feed + 1)) {
      if (++lines < linesAnObject) continue
      yield Buffer.concat([...piece, bytes.subarray(from, feed + 1)])
      piece = []
      lines = 0
      from = feed + 1
    }
    piece.push(bytes.subarray(from))
  }
  if (lines > 0) yield Buffer.concat(piece)
}

function headIn(bucket: HeadBucket, key: string, bytes: Buffer): SignedHead {
  const head = signedHeadIn(bytes.toString('utf8'))
  if (head === null) throw changed(bucket, key, 'it is no head')
  return head
}

function padded(number: number): string {
  return String(number).padStart(8, '0')
}

/** The bucket for one piece of work, over connections of its own. */
class Objects implements AsyncDisposable {
  readonly #bucket: HeadBucket
  readonly #now: () => Date
  readonly #handler: SharedHttpHandler
  readonly #credentials: AwsCredentialIdentityProvider

  constructor(bucket: HeadBucket, { environment, now }: { readonly environment: NodeJS.ProcessEnv; readonly now: () => Date }) {
    this.#bucket = bucket
    this.#now = now
    this.#handler = new SharedHttpHandler(environment, 60_000)
    this.#credentials = baseProvider({ environment, handler: this.#handler })
  }

  /** Keys with a prefix, in their order. @param delimiter the beginnings of keys up to it instead */
  async list(prefix: string, delimiter: string | null = null): Promise<string[]> {
    const keys: string[] = []
    let token: string | null = null
    do {
      const url = this.#url('')
      url.searchParams.set('list-type', '2')
      url.searchParams.set('prefix', prefix)
      if (delimiter !== null) url.searchParams.set('delimiter', delimiter)
      if (token !== null) url.searchParams.set('continuation-token', token)
      const answer = await this.#send({ method: 'GET', url })
      const text = answer.body.toString('utf8')
      if (answer.status !== 200) throw notReadable(this.#bucket, prefix, problemIn(answer))
      const each = delimiter === null ? /<Key>([^<]*)<\/Key>/g : /<CommonPrefixes><Prefix>([^<]*)<\/Prefix><\/CommonPrefixes>/g
      keys.push(...[...text.matchAll(each)].map(match => plainText(match[1]!)))
      const next = text.match(/<NextContinuationToken>([^<]*)<\/NextContinuationToken>/)
      token = next === null ? null : plainText(next[1]!)
    } while (token !== null)
    return keys
  }

  async get(key: string): Promise<Buffer> {
    const answer = await this.#send({ method: 'GET', url: this.#url(key) })
    if (answer.status === 404) throw changed(this.#bucket, key, problemIn(answer))
    if (answer.status !== 200) throw notReadable(this.#bucket, key, problemIn(answer))
    return answer.body
  }

  /** Writes an object that is not there. One that is there with the same bytes was written by an attempt that broke off. */
  async put(key: string, body: Buffer): Promise<void> {
    const { lockDays } = this.#bucket
    const until = new Date(this.#now().getTime() + (lockDays ?? 0) * 86_400_000).toISOString()
    const lock: Record<string, string> =
      lockDays === null ? {} : { 'x-amz-object-lock-mode': 'COMPLIANCE', 'x-amz-object-lock-retain-until-date': until }
    const checksum = createHash('sha256').update(body).digest('base64')
    const answer = await this.#send({
      method: 'PUT',
      url: this.#url(key),
      headers: { 'if-none-match': '*', 'x-amz-checksum-sha256': checksum, 'content-length': String(body.length), ...lock },
      body,
    })
    if (answer.status === 200) return
    if (answer.status === 412 && body.equals(await this.get(key))) return
    const why = answer.status === 412 ? 'it is there already, with other contents' : problemIn(answer)
    throw notWritable(this.#bucket, key, why)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handler.close()
  }

  #url(key: string): URL {
    const { name, region, endpoint } = this.#bucket
    const path = key.split('/').map(encodeURIComponent).join('/')
    if (endpoint !== null) return new URL(`${endpoint.replace(/\/$/, '')}/${name}/${path}`)
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
    return new URL(`https://${name}.s3.${region}.${suffix}/${path}`)
  }

  async #send(request: PlainRequest): Promise<PlainAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await sendSigned(this.#handler, this.#credentials, this.#bucket.region, request).catch(
        (error: Error) => error,
      )
      const isPassing = answer instanceof Error ? isNetwork(answer) : answer.status >= 500 || answer.status === 409
      if (!isPassing || attempt === tries) {
        if (!(answer instanceof Error)) return answer
        const fault = request.method === 'PUT' ? notWritable : notReadable
        throw fault(this.#bucket, request.url.pathname, answer.message, answer)
      }
      await sleep(200 * 2 ** attempt)
    }
  }
}

/** Not for want of credentials, which the next second will not bring. */
function isNetwork(error: Error): boolean {
  return 'code' in error && error.name !== 'CredentialsProviderError'
}

function plainText(xml: string): string {
  const marks: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return xml.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, mark: string) => marks[mark]!)
}

function problemIn({ status, body }: PlainAnswer): string {
  const text = body.toString('utf8')
  const said = ['Code', 'Message'].map(member => text.match(new RegExp(`<${member}>([^<]*)</${member}>`))?.[1]).filter(Boolean)
  return `the answer is ${status}${said.length === 0 ? '' : ` (${said.map(each => plainText(each!)).join(': ')})`}`
}

function notWritable({ name }: HeadBucket, key: string, why: string, cause?: unknown): SourcesError {
  return new SourcesError('HEADS_NOT_WRITABLE', `${key} cannot be written to the bucket ${name}: ${why}`, {
    hint: 'check heads.bucket, and that the credentials may s3:PutObject and s3:ListBucket; the head is written with the next collection',
    cause,
  })
}

function notReadable({ name }: HeadBucket, key: string, why: string, cause?: unknown): SourcesError {
  return new SourcesError('HEADS_NOT_READABLE', `${key} in the bucket ${name} cannot be read: ${why}`, {
    hint: 'check heads.bucket, and that the credentials may s3:GetObject and s3:ListBucket',
    cause,
  })
}

function changed({ name }: HeadBucket, key: string, why: string): SourcesError {
  return new SourcesError('HEADS_CHANGED', `${key} in the bucket ${name} is not as it was written: ${why}`, {
    hint: 'look at the versions of the object, and find out who changed it',
  })
}
