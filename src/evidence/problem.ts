export type ProblemCode =
  /** no ZIP file, or one that this program did not make */
  | 'NOT_A_BUNDLE'
  /** bytes of the ZIP container itself: headers, directory, order, something before, between or after the files */
  | 'CONTAINER_ALTERED'
  | 'DIGEST_MISMATCH'
  | 'ROWS_MISMATCH'
  | 'SIGNATURE_INVALID'
  | 'MANIFEST_INVALID'
  | 'FILE_MISSING'
  | 'FILE_UNLISTED'
  /** signed by another key than the one that was given */
  | 'KEY_MISMATCH'
  | 'TIMESTAMP_INVALID'
  /** signed by a key that was said to be lost or leaked, and nothing proves that it was signed before */
  | 'KEY_REVOKED'

/** One thing that is wrong with a bundle. */
export interface Problem {
  readonly code: ProblemCode
  /** path inside the bundle, or `container` */
  readonly file: string
  /** found, expected, and what it means */
  readonly message: string
}
