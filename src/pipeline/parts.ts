import type { Catalog } from '../controls/index.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Look } from '../reports/index.ts'
import type { Aws } from '../sources/index.ts'
import type { HeadSigner, HeadSink, Store } from '../store/index.ts'

/** What the program is made of: built once by the command line and handed down. */
export interface Parts {
  readonly aws: Aws
  readonly store: Store
  readonly catalog: Catalog
  readonly now: () => Date
  readonly log: Log
  /** how documents look; left out: as the program comes */
  readonly look?: Look
  /** where each sealed snapshot and each evaluation leaves a signed head outside the database; left out, none does */
  readonly heads?: { readonly sinks: readonly HeadSink[]; readonly signer: HeadSigner }
}

/** Why a way from end to end cannot be gone. */
export class PipelineError extends AppError<
  | 'INTERRUPTED'
  | 'DISPOSED'
  | 'NOTHING_COLLECTED'
  | 'NOTHING_EVALUATED'
  | 'UNKNOWN_FRAMEWORK'
  | 'UNKNOWN_CONTROL'
  | 'UNKNOWN_NAME'
> {}
