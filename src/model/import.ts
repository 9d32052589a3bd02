import type { Facts } from './json.ts'

/** What people bring beside AWS: one file, replaced as a whole by the next of its kind. */
export type ImportKind = 'roster' | 'attestations' | 'approvals' | 'reviews'

/** A file as it was read: every row right, or the file is refused. */
export interface ImportFile {
  readonly kind: ImportKind
  /** where it came from: path or URL, without credentials */
  readonly location: string
  /** SHA-256 over its bytes */
  readonly digest: string
  /** members by column name, as text; empty cells are left out */
  readonly rows: readonly Facts[]
}

/** An imported file as the store keeps it. */
export interface ImportedRows extends ImportFile {
  readonly importedAt: Date
  /** rows that are no longer kept, and why, in words with day and ledger entry; absent while all are */
  readonly disposed?: { readonly rows: number; readonly reason: string }
}
