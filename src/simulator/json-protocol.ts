import type { Input, Service, WireError } from './call.ts'

export const jsonContentType = 'application/x-amz-json-1.1'

/** Input of an AWS JSON 1.1 request; an empty body is no input. Null when it is no JSON object. */
export function readJson(body: string): Input | null {
  if (body === '') return {}
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Input) : null
  } catch {
    return null
  }
}

/** An answer in AWS JSON 1.1: timestamps are epoch seconds, blobs base64, members without a value are left out. */
export function writeJson(answer: object): string {
  return JSON.stringify(onWire(answer))
}

/** An error: JSON services name it in `__type`, and answer AccessDenied and Throttling with 400 too. */
export function writeJsonError(error: WireError, service: Service | null, requestId: string): string {
  const members = service?.name === 'identitystore' ? { RequestId: requestId } : {}
  return JSON.stringify(onWire({ __type: error.code, Message: error.message, ...members, ...error.members }))
}

/** Copies only where something has to change: most rows hold strings alone. */
function onWire(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.getTime() / 1000
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) {
    let copy: unknown[] | null = null
    for (let i = 0; i < value.length; i++) {
      const item = onWire(value[i])
      if (item !== value[i]) copy ??= value.slice()
      if (copy) copy[i] = item
    }
    return copy ?? value
  }
  let copy: Record<string, unknown> | null = null
  for (const [name, member] of Object.entries(value)) {
    const sent = onWire(member)
    if (sent === member) continue
    copy ??= { ...value }
    copy[name] = sent
  }
  return copy ?? value
}
