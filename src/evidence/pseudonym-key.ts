import { createHmac, randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { EvidenceError } from './evidence-error.ts'
import { openSecret } from './signer.ts'

/** Makes pseudonyms with a key that only this installation has: the same text, the same pseudonym, in every bundle of every quarter. */
export interface PseudonymKey {
  /** tells two keys apart and says nothing of either */
  readonly id: string
  of(text: string): string
}

/**
 * Opens the key of pseudonyms, `dataDir/keys/pseudonym-key`, and makes it at first use (file 0600). Whoever has it can confirm who is behind
 * a pseudonym; without it, and lost, later bundles have other ones.
 * @throws {EvidenceError} KEY_INVALID, KEY_READABLE_BY_OTHERS, KEY_NOT_WRITABLE
 */
export async function openPseudonymKey(dataDir: string): Promise<PseudonymKey> {
  const path = join(resolve(dataDir, 'keys'), 'pseudonym-key')
  const text = (await openSecret(path, () => `${randomBytes(32).toString('hex')}\n`)).toString('latin1').trim()
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new EvidenceError('KEY_INVALID', `${path} holds no key of 64 hexadecimal characters`, {
      hint: 'put the file back from a backup, so that pseudonyms stay the same',
    })
  }
  const key = Buffer.from(text, 'hex')
  const mac = (of: string) => createHmac('sha256', key).update(of).digest('hex')
  return { id: mac('evidenced pseudonym key').slice(0, 16), of: value => `p-${mac(value).slice(0, 20)}` }
}
