import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { link, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { sha256 } from '../digest.ts'
import { makeFolder } from '../folder.ts'
import { EvidenceError, systemCode } from './evidence-error.ts'

/** Signs for one key. The private part never leaves it. */
export interface Signer {
  /** SPKI in PEM, as `openssl pkeyutl -pubin` reads it */
  readonly publicKeyPem: string
  /** SHA-256 of the SPKI DER: what two people compare by another way than the bundle */
  readonly fingerprint: string
  /** true when this call made the key; it is the only moment to tell people its fingerprint */
  readonly isNew: boolean
  /** Ed25519 over the bytes themselves (64 bytes, the same each time), or ECDSA over their SHA-256 (DER, another one each time) */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/**
 * Opens the key that signs bundles. With `dataDir` it is `dataDir/keys/signing-key.pem` and made when it is not there
 * (folder 0700, file 0600, appearing whole or not at all: of two processes that start at once one makes it, both use it).
 * With `keyFile` the file must exist: a key that was put there by hand is never replaced; it may be Ed25519 or ECDSA P-256.
 * @throws {EvidenceError} KEY_NOT_FOUND, KEY_INVALID (not a private key of these kinds in PEM), KEY_READABLE_BY_OTHERS, KEY_NOT_WRITABLE
 */
export async function openSigner(options: { readonly dataDir: string } | { readonly keyFile: string }): Promise<Signer> {
  if ('keyFile' in options) return signerOf(await readKey(resolve(options.keyFile)), false)
  const path = join(resolve(options.dataDir, 'keys'), 'signing-key.pem')
  return inKeyFolder(path, async () => {
    const isNew = (await isMissing(path)) && (await createSecret(path, newSigningKey))
    return signerOf(await readKey(path), isNew)
  })
}

/** A private file of the key folder; made at first use, by one of several processes. @throws {EvidenceError} KEY_READABLE_BY_OTHERS, KEY_NOT_WRITABLE */
export function openSecret(path: string, make: () => string): Promise<Buffer> {
  return inKeyFolder(path, async () => {
    if (await isMissing(path)) await createSecret(path, make)
    return readPrivateFile(path)
  })
}

async function inKeyFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    await makePrivateFolder(dirname(path))
    await refuseSharedFolder(dirname(path))
    return await work()
  } catch (error) {
    if (error instanceof EvidenceError) throw error
    throw new EvidenceError('KEY_NOT_WRITABLE', `the key ${path} cannot be made or read: ${(error as Error).message}`, {
      hint: 'give the user that runs this program write access to dataDir, or free space on its disk',
      cause: error,
    })
  }
}

/**
 * A signer whose private key lies elsewhere, e.g. in AWS KMS. Each signature is checked with the public key before it is given out.
 * @throws {EvidenceError} KEY_INVALID for another kind of key, and from `sign` when the signature is not one of this key
 */
export function outsideSigner(key: { readonly publicKeyPem: string; sign(bytes: Uint8Array): Promise<Uint8Array> }): Signer {
  const publicKey = readPublicKey(key.publicKeyPem)
  return {
    publicKeyPem: publicPem(publicKey),
    fingerprint: fingerprintOfKey(publicKey),
    isNew: false,
    async sign(bytes) {
      const signature = await key.sign(bytes)
      if (isSignatureOf(publicKey, bytes, signature)) return signature
      throw new EvidenceError(
        'KEY_INVALID',
        `what was signed outside is no signature of the key ${fingerprintOfKey(publicKey)}`,
        {
          hint: 'check that the public key and the key that signs are the same',
        },
      )
    },
  }
}

/**
 * Whether a signature is one of this key over these bytes.
 * @throws {EvidenceError} KEY_INVALID when the text is no public key of a kind that signs evidence
 */
export function isSignedBy(publicKeyPem: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  return isSignatureOf(readPublicKey(publicKeyPem), bytes, signature)
}

export function isSignatureOf(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(digestFor(publicKey), bytes, publicKey, signature)
}

/** Ed25519 hashes by itself. */
function digestFor(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
}

/**
 * SHA-256 of the key's SPKI DER as 64 hexadecimal characters; the same as
 * `openssl pkey -pubin -in key.pem -outform DER | sha256sum` prints.
 * @throws {EvidenceError} KEY_INVALID when the text is no key, or of another kind
 */
export function fingerprintOf(pem: string): string {
  return fingerprintOfKey(readPublicKey(pem))
}

/** @throws {EvidenceError} KEY_INVALID */
export function readPublicKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw new EvidenceError('KEY_INVALID', 'found no public key in PEM', {
      hint: 'give the file that begins with -----BEGIN PUBLIC KEY-----',
      cause,
    })
  }
  return refuseOtherKinds(key)
}

export function fingerprintOfKey(publicKey: KeyObject): string {
  return sha256(publicKey.export({ type: 'spki', format: 'der' }))
}

export function publicPem(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

function signerOf(privateKey: KeyObject, isNew: boolean): Signer {
  const publicKey = createPublicKey(privateKey)
  return {
    publicKeyPem: publicPem(publicKey),
    fingerprint: fingerprintOfKey(publicKey),
    isNew,
    sign: async bytes => sign(digestFor(publicKey), bytes, privateKey),
  }
}

async function readKey(path: string): Promise<KeyObject> {
  const pem = await readPrivateFile(path)
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new EvidenceError('KEY_INVALID', `${path} holds no private key in PEM without a passphrase`, {
      hint: 'make one with: openssl genpkey -algorithm ed25519',
      cause,
    })
  }
  return refuseOtherKinds(key)
}

function refuseOtherKinds(key: KeyObject): KeyObject {
  const curve = key.asymmetricKeyDetails?.namedCurve
  if (key.asymmetricKeyType === 'ed25519' || (key.asymmetricKeyType === 'ec' && curve === 'prime256v1')) return key
  const found = `${key.asymmetricKeyType ?? key.type}${curve === undefined ? '' : ` ${curve}`}`
  throw new EvidenceError('KEY_INVALID', `found a key of type ${found}, expected ed25519 or ECDSA P-256`, {
    hint: 'make one with: openssl genpkey -algorithm ed25519',
  })
}

async function readPrivateFile(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r')
    // asked of the open file, so that nobody can swap it between the question and the reading
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0) {
      throw new EvidenceError(
        'KEY_READABLE_BY_OTHERS',
        `${path} has mode ${octal(mode)}: others than its owner may use the signing key`,
        {
          hint: `if nobody else has read it, run: chmod 600 ${path}; if you are not sure, replace the key`,
        },
      )
    }
    return await file.readFile()
  } catch (cause) {
    if (cause instanceof EvidenceError) throw cause
    throw new EvidenceError('KEY_NOT_FOUND', `the signing key ${path} cannot be read: ${(cause as Error).message}`, {
      hint: 'check the path and the owner of the file',
      cause,
    })
  }
}

/** Only the last folder is private: the database server beside it may run as another user and has to pass through dataDir. */
async function makePrivateFolder(folder: string): Promise<void> {
  await makeFolder(dirname(folder))
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
}

/** Whoever may write in the folder can put a key of their own in place of ours. */
async function refuseSharedFolder(folder: string): Promise<void> {
  const { mode } = await stat(folder)
  if ((mode & 0o077) === 0) return
  throw new EvidenceError('KEY_READABLE_BY_OTHERS', `the key folder ${folder} has mode ${octal(mode)}, expected 700`, {
    hint: `run: chmod 700 ${folder}`,
  })
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await stat(path)
    return false
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true
    throw error
  }
}

function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A hard link is the one way to put a finished file under a name only if nobody else did. */
async function createSecret(path: string, make: () => string): Promise<boolean> {
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`
  try {
    await writeDurably(draft, make())
    await link(draft, path)
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** Writes a new private file and flushes it to the disk. */
export async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}

/** Makes a new name in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0')
}
