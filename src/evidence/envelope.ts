import type { KeyObject } from 'node:crypto'
import { payloadType } from './manifest.ts'
import { isSignatureOf } from './signer.ts'

/**
 * DSSE pre-authentication encoding: the bytes that are signed.
 * @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
export function preAuthEncoding(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

/** The envelope file. `keyid` is the key's fingerprint: a hint which key to take, nothing to trust. */
export function envelopeBytes(payload: Uint8Array, signature: Uint8Array, fingerprint: string): Uint8Array {
  const envelope = {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: fingerprint, sig: Buffer.from(signature).toString('base64') }],
  }
  return Buffer.from(`${JSON.stringify(envelope, null, 2)}\n`)
}

/** What an envelope file says, or null when it is none. */
export function readEnvelope(bytes: Uint8Array): { payload: Uint8Array; signature: Uint8Array } | null {
  try {
    const envelope = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const { payload, signatures } = envelope
    if (envelope.payloadType !== payloadType || typeof payload !== 'string' || typeof signatures[0].sig !== 'string') return null
    return { payload: Buffer.from(payload, 'base64'), signature: Buffer.from(signatures[0].sig, 'base64') }
  } catch {
    return null
  }
}

export function isSigned(payload: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  return isSignatureOf(key, preAuthEncoding(payload), signature)
}
