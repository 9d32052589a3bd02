import { AppError } from '../errors.ts'

export type SourcesCode =
  | 'NO_CREDENTIALS'
  | 'CREDENTIALS_INVALID'
  | 'CLOCK_SKEW'
  | 'ROLE_REFUSED'
  | 'EXTERNAL_ID_NOT_DEMANDED'
  | 'WRONG_PARTITION'
  | 'UNKNOWN_PARTITION'
  | 'WRONG_REGION'
  | 'NO_INSTANCE'
  | 'INSTANCE_NOT_ACTIVE'
  | 'AMBIGUOUS_INSTANCE'
  | 'IDENTITY_CHANGED'
  | 'ACCESS_DENIED'
  | 'THROTTLED'
  | 'UNREACHABLE'
  | 'CA_BUNDLE_NOT_READABLE'
  | 'UNEXPECTED_ANSWER'
  | 'BUDGET_UNAVAILABLE'
  | 'HEADS_NOT_WRITABLE'
  | 'HEADS_NOT_READABLE'
  /** what stands there is not what was written, or a part of it is gone */
  | 'HEADS_CHANGED'

/** Nothing can be proven about a source: the run stops and the previous snapshot stands. What one call could not read is a gap instead. */
export class SourcesError extends AppError<SourcesCode> {}
