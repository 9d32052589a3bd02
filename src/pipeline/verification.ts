import { fingerprintOf, isSignedBy, type KeyRecord } from '../evidence/index.ts'
import {
  type HeadCheck,
  type HeadSink,
  type Store,
  type StoreVerification,
  saveVerification,
  verifyStore,
} from '../store/index.ts'

/** What the store is held against. */
export interface Outside {
  readonly sinks: readonly HeadSink[]
  /** keys that sign or have signed */
  readonly keys: readonly KeyRecord[]
  /** further public keys (PEM) that also signed heads */
  readonly morePems?: readonly string[]
}

/** What was found in the store. */
export interface Verification extends StoreVerification {
  /** problems that are not heads without a copy outside */
  readonly wrong: number
  /** heads that are signed with a revoked key and held by a later one of a trusted key, by the fingerprint of the revoked one */
  readonly heldHeads: ReadonlyMap<string, number>
}

/**
 * Computes the whole store again, holds it against the heads outside, and keeps in the ledger what was found.
 * @param threads left out: as many as are worth it
 */
export async function runVerification(
  store: Store,
  { sinks, keys, morePems = [] }: Outside,
  onProgress: (phase: string, done: number, total: number | null) => void = () => {},
  threads?: number,
): Promise<Verification> {
  const held = new Map<string, Set<string>>()
  const heads: HeadCheck = {
    sinks,
    verify: verifierOf([...keys.map(each => each.publicKeyPem), ...morePems]),
    revoked: fingerprint => revocationOf(keys, fingerprint),
    onHeld({ keyFingerprint, stream, version }) {
      const those = held.get(keyFingerprint) ?? new Set()
      held.set(keyFingerprint, those.add(`${stream} ${version}`))
    },
  }
  const found = await verifyStore(store, heads, onProgress, threads ?? null)
  await saveVerification(store, found)
  return {
    ...found,
    wrong: found.problems.filter(problem => problem.kind !== 'head_missing').length,
    heldHeads: new Map([...held].map(([fingerprint, those]) => [fingerprint, those.size])),
  }
}

function revocationOf(keys: readonly KeyRecord[], fingerprint: string): { readonly at: Date; readonly reason: string } | null {
  const key = keys.find(each => each.fingerprint === fingerprint)
  if (key === undefined || key.revokedAt === null) return null
  return { at: new Date(key.revokedAt), reason: key.reason ?? 'no reason given' }
}

/** With any of some public keys. */
function verifierOf(pems: readonly string[]): HeadCheck['verify'] {
  const keys = new Map(pems.map(pem => [fingerprintOf(pem), pem]))
  return (bytes, head) => {
    const key = keys.get(head.keyFingerprint)
    return key === undefined ? null : isSignedBy(key, bytes, Buffer.from(head.signature, 'base64'))
  }
}
