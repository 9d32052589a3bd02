import type { Facts } from './json.ts'

/** One entry of the hash-chained ledger of everything that matters. */
export interface LedgerEntry {
  readonly position: number
  readonly at: Date
  readonly kind:
    | 'snapshot'
    | 'run_failed'
    | 'evaluation'
    | 'bundle'
    | 'catalog'
    | 'config'
    | 'key'
    | 'download'
    | 'confirmation'
    | 'verification'
    | 'import'
    | 'hold'
    | 'disposal'
    | 'exception'
    | 'exception_file'
    | 'finding'
  readonly payload: Facts
  readonly previousDigest: string | null
  readonly digest: string
}

/**
 * What stands in and outside the database for one snapshot or evaluation, so that a rewrite of history shows even when its author fixed every hash inside.
 * The signature is Ed25519 over the canonical JSON of the other members but `keyFingerprint`.
 */
export interface SignedHead {
  /** stable name of the source over changes of its label: partition and instance, e.g. `aws-ssoins-1234567890abcdef`; or `evaluations` */
  readonly stream: string
  /** of a snapshot, or number of an evaluation */
  readonly version: number
  /** one of these two */
  readonly snapshotDigest?: string
  readonly evaluationDigest?: string
  /** its own entry of the ledger, and with it everything before */
  readonly ledgerPosition: number
  readonly ledgerDigest: string
  /** lines of the change set, and SHA-256 over them, each followed by a line feed */
  readonly lines: number
  readonly linesDigest: string
  /** SHA-256 of the canonical JSON of the head before, signature included; null for the first */
  readonly previousDigest: string | null
  readonly keyFingerprint: string
  /** base64 */
  readonly signature: string
}
