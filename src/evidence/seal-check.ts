import type { KeyObject } from 'node:crypto'
import { envelopeBytes, isSigned, preAuthEncoding, readEnvelope } from './envelope.ts'
import { sealNames } from './manifest.ts'
import type { Problem } from './problem.ts'
import { fingerprintOfKey, publicPem, readPublicKey } from './signer.ts'

export interface SealCheck {
  /** the manifest's bytes: the signed ones when there are any, else what manifest.json holds */
  readonly payload: Uint8Array | null
  readonly fingerprint: string | null
  readonly problems: readonly Problem[]
}

/**
 * Checks the five files that are made from the manifest and the key. The manifest stands in three of them and the signature in two,
 * so the copy that verifies tells which other was changed: once it is found, all five are rebuilt from it and compared.
 */
export function checkSeal(files: ReadonlyMap<string, Uint8Array>, givenKeyPem: string | null): SealCheck {
  const inBundle = keyInBundle(files.get(sealNames.key))
  const given = givenKeyPem === null ? null : readPublicKey(givenKeyPem)
  const key = given ?? inBundle
  const problems: Problem[] = []
  if (given !== null && inBundle !== null && fingerprintOfKey(given) !== fingerprintOfKey(inBundle)) {
    const message = `found the key ${fingerprintOfKey(inBundle)}, expected the given one, ${fingerprintOfKey(given)}`
    problems.push({ code: 'KEY_MISMATCH', file: sealNames.key, message })
  }
  const payloads = payloadsOf(files)
  const signed = key === null ? null : findSigned(payloads, signaturesOf(files), key)
  if (key === null || signed === null) {
    problems.push(unsigned(files, key))
    return { payload: payloads[0] ?? null, fingerprint: key === null ? null : fingerprintOfKey(key), problems }
  }
  const fingerprint = fingerprintOfKey(key)
  const expected: [string, Uint8Array][] = [
    [sealNames.key, Buffer.from(publicPem(key))],
    [sealNames.manifest, signed.payload],
    [sealNames.pae, preAuthEncoding(signed.payload)],
    [sealNames.signature, signed.signature],
    [sealNames.envelope, envelopeBytes(signed.payload, signed.signature, fingerprint)],
  ]
  for (const [file, bytes] of expected) {
    const found = files.get(file)
    if (found === undefined || Buffer.from(bytes).equals(found) || problems.some(problem => problem.file === file)) continue
    problems.push({
      code: 'DIGEST_MISMATCH',
      file,
      message: 'it differs from what the signed manifest and the key make of it: its bytes were changed',
    })
  }
  return { payload: signed.payload, fingerprint, problems }
}

function keyInBundle(pem: Uint8Array | undefined): KeyObject | null {
  if (pem === undefined) return null
  try {
    return readPublicKey(Buffer.from(pem).toString('latin1'))
  } catch {
    return null
  }
}

function payloadsOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array[] {
  const manifest = files.get(sealNames.manifest)
  const envelope = readEnvelope(files.get(sealNames.envelope) ?? new Uint8Array())
  return [...(manifest === undefined ? [] : [manifest]), ...(envelope === null ? [] : [envelope.payload])]
}

function signaturesOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array[] {
  const signature = files.get(sealNames.signature)
  const envelope = readEnvelope(files.get(sealNames.envelope) ?? new Uint8Array())
  return [...(signature === undefined ? [] : [signature]), ...(envelope === null ? [] : [envelope.signature])]
}

function findSigned(payloads: readonly Uint8Array[], signatures: readonly Uint8Array[], key: KeyObject) {
  for (const payload of payloads) {
    for (const signature of signatures) if (isSigned(payload, signature, key)) return { payload, signature }
  }
  return null
}

/** Names the file that most likely broke the signature. The envelope names its key, so a changed key.pem is told from a changed manifest. */
function unsigned(files: ReadonlyMap<string, Uint8Array>, key: KeyObject | null): Problem {
  const code = 'SIGNATURE_INVALID'
  if (key === null)
    return {
      code,
      file: sealNames.key,
      message: 'it holds no Ed25519 or ECDSA P-256 public key, so the signature cannot be checked',
    }
  const envelope = Buffer.from(files.get(sealNames.envelope) ?? []).toString('latin1')
  if (!envelope.includes(fingerprintOfKey(key))) {
    const message = `the signature was not made by the key ${fingerprintOfKey(key)}, and the envelope names another one`
    return { code, file: sealNames.key, message }
  }
  return {
    code,
    file: sealNames.manifest,
    message: `the key ${fingerprintOfKey(key)} did not sign this manifest: it was changed after signing`,
  }
}
