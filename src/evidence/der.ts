/** One element of DER: its tag, its contents, and all its bytes. */
export interface Der {
  readonly tag: number
  readonly body: Uint8Array
  readonly whole: Uint8Array
}

export const tags = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, time: 0x18, sequence: 0x30, set: 0x31 } as const

/** Reads the element at the start of some bytes, however nested its contents are. @throws {RangeError} when it is not DER */
export function readDer(bytes: Uint8Array, at = 0): Der {
  const tag = bytes[at]
  let length = bytes[at + 1]
  if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) throw new RangeError(`no DER element at byte ${at}`)
  let start = at + 2
  if (length >= 0x80) {
    const size = length & 0x7f
    if (size === 0 || size > 4 || start + size > bytes.length) throw new RangeError(`no length at byte ${at + 1}`)
    length = 0
    for (let i = 0; i < size; i++) length = length * 256 + bytes[start + i]!
    start += size
  }
  if (start + length > bytes.length) throw new RangeError(`the element at byte ${at} runs past the end`)
  return { tag, body: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) }
}

/** The elements that make up the contents of one. @throws {RangeError} */
export function childrenOf({ body }: Der): readonly Der[] {
  const children: Der[] = []
  for (let at = 0; at < body.length; ) {
    const child = readDer(body, at)
    children.push(child)
    at += child.whole.length
  }
  return children
}

/** An object identifier in dots. */
export function oidOf({ tag, body }: Der): string {
  if (tag !== tags.oid || body.length === 0) throw new RangeError('no object identifier')
  const numbers = [Math.min(2, Math.floor(body[0]! / 40))]
  numbers.push(body[0]! - numbers[0]! * 40)
  let value = 0
  for (const byte of body.subarray(1)) {
    value = value * 128 + (byte & 0x7f)
    if ((byte & 0x80) !== 0) continue
    numbers.push(value)
    value = 0
  }
  return numbers.join('.')
}

/** An element of contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents)
  const size: number[] = []
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest & 0xff)
  const length = body.length < 0x80 ? [body.length] : [0x80 | size.length, ...size]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

/** A non-negative integer from its bytes, the most significant first. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  let from = 0
  while (from < bytes.length - 1 && bytes[from] === 0) from++
  const plain = bytes.subarray(from)
  return der(tags.integer, (plain[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), plain]) : plain)
}

/** An object identifier from dots. */
export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const number of rest) {
    const groups = [number & 0x7f]
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(tags.oid, Buffer.from(bytes))
}
