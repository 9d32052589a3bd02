import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EvidenceError, systemCode } from './evidence-error.ts'
import { fingerprintOfKey, openSigner, publicPem, syncFolder, writeDurably } from './signer.ts'

/** One key that signs or has signed. Private parts of former keys are not kept. */
export interface KeyRecord {
  readonly fingerprint: string
  readonly publicKeyPem: string
  readonly state: 'current' | 'retired' | 'revoked'
  /** RFC 3339; null for the current key */
  readonly retiredAt: string | null
  readonly revokedAt: string | null
  /** why it was revoked */
  readonly reason: string | null
}

/** The current key first, then former ones, newest first. @throws like `openSigner` */
export async function listKeys(dataDir: string): Promise<readonly KeyRecord[]> {
  const { fingerprint, publicKeyPem } = await openSigner({ dataDir })
  const names = (await readdir(formerFolder(dataDir)).catch(() => [])).filter(name => /^[0-9a-f]{64}\.json$/.test(name))
  const former = await Promise.all(names.map(name => readRecord(dataDir, name.slice(0, 64))))
  former.sort((a, b) => ((a.retiredAt ?? '') < (b.retiredAt ?? '') ? 1 : -1))
  return [{ fingerprint, publicKeyPem, state: 'current', retiredAt: null, revokedAt: null, reason: null }, ...former]
}

/** A new key that is not in use yet. */
export interface Rotation {
  readonly from: string
  readonly to: string
  /** Keeps the old public key, then puts the new key in place of the old one in a single step: a crash leaves one of the two. */
  commit(): Promise<void>
  /** Throws the new key away. */
  discard(): Promise<void>
}

/**
 * Makes a new key beside the current one, so that the change can be put on record before it happens.
 * @throws like `openSigner`
 */
export async function prepareRotation(dataDir: string, at: Date): Promise<Rotation> {
  const signer = await openSigner({ dataDir })
  const folder = resolve(dataDir, 'keys')
  const { privateKey } = generateKeyPairSync('ed25519')
  const draft = join(folder, `next-${randomBytes(8).toString('hex')}.pem`)
  await writeDurably(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  return {
    from: signer.fingerprint,
    to: fingerprintOfKey(createPublicKey(privateKey)),
    async commit() {
      const { fingerprint, publicKeyPem } = signer
      await writeRecord(dataDir, {
        fingerprint,
        publicKeyPem,
        state: 'retired',
        retiredAt: at.toISOString(),
        revokedAt: null,
        reason: null,
      })
      await rename(draft, join(folder, 'signing-key.pem'))
      await syncFolder(folder)
    },
    discard: () => rm(draft, { force: true }),
  }
}

/**
 * Marks a former key as revoked: what it signed can be trusted no more. The current key has to be rotated first.
 * @throws {EvidenceError} KEY_NOT_FOUND when no former key has this fingerprint
 */
export async function revokeKey(
  dataDir: string,
  fingerprint: string,
  options: { readonly at: Date; readonly reason: string },
): Promise<KeyRecord> {
  const record = await readRecord(dataDir, fingerprint)
  if (record.state === 'revoked') return record
  const revoked: KeyRecord = { ...record, state: 'revoked', revokedAt: options.at.toISOString(), reason: options.reason }
  await writeRecord(dataDir, revoked)
  return revoked
}

function formerFolder(dataDir: string): string {
  return resolve(dataDir, 'keys', 'former')
}

async function readRecord(dataDir: string, fingerprint: string): Promise<KeyRecord> {
  const hint = 'see `evidenced keys list`'
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) throw new EvidenceError('KEY_NOT_FOUND', `${fingerprint} is no fingerprint`, { hint })
  try {
    const record: KeyRecord = JSON.parse(await readFile(join(formerFolder(dataDir), `${fingerprint}.json`), 'utf8'))
    if (fingerprintOfKey(createPublicKey(record.publicKeyPem)) === fingerprint)
      return { ...record, publicKeyPem: publicPem(createPublicKey(record.publicKeyPem)) }
    throw new EvidenceError('KEY_INVALID', `the record of key ${fingerprint} holds another key`, {
      hint: 'put the file back from a backup',
    })
  } catch (cause) {
    if (cause instanceof EvidenceError) throw cause
    if (systemCode(cause) === 'ENOENT')
      throw new EvidenceError('KEY_NOT_FOUND', `there is no former key ${fingerprint}`, { hint, cause })
    throw new EvidenceError('KEY_INVALID', `the record of key ${fingerprint} cannot be read: ${(cause as Error).message}`, {
      hint: 'put the file back from a backup',
      cause,
    })
  }
}

async function writeRecord(dataDir: string, record: KeyRecord): Promise<void> {
  const folder = formerFolder(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${record.fingerprint}.json`)
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`
  try {
    await writeDurably(draft, `${JSON.stringify(record, null, 2)}\n`)
    await rename(draft, path)
    await syncFolder(folder)
  } finally {
    await rm(draft, { force: true })
  }
}
