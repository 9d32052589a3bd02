import { AppError } from '../errors.ts'

/** Why the controls room stops its caller. A broken control or case is not among them: it is reported, and the others run. */
export type ControlsCode =
  /** a folder or file of the catalog cannot be read at all */
  | 'CATALOG_UNREADABLE'
  /** the file of exceptions cannot be read at all */
  | 'EXCEPTIONS_UNREADABLE'
  /** our own reference data (AWS managed policies) is not what it should be */
  | 'DATA_INVALID'
  | 'UNKNOWN_SOURCE'
  | 'UNKNOWN_RESOURCE'
  | 'UNKNOWN_CONTROL'
  | 'UNKNOWN_SUBJECT'

/** Why a catalog, an estate or an evaluation cannot be had. */
export class ControlsError extends AppError<ControlsCode> {}
