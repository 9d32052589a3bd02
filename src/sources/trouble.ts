import type { GapReason } from '../model.ts'
import { InvalidAnswer } from './raw-protocol.ts'

export type TroubleKind =
  /** too many calls: waited for in the governor until the deadline */
  | 'throttled'
  /** may be gone next time: server errors, connections, answers cut off */
  | 'transient'
  /** another write is under way */
  | 'conflict'
  | 'session_expired'
  | 'credentials'
  | 'denied'
  | 'encryption_key'
  | 'not_found'
  | 'no_organization'
  | 'unsupported'
  /** AWS found the request wrong; with a page token in it, the token */
  | 'rejected'
  | 'invalid_answer'

/** What AWS, or the way to it, said instead of an answer. */
export interface Trouble {
  readonly kind: TroubleKind
  readonly reason: GapReason
  /** AWS's error name, or the system's (`ECONNRESET`) */
  readonly code: string
  readonly status: number | null
  readonly requestId: string | null
  /** AWS's own words without what differs from run to run: session names, request ids */
  readonly message: string
  readonly retryAfterSeconds: number | null
  /** AWS's closer reason, such as `ORGANIZATION_NOT_IN_ALL_FEATURES_MODE`; null: it gave none */
  readonly detail: string | null
  /** `GROUP`, `IDENTITY_STORE`, … of Identity Store's ResourceNotFoundException */
  readonly resourceType: string | null
  /** the SDK has taken AWS's clock for its own since: the same call may succeed now */
  readonly isClockCorrected: boolean
  /** RFC 1123 Date header of the answer */
  readonly date: string | null
}

/**
 * Tells AWS's trouble from our own mistakes.
 * @returns null for an error that is neither AWS's nor the network's: it must be thrown on, never recorded as a gap
 */
export function troubleOf(error: unknown): Trouble | null {
  // a proxy that refuses is an AbortError of the transport's own, with a code; ours has none
  if (!(error instanceof Error) || (error.name === 'AbortError' && systemCode(error) === null)) return null
  const said = error as AwsError
  const status = said.$metadata?.httpStatusCode ?? null
  const isAws = said.$fault !== undefined || status !== null
  const code = isAws ? said.name : (systemCode(error) ?? said.name)
  const isOurs =
    said.$fault === undefined && (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
  if (isOurs) return null
  const kind =
    error instanceof InvalidAnswer ? 'transient' : isAws ? kindOfAnswer(said, status) : isNetwork(error) ? 'transient' : null
  if (kind === null) return null
  return {
    kind,
    reason: reasonOf(kind, code, error, status),
    code,
    status,
    requestId: said.$metadata?.requestId ?? said.RequestId ?? null,
    message: isAws && !(error instanceof InvalidAnswer) ? lasting(said.message) : unresolvedName(error),
    retryAfterSeconds: typeof said.RetryAfterSeconds === 'number' ? said.RetryAfterSeconds : null,
    detail: said.Reason ?? null,
    resourceType: said.ResourceType ?? null,
    isClockCorrected: said.$metadata?.clockSkewCorrected === true,
    date: said.$response?.headers?.date ?? null,
  }
}

/** What was answered is not what the operation promises: it says neither that something is there nor that it is not. */
export function invalidAnswer(): Trouble {
  return troubleOf(new InvalidAnswer('not what the operation promises'))!
}

interface AwsError extends Error {
  readonly $fault?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string; readonly clockSkewCorrected?: boolean }
  readonly $response?: { readonly headers?: { readonly [name: string]: string } }
  readonly Reason?: string
  readonly ResourceType?: string
  readonly RetryAfterSeconds?: number
  readonly RequestId?: string
}

/** By name, never by status: the JSON services answer denials and throttles with 400. */
const kinds: { readonly [name: string]: TroubleKind } = {
  ThrottlingException: 'throttled',
  Throttling: 'throttled',
  ThrottledException: 'throttled',
  TooManyRequestsException: 'throttled',
  RequestLimitExceeded: 'throttled',
  SlowDown: 'throttled',
  ConcurrentModificationException: 'conflict',
  ConflictException: 'conflict',
  ExpiredToken: 'session_expired',
  ExpiredTokenException: 'session_expired',
  InvalidClientTokenId: 'credentials',
  UnrecognizedClientException: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  InvalidSignatureException: 'credentials',
  RequestExpired: 'credentials',
  IncompleteSignature: 'credentials',
  AuthFailure: 'credentials',
  RegionDisabledException: 'credentials',
  AccessDenied: 'denied',
  AccessDeniedException: 'denied',
  UnauthorizedAccess: 'denied',
  AccountNotManagementOrDelegatedAdministratorException: 'denied',
  ResourceNotFoundException: 'not_found',
  AccountNotFoundException: 'not_found',
  ChildNotFoundException: 'not_found',
  ParentNotFoundException: 'not_found',
  OrganizationalUnitNotFoundException: 'not_found',
  TargetNotFoundException: 'not_found',
  PolicyNotFoundException: 'not_found',
  AccountNotRegisteredException: 'not_found',
  ResourcePolicyNotFoundException: 'not_found',
  NoSuchEntity: 'not_found',
  NoSuchEntityException: 'not_found',
  AWSOrganizationsNotInUseException: 'no_organization',
  UnknownOperationException: 'unsupported',
  UnsupportedAPIEndpointException: 'unsupported',
  ServiceException: 'transient',
  InternalServerException: 'transient',
  InternalFailure: 'transient',
  ServiceUnavailable: 'transient',
  RequestTimeout: 'transient',
  RequestTimeoutException: 'transient',
}

function kindOfAnswer(said: AwsError, status: number | null): TroubleKind {
  const kind = kinds[said.name]
  if (kind === 'throttled' || status === 429) return 'throttled'
  // identitystore spells KMS_ACCESS_DENIED, sso-admin KMS_AccessDeniedException
  if (/^KMS_/i.test(said.Reason ?? '')) return 'encryption_key'
  if (kind !== undefined) return kind
  // an error body that was cut off does not parse
  if (said instanceof SyntaxError || (status !== null && (status >= 500 || status < 400))) return 'transient'
  return 'rejected'
}

const networkCodes =
  /^(ECONN(RESET|REFUSED|ABORTED)|EPIPE|ENOTFOUND|EAI_[A-Z]+|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EPROTO|UND_ERR_(?!INVALID|NOT_SUPPORTED)[A-Z_]+|ERR_(TLS|SSL)_[A-Z_0-9]+|HPE_[A-Z_]+|CERT_[A-Z_]+|DEPTH_ZERO_[A-Z_]+|SELF_SIGNED_[A-Z_]+|UNABLE_TO_[A-Z_]+)$/
const timeoutCodes = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])

function systemCode(error: unknown, depth = 0): string | null {
  if (!(error instanceof Error) || depth > 5) return null
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  if (code === 'UND_ERR_SOCKET') return systemCode(error.cause, depth + 1) ?? code
  if (error instanceof AggregateError && code === null) return systemCode(error.errors[0], depth + 1)
  return code ?? systemCode(error.cause, depth + 1)
}

/** The host that no name server knows: in a FIPS or dual-stack name, and behind a private resolver, that is the whole finding. */
function unresolvedName(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 5) return ''
  if ('hostname' in error && typeof error.hostname === 'string') return error.hostname
  return unresolvedName(error instanceof AggregateError ? error.errors[0] : error.cause, depth + 1)
}

function isNetwork(error: Error): boolean {
  return networkCodes.test(systemCode(error) ?? '')
}

function reasonOf(kind: TroubleKind, code: string, error: Error, status: number | null): GapReason {
  switch (kind) {
    case 'throttled':
      return 'throttled'
    case 'denied':
      return 'access_denied'
    case 'encryption_key':
      return 'encryption_key'
    case 'unsupported':
      return 'unsupported'
    case 'session_expired':
    case 'credentials':
      return 'credentials_expired'
    case 'conflict':
      return 'server_error'
    case 'transient':
      if (error instanceof InvalidAnswer) return 'invalid_answer'
      if (timeoutCodes.has(code)) return 'timeout'
      return status === null ? 'network' : 'server_error'
    default:
      return 'invalid_answer'
  }
}

/** Gaps are versioned: what differs in every run must not stand in them. */
function lasting(message: string): string {
  return message
    .replace(/\n\s*Deserialization error:[^\n]*/g, '')
    .replace(/(:assumed-role\/[^/\s]+)\/[^\s,:]+/g, '$1/…')
    .replace(/\s*\(?request ?id:? ?[0-9a-zA-Z-]+\)?/gi, '')
    .trim()
}
