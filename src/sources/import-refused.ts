import { AppError } from '../errors.ts'
import type { ImportKind } from '../model.ts'

export type ImportCode = 'UNREADABLE' | 'NOT_A_TABLE' | 'ROWS_WRONG'

/** A mistake in one row; lines of CSV and rows of JSON count from 1. */
export interface ImportProblem {
  /** name of the file, where a folder was read */
  readonly file?: string
  readonly line: number
  readonly message: string
}

/** A file that is not imported. Nothing of it was kept. */
export class ImportRefused extends AppError<ImportCode> {
  problems: readonly ImportProblem[] = []

  static rows(kind: ImportKind, location: string, problems: readonly ImportProblem[]): ImportRefused {
    const at = ({ file, line }: ImportProblem) => (file === undefined ? `row ${line}` : `${file}, row ${line}`)
    const first = problems.slice(0, 20).map(each => `\n  ${at(each)}: ${each.message}`)
    const more = problems.length > 20 ? `\n  and ${problems.length - 20} more` : ''
    const refused = new ImportRefused(
      'ROWS_WRONG',
      `${location} is no ${kind} file: ${problems.length} mistakes${first.join('')}${more}`,
      { hint: 'nothing was imported; correct the rows and import it again' },
    )
    refused.problems = problems
    return refused
  }
}
