import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** As much of Amazon S3 on the wire as heads need: signed PUT on condition, GET, and lists of a few keys a page. */
export interface SmallS3 extends AsyncDisposable {
  readonly endpoint: string
  readonly objects: Map<string, Buffer>
  /** headers of the last PUT of each key */
  readonly puts: Map<string, IncomingMessage['headers']>
  /** statuses to answer with before it does what it is asked for */
  readonly failures: number[]
}

export const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'a secret of the test' }
const pageSize = 2

/** @param own credentials that it accepts, as environment variables */
export async function startSmallS3(bucket: string, own: NodeJS.ProcessEnv = keys): Promise<SmallS3> {
  const objects = new Map<string, Buffer>()
  const puts = new Map<string, IncomingMessage['headers']>()
  const failures: number[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
    const answer = (status: number, text: string | Buffer = '') => response.writeHead(status).end(text)
    const failure = failures.shift()
    if (failure !== undefined) return answer(failure, '<Error><Code>SlowDown</Code></Error>')
    if (!isSigned(request, body, own))
      return answer(403, '<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>')
    const url = new URL(request.url!, 'http://s3')
    const key = decodeURIComponent(url.pathname.slice(bucket.length + 2))
    if (request.method === 'PUT') {
      if (objects.has(key) && request.headers['if-none-match'] === '*') return answer(412)
      if (request.headers['x-amz-checksum-sha256'] !== createHash('sha256').update(body).digest('base64')) return answer(400)
      objects.set(key, body)
      puts.set(key, request.headers)
      return answer(200)
    }
    if (key !== '') {
      const found = objects.get(key)
      return found === undefined ? answer(404, '<Error><Code>NoSuchKey</Code></Error>') : answer(200, found)
    }
    const prefix = url.searchParams.get('prefix')!
    const after = url.searchParams.get('continuation-token') ?? ''
    const delimiter = url.searchParams.get('delimiter')
    const rolled = (key: string) => {
      const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length)
      return end < 0 ? key : key.slice(0, end + 1)
    }
    const found = new Set([...objects.keys()].filter(each => each.startsWith(prefix)).map(rolled))
    const all = [...found].filter(each => each > after).sort()
    const page = all.slice(0, pageSize)
    const entry = (each: string) =>
      delimiter !== null && each.endsWith(delimiter)
        ? `<CommonPrefixes><Prefix>${each}</Prefix></CommonPrefixes>`
        : `<Contents><Key>${each}</Key></Contents>`
    const next = all.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    answer(200, `<ListBucketResult>${page.map(entry).join('')}${next}</ListBucketResult>`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ endpoint, objects, puts, failures },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function isSigned(request: IncomingMessage, body: Buffer, own: NodeJS.ProcessEnv): boolean {
  const found = request.headers.authorization?.match(
    /^AWS4-HMAC-SHA256 Credential=(\S+?)\/(\d{8})\/(\S+?)\/s3\/aws4_request, SignedHeaders=(\S+?), Signature=(\w+)$/,
  )
  if (found == null || found[1] !== own.AWS_ACCESS_KEY_ID) return false
  const [, , day, region, names, signature] = found as unknown as string[]
  const digest = createHash('sha256').update(body).digest('hex')
  if (request.headers['x-amz-content-sha256'] !== digest) return false
  const [path, query = ''] = request.url!.split('?') as [string, string?]
  const headers = names!.split(';').map(name => `${name}:${String(request.headers[name])}\n`)
  const canonical = [request.method, path, query.split('&').sort().join('&'), headers.join(''), names, digest].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, createHash('sha256').update(canonical).digest('hex')]
  const hmac = (key: string | Buffer, value: string) => createHmac('sha256', key).update(value).digest()
  const signingKey = [day!, region!, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${own.AWS_SECRET_ACCESS_KEY}`)
  return createHmac('sha256', signingKey).update(text.join('\n')).digest('hex') === signature
}
