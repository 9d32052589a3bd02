/** One file of evidence. `read` may be called more than once and gives the same bytes each time. */
export interface Artifact {
  readonly path: string
  readonly mediaType: string
  readonly title: string
  read(): AsyncIterable<Uint8Array>
}

/** A bundle that was issued, as the store keeps it. The file itself lies at `path`. */
export interface BundleRecord {
  readonly id: string
  readonly issuedAt: Date
  readonly asOf: Date
  readonly framework: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly manifestDigest: string
  readonly keyFingerprint: string
  readonly ledgerPosition: number
  /** false when an input of it was denied or incomplete */
  readonly complete: boolean
}
