import { type Call, type Input, type PagingRules, type Principal, type Service, WireError } from './call.ts'
import { asQueryError, type Credentials, expired, readSignature } from './credentials.ts'
import { jsonContentType, readJson, writeJson, writeJsonError } from './json-protocol.ts'
import type { SimulatedOrganization } from './organization.ts'
import { queryContentType, readQuery, writeQuery, writeQueryError } from './query-protocol.ts'
import { throttled } from './rates.ts'
import type { Fault, Rules } from './rules.ts'

/** A request as it came in. */
export interface Request {
  readonly authorization: string | undefined
  readonly sessionToken: string | undefined
  /** of the X-Amz-Target header */
  readonly target: string | undefined
  readonly body: string
  readonly requestId: string
}

/** What goes back, and what the call log says of it. `transport` breaks the answer on its way. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly service: string
  readonly operation: string
  readonly region: string
  readonly input: Input
  readonly errorCode: string | null
  readonly caller: string | null
  readonly transport: Extract<Fault, { kind: 'hang' | 'truncate' | 'reset' }> | null
}

/** What a simulator is made of, as far as answering goes. */
export interface Stage {
  readonly organization: SimulatedOrganization
  readonly services: readonly Service[]
  readonly credentials: Credentials
  readonly rules: Rules
  readonly admits: (call: { service: string; operation: string; accountId: string; region: string }) => boolean
  readonly paging: Omit<PagingRules, 'spoil'>
  readonly now: () => Date
}

/** Answers one request in the order AWS seems to keep: who, how fast, what goes wrong, may they, what is asked. */
export async function answer(stage: Stage, request: Request): Promise<Answer> {
  const read = readRequest(stage, request)
  const { service, operation, region, input } = read
  const isQuery = service?.protocol === 'query' || (service === null && request.target === undefined)
  const common = {
    service: service?.name ?? '',
    operation,
    region,
    input,
    contentType: isQuery ? queryContentType : jsonContentType,
  }
  let caller: Principal | null = null
  let transport: Answer['transport'] = null
  try {
    if (read.refusal) throw read.refusal
    if (!service) throw unknownOperation(operation, isQuery)
    const now = stage.now()
    caller = stage.credentials.authenticate(read.signature, request.sessionToken, now)
    const handler = Object.hasOwn(service.operations, operation) ? service.operations[operation] : undefined
    if (!handler) throw unknownOperation(operation, isQuery)
    if (!stage.admits({ service: service.name, operation, accountId: caller.accountId, region })) throw throttled(service.name)
    const action = `${service.name}:${operation}`
    if (stage.rules.hasHooks()) await stage.rules.runHooks(action, input)
    const fault = stage.rules.takeFault(action, input)
    if (fault?.kind === 'status') throw serverError(service, fault.status, fault.code)
    if (fault?.kind === 'error') throw namedError(service, fault)
    if (fault?.kind === 'expired_credentials') {
      stage.credentials.expire(caller.accessKeyId, now)
      throw expired()
    }
    if (fault?.kind === 'hang' || fault?.kind === 'truncate' || fault?.kind === 'reset') transport = fault
    const spoil = fault !== null && isSpoiled(fault.kind) ? fault.kind : null
    const { organization } = stage
    const { requestId } = request
    const paging = { ...stage.paging, spoil }
    const call: Call = { service, operation, region, input, caller, organization, now, requestId, paging }
    if (operation !== 'GetCallerIdentity' && stage.rules.isDenied(action, input)) throw denied(call, action)
    service.admit?.(call)
    const members = handler(call)
    const written = isQuery ? writeQuery(members, service, operation, requestId) : writeJson(members)
    const body = fault?.kind === 'replace' ? written.replaceAll(fault.text, fault.by) : written
    return { ...common, status: 200, body, errorCode: null, caller: caller.arn, transport }
  } catch (error) {
    const wrong = error instanceof WireError ? error : brokenHandler(error)
    const sent = isQuery ? asQueryError(wrong) : wrong
    const body = isQuery ? writeQueryError(sent, service, request.requestId) : writeJsonError(sent, service, request.requestId)
    return { ...common, status: sent.status, body, errorCode: sent.code, caller: caller?.arn ?? null, transport }
  }
}

interface ReadRequest {
  readonly service: Service | null
  readonly operation: string
  readonly region: string
  readonly input: Input
  readonly signature: { readonly accessKeyId: string; readonly region: string; readonly service: string }
  readonly refusal: WireError | null
}

/** The service is told from X-Amz-Target for JSON and from the credential scope for query. */
function readRequest(stage: Stage, request: Request): ReadRequest {
  let signature = { accessKeyId: '', region: '', service: '' }
  let refusal: WireError | null = null
  try {
    signature = readSignature(request.authorization)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    refusal = error
  }
  const { region } = signature
  if (request.target !== undefined) {
    const dot = request.target.lastIndexOf('.')
    const target = request.target.slice(0, dot)
    const operation = request.target.slice(dot + 1)
    const service = stage.services.find(one => one.protocol === 'json' && one.target === target) ?? null
    const input = readJson(request.body)
    if (input === null) refusal ??= new WireError('SerializationException', 'The request body is not a JSON object.')
    if (service && signature.service !== '' && signature.service !== service.name) {
      refusal ??= new WireError('InvalidSignatureException', `Credential should be scoped to correct service: '${service.name}'.`)
    }
    return { service, operation, region, input: input ?? {}, signature, refusal }
  }
  const { Action, Version, ...input } = readQuery(request.body)
  const version = String(Version ?? '')
  const service =
    stage.services.find(one => one.protocol === 'query' && one.name === signature.service) ??
    stage.services.find(one => one.protocol === 'query' && one.target === version) ??
    null
  return { service, operation: String(Action ?? ''), region, input, signature, refusal }
}

/** A hook or handler that throws must be seen, and not look like AWS. */
function brokenHandler(error: unknown): WireError {
  return new WireError('SimulatorFailure', error instanceof Error ? (error.stack ?? error.message) : String(error), 500)
}

function unknownOperation(operation: string, isQuery: boolean): WireError {
  if (isQuery) return new WireError('InvalidAction', `Could not find operation ${operation}`)
  return new WireError('UnknownOperationException', '')
}

function serverError(service: Service, status: 500 | 503, code: string | undefined): WireError {
  const own: { readonly [service: string]: string } = {
    organizations: 'ServiceException',
    iam: 'ServiceFailure',
    sts: 'InternalFailure',
  }
  const usual = status === 503 ? 'ServiceUnavailable' : (own[service.name] ?? 'InternalServerException')
  return new WireError(code ?? usual, 'An internal error has occurred. Try again later.', status)
}

function namedError(service: Service, fault: Extract<Fault, { kind: 'error' }>): WireError {
  const refused = service.protocol === 'query' && /^(AccessDenied|ExpiredToken|InvalidClientTokenId)$/.test(fault.code)
  return new WireError(fault.code, fault.message ?? fault.code, fault.status ?? (refused ? 403 : 400), fault.members)
}

function isSpoiled(kind: Fault['kind']): kind is NonNullable<PagingRules['spoil']> {
  return kind === 'expired_page_token' || kind === 'repeat_token' || kind === 'duplicate_items' || kind === 'missing_items'
}

function denied(call: Call, action: string): WireError {
  const resource = call.service.resource?.(call) ?? '*'
  return new WireError(
    'AccessDeniedException',
    `User: ${call.caller.arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
  )
}
