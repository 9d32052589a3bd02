import { AppError } from '../errors.ts'

/** The one place where an error becomes an HTTP status. */
export function problemOf(error: unknown): {
  readonly status: number
  readonly title: string
  readonly message: string
  readonly hint: string | null
} {
  if (error instanceof AppError) {
    const status = statuses[error.code] ?? 500
    return {
      status,
      title: status === 500 ? 'Something failed' : error.code.toLowerCase().replaceAll('_', ' '),
      message: error.message,
      hint: error.hint,
    }
  }
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { status, title: 'Bad request', message: (error as Error).message, hint: null }
  return { status: 500, title: 'Something failed', message: 'the server could not answer this', hint: 'its log says why' }
}

const statuses: { readonly [code: string]: number } = {
  NOTHING_COLLECTED: 404,
  NOTHING_EVALUATED: 404,
  UNKNOWN_FRAMEWORK: 404,
  UNKNOWN_CONTROL: 404,
  DATABASE_UNREACHABLE: 503,
  DATABASE_REFUSED: 503,
}
