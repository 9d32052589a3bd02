import { createHash, hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Json, PartId } from './model.ts'

/**
 * RFC 8785 canonical JSON. Members sorted, numbers as ECMAScript prints them.
 * @throws {Error} on a lone surrogate, NaN or an infinity: such a value has no canonical form
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new Error('undefined has no canonical JSON')
  return text
}

/** SHA-256 as 64 lower-case hexadecimal characters. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/** Digest of a value: SHA-256 of its canonical JSON in UTF-8. */
export function digestOf(value: Json): string {
  return sha256(canonicalJson(value))
}

/** Digest of a resource's facts under its salt (hexadecimal, or null for none): SHA-256(salt bytes, canonical JSON). Equal facts give equal digests over time. */
export function factsDigest(canonicalFacts: string, salt: string | null): string {
  if (salt === null) return sha256(canonicalFacts)
  return createHash('sha256').update(salt, 'hex').update(canonicalFacts).digest('hex')
}

/** Digest of a set of digests, whatever their order: SHA-256 over the sorted hexadecimal digests, each followed by a line feed. */
export function setDigest(digests: Iterable<string>): string {
  const sum = createHash('sha256')
  for (const digest of [...digests].sort()) sum.update(`${digest}\n`)
  return sum.digest('hex')
}

/** A part as one string, for sets and maps. No dataset, account or Region contains a space; a parent stands last. */
export function partKey(part: PartId): string {
  return `${part.dataset} ${part.place.accountId} ${part.place.region} ${part.parent}`
}

/** Compares as UTF-8 bytes, like Postgres's `collate "C"`: the order of digests, samples and exports. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // UTF-16 code units sort like UTF-8 bytes except that surrogates (planes above the first) come last
    const xHigh = x >= 0xd800 && x <= 0xdfff
    const yHigh = y >= 0xd800 && y <= 0xdfff
    if (xHigh !== yHigh) return xHigh ? 1 : -1
    return x < y ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}
