import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import { buildQueryString, type HttpHandler, type HttpRequest } from '@smithy/core/protocols'
import { HttpResponse } from '@smithy/core/transport'
import type { HttpHandlerOptions } from '@smithy/types'
import { type Dispatcher, EnvHttpProxyAgent } from 'undici'

import { SourcesError } from './sources-error.ts'

const connectTimeoutMs = 5_000

/**
 * The one way out: a pool of connections shared by all clients of a process, which honours HTTPS_PROXY, HTTP_PROXY and
 * NO_PROXY, and trusts the authorities of AWS_CA_BUNDLE beside those that Node trusts. An answer's body is handed on as one Buffer, which costs a third less than a stream.
 */
export class SharedHttpHandler implements HttpHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' }
  readonly #agent: EnvHttpProxyAgent
  readonly #requestTimeoutMs: number

  constructor(environment: NodeJS.ProcessEnv, requestTimeoutMs: number) {
    const either = (name: string) => environment[name.toLowerCase()] ?? environment[name]
    // an empty string keeps undici from falling back to the settings of the process
    this.#agent = new EnvHttpProxyAgent({
      httpProxy: either('HTTP_PROXY') ?? '',
      httpsProxy: either('HTTPS_PROXY') ?? '',
      noProxy: either('NO_PROXY') ?? '',
      connections: 128,
      pipelining: 1,
      keepAliveTimeout: 20_000,
      ...tlsOf(environment.AWS_CA_BUNDLE),
    })
    this.#requestTimeoutMs = requestTimeoutMs
  }

  handle(request: HttpRequest, options: HttpHandlerOptions = {}): Promise<{ response: HttpResponse }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ response: HttpResponse }>()
    const query = buildQueryString(request.query ?? {})
    const host = request.hostname.includes(':') && !request.hostname.startsWith('[') ? `[${request.hostname}]` : request.hostname
    const timeoutMs = this.#requestTimeoutMs
    let controller: Dispatcher.DispatchController | null = null
    let stopped: Error | null = null
    const stop = (error: Error) => {
      stopped = error
      controller?.abort(error)
      settle(() => reject(error))
    }
    // what the SDK declares is wider than what it hands over
    const signal = options.abortSignal as AbortSignal | undefined
    const onAbort = () => stop(Object.assign(new Error('the request was aborted'), { name: 'AbortError' }))
    const timer = setTimeout(
      () => stop(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { name: 'TimeoutError', code: 'ETIMEDOUT' })),
      timeoutMs,
    )
    const settle = (finish: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      finish()
    }
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    if (stopped !== null) return promise

    let statusCode = 0
    let headers: Record<string, string> = {}
    const chunks: Buffer[] = []
    this.#agent.dispatch(
      {
        origin: `${request.protocol}//${host}${request.port === undefined ? '' : `:${request.port}`}`,
        path: query === '' ? request.path : `${request.path}?${query}`,
        method: request.method as Dispatcher.HttpMethod,
        headers: request.headers,
        body: request.body ?? null,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(started) {
          controller = started
          if (stopped !== null) started.abort(stopped)
        },
        onResponseStart(_controller, status, received) {
          statusCode = status
          headers = Object.fromEntries(
            Object.entries(received).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
          )
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk)
        },
        onResponseEnd() {
          const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
          settle(() => resolve({ response: new HttpResponse({ statusCode, headers, body }) }))
        },
        onResponseError(_controller, error) {
          settle(() => reject(error))
        },
      },
    )
    return promise
  }

  /** The same way out for one client, whose requests end with the signal. */
  until(abortSignal: AbortSignal): HttpHandler {
    return {
      metadata: this.metadata,
      handle: request => this.handle(request, { abortSignal }),
      updateHttpClientConfig: () => {},
      httpHandlerConfigs: () => ({}),
    }
  }

  /** Closes all connections. Clients may not call this: they share the handler. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  destroy(): void {}

  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): Record<string, never> {
    return {}
  }
}

/** @throws {SourcesError} CA_BUNDLE_NOT_READABLE */
function tlsOf(bundle: string | undefined) {
  if (!bundle) return { connect: { timeout: connectTimeoutMs } }
  try {
    // beside those that come with Node: a proxy that opens TLS need not stand before every endpoint
    const ca = [...rootCertificates, readFileSync(bundle, 'utf8')]
    return { connect: { timeout: connectTimeoutMs, ca }, requestTls: { ca }, proxyTls: { ca } }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const hint = 'name a file with certificates in PEM, or unset AWS_CA_BUNDLE'
    throw new SourcesError('CA_BUNDLE_NOT_READABLE', `AWS_CA_BUNDLE names ${bundle}, which cannot be read: ${code}`, {
      cause,
      hint,
    })
  }
}
