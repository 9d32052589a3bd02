import { AppError } from '../errors.ts'

export type ReportsCode =
  /** counts that should be one number are two: nothing is printed rather than a sum that does not add up */
  | 'TOTALS_DIFFER'
  /** an evaluation without the snapshot it rests on, or with another one */
  | 'SNAPSHOT_DIFFERS'
  /** a template asks for something the view does not have, or cannot be read */
  | 'TEMPLATE_BROKEN'
  /** the configured logo cannot be used */
  | 'LOGO_INVALID'

/** A document that would say something its data does not say is not made. */
export class ReportsError extends AppError<ReportsCode> {}
