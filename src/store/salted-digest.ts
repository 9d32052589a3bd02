import { hash } from 'node:crypto'

/** Digest of an entity's canonical facts under its salt, in hexadecimal: `factsDigest` for a salt in bytes. */
export function saltedDigest(salt: Buffer, canonicalFacts: string | Buffer): string {
  const length = Buffer.byteLength(canonicalFacts)
  const bytes = Buffer.allocUnsafe(salt.length + length)
  salt.copy(bytes)
  if (typeof canonicalFacts === 'string') bytes.write(canonicalFacts, salt.length)
  else canonicalFacts.copy(bytes, salt.length)
  return hash('sha256', bytes, 'hex')
}
