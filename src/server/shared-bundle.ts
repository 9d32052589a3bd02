import { createHash, timingSafeEqual } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import helmet from '@fastify/helmet'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Log } from '../log.ts'
import type { Download, Page } from './server.ts'

/** One bundle, for one person, until an instant. */
export interface SharedBundleOptions {
  /** what the address ends with and nobody can guess; SHA-256 of it, in hexadecimal */
  readonly secretDigest: string
  /** nothing is answered from then on */
  readonly until: Date
  /** host names (with port) it answers on, beside loopback names */
  readonly hosts: readonly string[]
  /** path of the ZIP file */
  readonly path: string
  /** the page that says what it is; it links to `/<secret>/bundle.zip` and `/<secret>/files/<path>` */
  page(): Page
  /** a file of the bundle; null for a path that it does not list */
  file(path: string): { readonly mediaType: string; read(): AsyncIterable<Uint8Array> } | null
  /** puts what is about to leave on record */
  downloaded(what: Download): Promise<void>
  now(): Date
  readonly log: Log
}

/** Shown in the browser; everything else is saved. */
const shown = /^(text\/html|application\/pdf)\b/

/**
 * A web application that shows one bundle and nothing else, read-only, to whoever has its address, until it ends. Each page and file stands on
 * record before its first byte leaves. Whoever asks with a wrong address learns nothing, not even that one was close.
 */
export async function buildSharedBundle(options: SharedBundleOptions): Promise<FastifyInstance> {
  const app = fastify({ logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: 1000 } })
  await app.register(helmet, {
    contentSecurityPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: false,
  })
  const nothing = (reply: FastifyReply) => reply.code(404).type('text/plain; charset=utf-8').send('There is nothing here.\n')
  app.setNotFoundHandler((_request, reply) => nothing(reply))
  app.setErrorHandler((error, _request, reply) => {
    // the address is a secret, so it stays out of the log
    options.log.error('a shared bundle could not be shown', { error })
    return reply.code(500).type('text/plain; charset=utf-8').send('It could not be shown, and nothing left. Ask who shared it.\n')
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store').header('x-robots-tag', 'noindex')
    const host = request.headers.host ?? ''
    if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host) && !options.hosts.includes(host.toLowerCase()))
      return reply.code(421).type('text/plain; charset=utf-8').send('This server does not answer on that name.\n')
    const secret = /^\/([^/?]+)\//.exec(request.url)?.[1] ?? ''
    const digest = createHash('sha256').update(secret).digest()
    if (!timingSafeEqual(digest, Buffer.from(options.secretDigest, 'hex'))) return nothing(reply)
    if (options.now() < options.until) return
    return reply.code(410).type('text/plain; charset=utf-8').send(`This was shared until ${options.until.toISOString()}.\n`)
  })
  app.get('/:secret/', async (request, reply) => {
    await options.downloaded(about(request))
    const { html, styleSources } = options.page()
    const policy = `default-src 'none'; style-src ${styleSources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
    return reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(html)
  })
  app.get('/:secret/bundle.zip', async (request, reply) => {
    await options.downloaded(about(request))
    return saved(reply, options.path).type('application/zip').send(createReadStream(options.path))
  })
  app.get<{ Params: { '*': string } }>('/:secret/files/*', async (request, reply) => {
    const path = request.params['*']
    const file = options.file(path)
    if (file === null) return nothing(reply)
    await options.downloaded(about(request))
    const body = Readable.from(file.read())
    // verify.html has to run its script, which it may do from a file only
    if (!shown.test(file.mediaType) || path === 'verify.html') return saved(reply, path).type(file.mediaType).send(body)
    return reply.type(file.mediaType).header('content-security-policy', "frame-ancestors 'none'").send(body)
  })
  return app
}

/** Without the secret, which stands in the address. */
function about(request: FastifyRequest): Download {
  const agent = request.headers['user-agent']
  return {
    path: request.url.replace(/^\/[^/]+/, ''),
    from: request.ip,
    userAgent: agent === undefined ? null : agent.slice(0, 200),
  }
}

function saved(reply: FastifyReply, path: string): FastifyReply {
  const name = path.slice(path.lastIndexOf('/') + 1).replaceAll(/[^A-Za-z0-9._-]/g, '_')
  return reply.header('content-disposition', `attachment; filename="${name}"`)
}
