import type { Input, Service, WireError } from './call.ts'

export const queryContentType = 'text/xml'

const namespaces: { readonly [service: string]: string } = {
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
}

/**
 * Input of an AWS Query request: `Filter.member.1=User` becomes `{Filter: ['User']}`. `Action` and `Version` stay in it.
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
export function readQuery(body: string): Input {
  const input: Input = {}
  for (const [path, value] of new URLSearchParams(body)) put(input, path.split('.'), value)
  return lists(input) as Input
}

function put(into: Record<string, unknown>, path: readonly string[], value: string): void {
  const [name = '', ...rest] = path
  if (name === '__proto__') return
  if (rest.length === 0) {
    into[name] = value
    return
  }
  const inner = into[name]
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}
  into[name] = next
  put(next, rest, value)
}

function lists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { member } = value as { member?: unknown }
  if (typeof member === 'object' && member !== null) return Object.values(member).map(lists)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, lists(inner)]))
}

/** An answer in XML: lists are `<member>`s, a `Map` is `<entry><key/><value/></entry>`s, timestamps RFC 3339, blobs base64. */
export function writeQuery(answer: object, service: Service, operation: string, requestId: string): string {
  return (
    `<${operation}Response xmlns="${namespaces[service.name] ?? ''}"><${operation}Result>${membersOf(answer)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  )
}

/** An error in XML; `Type` says whose fault it is. */
export function writeQueryError(error: WireError, service: Service | null, requestId: string): string {
  const type = error.status >= 500 ? 'Receiver' : 'Sender'
  return (
    `<ErrorResponse xmlns="${namespaces[service?.name ?? ''] ?? ''}"><Error><Type>${type}</Type><Code>${escaped(error.code)}</Code>` +
    `<Message>${escaped(error.message)}</Message>${membersOf(error.members)}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  )
}

function membersOf(value: object): string {
  let out = ''
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined && member !== null) out += `<${name}>${content(member)}</${name}>`
  }
  return out
}

function content(value: unknown): string {
  if (value instanceof Date) return `${value.toISOString().slice(0, 19)}Z`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Map) {
    let out = ''
    for (const [key, inner] of value) out += `<entry><key>${content(key)}</key><value>${content(inner)}</value></entry>`
    return out
  }
  if (Array.isArray(value)) return value.map(item => `<member>${content(item)}</member>`).join('')
  if (typeof value === 'object' && value !== null) return membersOf(value)
  return escaped(String(value))
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`)
}
