import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import helmet from '@fastify/helmet'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Log } from '../log.ts'
import type { Artifact, BundleRecord } from '../model.ts'
import { problemOf } from './problem.ts'

/** What `/healthz` answers: 200 when `ok`, else 503; `/healthz/evidence` answers 503 also while something needs attention. */
export interface Health {
  readonly ok: boolean
  readonly version: string
  readonly database: { readonly ok: boolean; readonly detail: string }
  readonly sources: readonly {
    readonly label: string
    readonly lastSnapshotAt: string | null
    readonly complete: boolean | null
    /** when a collection was due that has brought no snapshot an hour later; null: none was */
    readonly overdueSince: string | null
  }[]
  readonly collecting: string | null
  readonly nextRunAt: string | null
  /** what a person should look at although the program goes on, in words */
  readonly attention: readonly string[]
}

/** A public key with its state; nothing of it is secret. */
export interface PublishedKey {
  readonly fingerprint: string
  readonly publicKeyPem: string
  readonly state: string
}

/** A rendered page, and the sources of its own style for the Content-Security-Policy. */
export interface Page {
  readonly html: string
  readonly styleSources: string
}

/** Everything the server shows is handed in; it knows routes, headers and status codes. */
export interface ServerOptions {
  /** the first page */
  home(): Promise<Page>
  /** findings; the query is what the visitor chose */
  findings(query: { readonly [name: string]: string }): Promise<Page>
  /** one finding; null when there is none of this number */
  finding(id: string): Promise<Page | null>
  /** one control of the last evaluation; null when it holds none of this id */
  control(id: string): Promise<Page | null>
  /** the register of exceptions */
  exceptions(): Promise<Page>
  /** a page that says what went wrong, and the way out */
  errorPage(status: number, title: string, message: string, hint: string | null): Page
  /** the framework's report on the last evaluation; null for an unknown framework or format */
  report(framework: string, format: string): Promise<Artifact | null>
  /** an issued bundle; null when there is none of that id */
  bundle(id: string): Promise<BundleRecord | null>
  /** public keys that sign or have signed, for those who verify; left out: they are not published here */
  keys?(): Promise<readonly PublishedKey[]>
  health(): Promise<Health>
  /** puts a download on record before its first byte leaves; there is no sign-in yet, so `from` is the remote address */
  downloaded(what: Download): Promise<void>
  readonly log: Log
}

/** Evidence that left through a page. */
export interface Download {
  /** path of the page, e.g. `/reports/soc2/csv` */
  readonly path: string
  readonly from: string
  readonly userAgent: string | null
}

/** The web application, not yet listening. It answers loopback names only, so that no other site can reach it through a visitor's browser. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = fastify({ logger: false, forceCloseConnections: true })
  await app.register(helmet, {
    contentSecurityPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: false,
  })

  app.addHook('onRequest', async (request, reply) => {
    if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(request.headers.host ?? '')) {
      await sendPage(
        reply.code(421),
        options.errorPage(
          421,
          'Misdirected request',
          `this server answers on loopback names only, not on ${request.headers.host}`,
          'open it as http://127.0.0.1 on the machine it runs on',
        ),
      )
    }
  })
  app.setNotFoundHandler((request, reply) =>
    sendPage(
      reply.code(404),
      options.errorPage(404, 'Not found', `there is nothing at ${request.url}`, 'go back to the first page'),
    ),
  )
  app.setErrorHandler((error, request, reply) => {
    const { status, title, message, hint } = problemOf(error)
    options.log[status >= 500 ? 'error' : 'warn']('request failed', { method: request.method, url: request.url, status, error })
    return sendPage(reply.code(status), options.errorPage(status, title, message, hint))
  })

  app.get('/', async (_request, reply) => sendPage(reply, await options.home()))
  app.get<{ Querystring: Record<string, unknown> }>('/findings', async (request, reply) => {
    const texts = Object.entries(request.query).filter((each): each is [string, string] => typeof each[1] === 'string')
    return sendPage(reply, await options.findings(Object.fromEntries(texts)))
  })
  app.get('/exceptions', async (_request, reply) => sendPage(reply, await options.exceptions()))
  for (const name of ['finding', 'control'] as const) {
    app.get<{ Params: { id: string } }>(`/${name}s/:id`, async (request, reply) => {
      const page = await options[name](request.params.id)
      return page === null ? reply.callNotFound() : sendPage(reply, page)
    })
  }
  const sendHealth = async (reply: FastifyReply, isWell: (health: Health) => boolean) => {
    const health = await options.health()
    return reply
      .code(isWell(health) ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(health)
  }
  app.get('/healthz', (_request, reply) => sendHealth(reply, ({ ok }) => ok))
  app.get('/healthz/evidence', (_request, reply) => sendHealth(reply, ({ ok, attention }) => ok && attention.length === 0))
  app.get<{ Params: { framework: string; format: string } }>('/reports/:framework/:format', async (request, reply) => {
    const artifact = await options.report(request.params.framework, request.params.format)
    if (artifact === null) return reply.callNotFound()
    await options.downloaded(downloadOf(request))
    // a report in HTML carries its own, stricter policy
    if (artifact.mediaType.startsWith('text/html'))
      return reply
        .type(artifact.mediaType)
        .header('cache-control', 'no-store')
        .header('content-security-policy', "frame-ancestors 'none'")
        .send(Readable.from(artifact.read()))
    return attach(reply, artifact.path, artifact.mediaType, Readable.from(artifact.read()))
  })
  const { keys } = options
  if (keys !== undefined) {
    app.get('/keys', async (_request, reply) => reply.header('cache-control', 'no-store').send({ keys: await keys() }))
    app.get<{ Params: { name: string } }>('/keys/:name', async (request, reply) => {
      const key = (await keys()).find(({ fingerprint }) => `${fingerprint}.pem` === request.params.name)
      if (key === undefined) return reply.callNotFound()
      return reply.type('application/x-pem-file').header('cache-control', 'no-store').send(key.publicKeyPem)
    })
  }
  app.get<{ Params: { id: string } }>('/bundles/:id', async (request, reply) => {
    const record = await options.bundle(request.params.id)
    if (record === null) return reply.callNotFound()
    await options.downloaded(downloadOf(request))
    return attach(reply, record.path, 'application/zip', createReadStream(record.path))
  })
  return app
}

function downloadOf(request: FastifyRequest): Download {
  const agent = request.headers['user-agent']
  return { path: request.url, from: request.ip, userAgent: agent === undefined ? null : agent.slice(0, 200) }
}

function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  const policy = `default-src 'none'; style-src ${page.styleSources}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('content-security-policy', policy)
    .send(page.html)
}

function attach(reply: FastifyReply, path: string, mediaType: string, body: Readable): FastifyReply {
  const name = path.slice(path.lastIndexOf('/') + 1).replaceAll(/[^A-Za-z0-9._-]/g, '_')
  return reply
    .type(mediaType)
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .send(body)
}
