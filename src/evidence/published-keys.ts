import { EvidenceError } from './evidence-error.ts'
import type { KeyRecord } from './keys.ts'
import type { Problem } from './problem.ts'
import { fingerprintOf } from './signer.ts'

/**
 * Reads a published list of keys (`keys.json` of `evidenced keys export`, or `/keys` of the server).
 * @throws {EvidenceError} KEY_INVALID when it is no such list, or one that gives a key another fingerprint than its own
 */
export function readPublishedKeys(text: string): readonly KeyRecord[] {
  let keys: unknown
  try {
    keys = JSON.parse(text).keys
  } catch (cause) {
    throw new EvidenceError('KEY_INVALID', 'found no JSON with a list of keys', { hint: publishedHint, cause })
  }
  if (!Array.isArray(keys) || keys.length === 0)
    throw new EvidenceError('KEY_INVALID', 'found no list of keys', { hint: publishedHint })
  for (const key of keys as KeyRecord[]) {
    if (!['current', 'retired', 'revoked'].includes(key.state) || typeof key.publicKeyPem !== 'string')
      throw new EvidenceError('KEY_INVALID', 'a key of the list has no state or no public key', { hint: publishedHint })
    const found = fingerprintOf(key.publicKeyPem)
    if (found !== key.fingerprint)
      throw new EvidenceError('KEY_INVALID', `the list says ${key.fingerprint} of a key whose fingerprint is ${found}`, {
        hint: 'the list was changed: get it again from the signer',
      })
  }
  return keys as KeyRecord[]
}

const publishedHint = 'give keys.json as `evidenced keys export` writes it, or what the server says at /keys'

/**
 * What a published list of keys says against a signature by one of them.
 * @param signedBy when it is proven to have been made at the latest (a trusted timestamp); null: nothing proves it
 * @returns null when nothing does
 */
export function refusedByList(keys: readonly KeyRecord[], fingerprint: string, signedBy: Date | null): Problem | null {
  const key = keys.find(each => each.fingerprint === fingerprint)
  if (key === undefined) {
    const known = keys.map(each => each.fingerprint).join(', ')
    return { code: 'KEY_MISMATCH', file: 'key.pem', message: `found the key ${fingerprint}, which is not on the list (${known})` }
  }
  const until = key.state === 'revoked' ? (key.retiredAt ?? key.revokedAt) : key.retiredAt
  if (key.state === 'current' || until === null) return null
  if (key.state === 'retired') {
    if (signedBy === null || signedBy <= new Date(until)) return null
    const message = `the key ${fingerprint} was retired at ${until}, and the timestamp is of ${signedBy.toISOString()}`
    return { code: 'KEY_REVOKED', file: 'key.pem', message }
  }
  const revoked = `the key ${fingerprint} was revoked at ${key.revokedAt}: ${key.reason ?? 'no reason was given'}`
  const revokedAt = new Date(key.revokedAt ?? until)
  if (signedBy !== null && signedBy < revokedAt) return null
  const when =
    signedBy === null
      ? 'nothing proves that it signed before that'
      : `the timestamp is of ${signedBy.toISOString()}, which is not before that`
  return { code: 'KEY_REVOKED', file: 'key.pem', message: `${revoked}; ${when}` }
}
