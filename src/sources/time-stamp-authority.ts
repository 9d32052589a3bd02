import { EnvHttpProxyAgent, request } from 'undici'
import { SourcesError } from './sources-error.ts'

const timeoutMs = 20_000
/** A token with the certificates of its chain takes some kilobytes. */
const mostBytes = 1 << 20

/** A time-stamp authority that is asked over HTTP (RFC 3161, 3.4). */
export interface TimeStampAuthority {
  /** @throws {SourcesError} UNREACHABLE, UNEXPECTED_ANSWER */
  ask(request: Uint8Array): Promise<Uint8Array>
}

/** @param options.url http or https; a plain one is no danger, since the answer is signed and checked */
export function openTimeStampAuthority(options: {
  readonly url: string
  readonly environment: NodeJS.ProcessEnv
}): TimeStampAuthority {
  const { url, environment } = options
  return {
    async ask(body) {
      const either = (name: string) => environment[name.toLowerCase()] ?? environment[name]
      const agent = new EnvHttpProxyAgent({
        httpProxy: either('HTTP_PROXY') ?? '',
        httpsProxy: either('HTTPS_PROXY') ?? '',
        noProxy: either('NO_PROXY') ?? '',
      })
      const hint = 'check evidence.timestampUrl and the network, or issue the bundle without a timestamp (--no-timestamp)'
      try {
        const answer = await request(url, {
          method: 'POST',
          headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
          body,
          dispatcher: agent,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        })
        const chunks: Uint8Array[] = []
        let size = 0
        for await (const chunk of answer.body) {
          size += chunk.length
          if (size > mostBytes) break
          chunks.push(chunk)
        }
        if (answer.statusCode !== 200 || size > mostBytes) {
          const said = size > mostBytes ? `more than ${mostBytes} bytes` : `HTTP status ${answer.statusCode}`
          throw new SourcesError('UNEXPECTED_ANSWER', `the time-stamp authority ${url} answered with ${said}`, { hint })
        }
        return Buffer.concat(chunks)
      } catch (cause) {
        if (cause instanceof SourcesError) throw cause
        const message = `the time-stamp authority ${url} cannot be reached: ${(cause as Error).message}`
        throw new SourcesError('UNREACHABLE', message, { cause, hint })
      } finally {
        await agent.destroy()
      }
    },
  }
}
