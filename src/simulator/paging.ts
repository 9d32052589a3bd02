import { hash } from 'node:crypto'
import { type Call, WireError } from './call.ts'

/** How one operation pages. */
export interface List<Row> {
  /** AWS's maximum, also the size when none is asked for unless `usual` says otherwise */
  readonly maximum: number
  /** what may be asked for, where that is more than the list can hold */
  readonly accepts?: number
  readonly usual?: number
  readonly key: (row: Row) => string
  readonly style: 'sso' | 'identitystore' | 'organizations' | 'iam'
}

export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly next: string | undefined
}

/**
 * Cuts a page. Tokens are sealed with the operation and what was asked, so that a token of another list, another simulator or a
 * changed question is refused; they remember the last row served, so that a row deleted meanwhile moves nobody off the list.
 */
export function page<Row>(call: Call, rows: readonly Row[], list: List<Row>): Page<Row> {
  const members = list.style === 'iam' ? iamMembers : jsonMembers
  const size = sizeOf(call, list, members.size)
  const token = call.input[members.token]
  const { spoil } = call.paging
  let start = 0
  if (token !== undefined && token !== null) {
    if (spoil === 'expired_page_token') throw badToken(list.style)
    start = resume(call, rows, list, String(token), members)
  }
  if (spoil === 'duplicate_items' && start > 0) start -= 1
  const end = Math.min(rows.length, start + size)
  let served = start === 0 && end === rows.length ? rows : rows.slice(start, end)
  let next = end < rows.length ? seal(call, end, list.key(rows[end - 1]!), members) : undefined
  if (spoil === 'duplicate_items' && start === 0 && served.length > 0) served = [...served, served[0]!]
  if (spoil === 'missing_items') served = served.slice(1)
  if (spoil === 'repeat_token' && typeof token === 'string') next = token
  return { rows: served, next }
}

const jsonMembers = { token: 'NextToken', size: 'MaxResults' } as const
const iamMembers = { token: 'Marker', size: 'MaxItems' } as const
type Members = typeof jsonMembers | typeof iamMembers

function sizeOf<Row>(call: Call, list: List<Row>, member: string): number {
  const asked = call.input[member]
  const cap = call.paging.pageSize
  if (asked === undefined || asked === null) return Math.min(list.usual ?? list.maximum, cap)
  const size = Number(asked)
  const most = list.accepts ?? list.maximum
  if (!Number.isInteger(size) || size < 1 || size > most)
    throw badSize(list.style, member, String(asked), size > most ? most : null)
  return Math.min(size, list.maximum, cap)
}

function badSize(style: List<unknown>['style'], member: string, asked: string, most: number | null): WireError {
  const limit = most === null ? 'greater than or equal to 1' : `less than or equal to ${most}`
  const wire = member.slice(0, 1).toLowerCase() + member.slice(1)
  const text = `1 validation error detected: Value '${asked}' at '${wire}' failed to satisfy constraint: Member must have value ${limit}`
  if (style === 'organizations') {
    const reason = most === null ? 'MIN_VALUE_EXCEEDED' : 'MAX_VALUE_EXCEEDED'
    return new WireError('InvalidInputException', text, 400, { Reason: reason })
  }
  return new WireError(style === 'iam' ? 'ValidationError' : 'ValidationException', text)
}

function badToken(style: List<unknown>['style']): WireError {
  switch (style) {
    case 'organizations':
      return new WireError('InvalidInputException', 'You specified an invalid value for nextToken.', 400, {
        Reason: 'INVALID_NEXT_TOKEN',
      })
    case 'iam':
      return new WireError('ValidationError', 'Invalid Marker')
    case 'identitystore':
      return new WireError('ValidationException', 'Invalid NextToken provided.')
    case 'sso':
      return new WireError('ValidationException', 'The pagination token is invalid or has expired.')
  }
}

function seal(call: Call, offset: number, key: string, members: Members): string {
  const body = Buffer.from(`${offset}|${key}`).toString('base64url')
  return `${body}.${signature(call, body, members)}`
}

function resume<Row>(call: Call, rows: readonly Row[], list: List<Row>, token: string, members: Members): number {
  const [body = '', sealed = ''] = token.split('.')
  if (sealed !== signature(call, body, members)) throw badToken(list.style)
  const text = Buffer.from(body, 'base64url').toString()
  const bar = text.indexOf('|')
  const offset = Number(text.slice(0, bar))
  const key = text.slice(bar + 1)
  const last = rows[offset - 1]
  if (last !== undefined && list.key(last) === key) return offset
  const found = rows.findIndex(row => list.key(row) === key)
  return found >= 0 ? found + 1 : Math.min(Math.max(0, offset - 1), rows.length)
}

function signature(call: Call, body: string, members: Members): string {
  const question = Object.entries(call.input)
    .filter(([name]) => name !== members.token && name !== members.size)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return hash(
    'sha256',
    `${call.paging.secret}|${call.service.name}|${call.operation}|${JSON.stringify(question)}|${body}`,
    'base64url',
  )
}
