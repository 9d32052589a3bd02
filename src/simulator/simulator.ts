import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type Answer, answer, type Stage } from './answer.ts'
import type { Input } from './call.ts'
import { type AccessKey, credentialsOf, type TrustedRole } from './credentials.ts'
import { SimulatorError } from './errors.ts'
import { iam } from './iam.ts'
import { identityStore } from './identity-store.ts'
import type { SimulatedOrganization } from './organization.ts'
import { organizations } from './organizations.ts'
import { randomFrom } from './random.ts'
import { documentedRates, limiter, type Rates } from './rates.ts'
import { type Fault, type Hook, rulesFor, type When } from './rules.ts'
import { ssoAdmin } from './sso-admin.ts'
import { securityTokens } from './sts.ts'

/** What is simulated, and how. */
export interface SimulatorOptions {
  /** mutable; changes show in the next answer */
  readonly organization: SimulatedOrganization
  /** default the real clock; drives Date headers, the end of sessions and what answers date */
  readonly now?: () => Date
  /** default 0: any free port; it always listens on 127.0.0.1 */
  readonly port?: number
  /** cap below AWS's own page sizes */
  readonly pageSize?: number
  /** wait before every answer */
  readonly latencyMs?: number
  /** token buckets instead of `documentedRates`; what is not named is not limited */
  readonly rates?: Rates
  /** roles that can be assumed; others answer AccessDenied */
  readonly trust?: readonly TrustedRole[]
  /** key pairs that are accepted, the first is the one `env` hands out; default one pair of an IAM user of the management account */
  readonly accessKeys?: readonly [AccessKey, ...AccessKey[]]
  /** false: `calls` stays empty, for benchmarks; `counts` is kept all the same */
  readonly recordCalls?: boolean
}

/** One request that came in, also one that was refused. */
export interface SimulatedCall {
  readonly at: Date
  readonly service: string
  readonly operation: string
  readonly region: string
  readonly input: Input
  readonly status: number
  readonly errorCode: string | null
  /** ARN; null when the credentials were refused */
  readonly caller: string | null
}

/** A simulated AWS that listens. */
export interface Simulator extends AsyncDisposable {
  readonly url: string
  /** what the AWS SDK needs in its environment to talk to this simulator and to nobody else */
  readonly env: Record<string, string>
  readonly organization: SimulatedOrganization
  readonly calls: readonly SimulatedCall[]
  /** calls answered so far, by `service:operation` */
  readonly counts: ReadonlyMap<string, number>
  /** Refuses an IAM action (`sso:ListPermissionSets`, `sso:*`) with AWS's text, always or when the input is such. */
  deny(action: string, when?: When): void
  /** Takes the denials of an action back. */
  allow(action: string): void
  /** Changes whom a role demands what of, or adds a role that can be assumed. */
  trust(role: TrustedRole): void
  /** Spoils answers of an operation (`ListUsers`, `iam:ListUsers`), once or so many times; Infinity is allowed. */
  fault(operation: string, fault: Fault, times?: number, when?: When): void
  /** Runs before an operation is answered, e.g. to delete a group between the list and its members. */
  hook(operation: string, run: Hook): void
  /** Closes every connection; what hangs is cut off. */
  stop(): Promise<void>
}

/**
 * Starts AWS on loopback: STS, Identity Store, sso-admin, Organizations and IAM over their own wire protocols.
 * @throws {SimulatorError} LISTEN_FAILED when the port cannot be opened
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { organization, now = () => new Date(), latencyMs = 0, recordCalls = true } = options
  const keys = options.accessKeys ?? [defaultKey(organization)]
  const credentials = credentialsOf(keys, options.trust ?? [])
  const services = [ssoAdmin, identityStore, organizations, iam, securityTokens(credentials)]
  const rules = rulesFor(services)
  const stage: Stage = {
    organization,
    services,
    credentials,
    rules,
    admits: limiter(options.rates ?? documentedRates),
    paging: { pageSize: options.pageSize ?? Infinity, secret: 'simulated' },
    now,
  }
  const calls: SimulatedCall[] = []
  const counts = new Map<string, number>()
  const note = (said: Answer) => {
    const key = `${said.service}:${said.operation}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    if (!recordCalls) return
    const { service, operation, region, input, status, errorCode, caller } = said
    calls.push({ at: now(), service, operation, region, input, status, errorCode, caller })
  }
  const ids = randomFrom(Date.now())
  const server = createServer((request, response) => {
    serve(stage, request, response, ids.uuid(), latencyMs, note).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  const port = await listen(server, options.port ?? 0)
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    if (!server.listening) return
    const closed = new Promise<void>(resolve => void server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  const { deny, allow, fault, hook } = rules
  const { trust } = credentials
  const region = organization.instance?.PrimaryRegion ?? 'eu-west-1'
  return {
    ...{ url, organization, calls, counts, deny, allow, trust, fault, hook, stop },
    env: environment(url, region, keys[0]),
    [Symbol.asyncDispose]: stop,
  }
}

function defaultKey(organization: SimulatedOrganization): AccessKey {
  const account = organization.organization?.MasterAccountId ?? organization.accounts[0]?.Id ?? '000000000000'
  return {
    accessKeyId: 'AKIASIMULATEDCALLER7',
    secretAccessKey: 'simulated/secret/of/the/base/identity/00',
    arn: `arn:${organization.partition}:iam::${account}:user/collector`,
  }
}

function environment(url: string, region: string, key: AccessKey): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      reject(
        new SimulatorError('LISTEN_FAILED', `cannot listen on 127.0.0.1:${port}: ${cause.message}`, {
          hint: 'name another port, or 0 for any',
          cause,
        }),
      )
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

async function serve(
  stage: Stage,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  latencyMs: number,
  note: (said: Answer) => void,
): Promise<void> {
  const body = await readBody(request)
  if (latencyMs > 0) await sleep(latencyMs)
  const { authorization } = request.headers
  const said = await answer(stage, {
    authorization,
    sessionToken: header(request, 'x-amz-security-token'),
    target: header(request, 'x-amz-target'),
    body,
    requestId,
  })
  note(said)
  if (said.transport?.kind === 'hang') {
    if (said.transport.ms === undefined) return
    await sleep(said.transport.ms)
  }
  if (said.transport?.kind === 'reset') {
    request.socket.resetAndDestroy()
    return
  }
  const bytes = Buffer.from(said.body)
  response.writeHead(said.status, {
    'content-type': said.contentType,
    'content-length': bytes.length,
    'x-amzn-requestid': requestId,
    date: stage.now().toUTCString(),
  })
  if (said.transport?.kind === 'truncate') {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => request.socket.destroy())
    return
  }
  response.end(bytes)
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

/** Without a hold on the process: what hangs must not keep a stopped simulator alive. */
function sleep(ms: number): Promise<void> {
  return setTimeout(ms, undefined, { ref: false })
}
