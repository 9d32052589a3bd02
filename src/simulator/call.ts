import type { SimulatedOrganization } from './organization.ts'

/** Who signed a request. */
export interface Principal {
  readonly accountId: string
  readonly arn: string
  readonly userId: string
  /** whose credentials these are: the session's, or the base key's */
  readonly accessKeyId: string
  readonly isSession: boolean
}

export type Input = Record<string, unknown>

/** One request that is being answered. */
export interface Call {
  readonly service: Service
  readonly operation: string
  readonly region: string
  readonly input: Input
  readonly caller: Principal
  readonly organization: SimulatedOrganization
  readonly now: Date
  readonly requestId: string
  readonly paging: PagingRules
}

/** How lists are cut, and what goes wrong while they are read. */
export interface PagingRules {
  /** cap below AWS's own; Infinity for none */
  readonly pageSize: number
  /** what tokens of this simulator are sealed with */
  readonly secret: string
  readonly spoil: 'expired_page_token' | 'repeat_token' | 'duplicate_items' | 'missing_items' | null
}

/** One AWS service: its place on the wire and what it answers. */
export interface Service {
  /** signing name and IAM prefix */
  readonly name: string
  readonly protocol: 'json' | 'query'
  /** of X-Amz-Target, or the version of a query service */
  readonly target: string
  /** refuses callers by the rules of the organization, before any permission is looked at */
  admit?(call: Call): void
  /** what `… is not authorized to perform: … on resource:` names */
  resource?(call: Call): string
  readonly operations: { readonly [name: string]: (call: Call) => object }
}

/** An AWS error answer: thrown by whoever refuses, written by the protocol. JSON services answer nearly everything with 400. */
export class WireError extends Error {
  readonly code: string
  readonly status: number
  readonly members: object

  constructor(code: string, message: string, status = 400, members: object = {}) {
    super(message)
    this.code = code
    this.status = status
    this.members = members
  }
}

/** A text member of the input, or the service's complaint that it is missing. */
export function required(input: Input, member: string, code = 'ValidationException'): string {
  const value = input[member]
  if (typeof value === 'string' && value !== '') return value
  const wire = member.slice(0, 1).toLowerCase() + member.slice(1)
  throw new WireError(
    code,
    `1 validation error detected: Value null at '${wire}' failed to satisfy constraint: Member must not be null`,
    400,
    code === 'InvalidInputException' ? { Reason: 'INPUT_REQUIRED' } : {},
  )
}
