import { AppError } from '../errors.ts'

export type EvidenceCode =
  | 'KEY_NOT_FOUND'
  | 'KEY_INVALID'
  | 'KEY_READABLE_BY_OTHERS'
  | 'KEY_NOT_WRITABLE'
  | 'ARTIFACT_PATH_INVALID'
  | 'BUNDLE_NOT_FOUND'
  | 'BUNDLE_NOT_READABLE'
  | 'BUNDLE_NOT_WRITABLE'
  | 'DISK_FULL'
  | 'TIMESTAMP_REFUSED'

/** Why a bundle could not be sealed or read at all. What is wrong *inside* a bundle is data: `Verification.problems`. */
export class EvidenceError extends AppError<EvidenceCode> {}

/** What the system said (`ENOSPC`, `EACCES`, …), or null for an error that is not the system's. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
