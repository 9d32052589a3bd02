import { AppError } from '../errors.ts'

export type StoreCode =
  /** no server answers, or it went away */
  | 'DATABASE_UNREACHABLE'
  /** the server answers and says no: password, missing database, missing right, read-only */
  | 'DATABASE_REFUSED'
  /** the user is a superuser, to whom no guard means anything */
  | 'DATABASE_SUPERUSER'
  /** the server is older than PostgreSQL 15, or its database is not in UTF-8 */
  | 'DATABASE_UNSUITABLE'
  /** anything else the server said; a fault of ours */
  | 'DATABASE_FAILED'
  | 'DISK_FULL'
  | 'SCHEMA_OLDER'
  | 'SCHEMA_NEWER'
  | 'EMBEDDED_NOT_AVAILABLE'
  | 'EMBEDDED_FAILED'
  /** the data directory was made by another major version of PostgreSQL */
  | 'EMBEDDED_VERSION'
  | 'DATA_DIR_NOT_WRITABLE'
  | 'SOURCE_BUSY'
  /** an embedded database has one daemon, and it is another process */
  | 'DAEMON_RUNNING'
  | 'SOURCE_IDENTITY_CHANGED'
  /** the run was sealed, failed or disposed, or another process took it over */
  | 'RUN_OVER'
  /** a run with nothing read cannot be sealed */
  | 'RUN_EMPTY'
  | 'PART_OUT_OF_ORDER'
  /** a key or facts that have no canonical form: a lone surrogate, a NUL in a key, or a key too long to be indexed */
  | 'NOT_STORABLE'
  | 'NOT_FOUND'
  | 'FILE_NOT_WRITABLE'
  /** no file that `exportStore` made */
  | 'EXPORT_FOREIGN'
  /** made by a newer program */
  | 'EXPORT_NEWER'
  /** cut short, or changed */
  | 'EXPORT_DAMAGED'
  /** an import needs a database without a row */
  | 'NOT_EMPTY'
  /** a name means more than one */
  | 'AMBIGUOUS'
  /** a legal hold keeps what should be disposed of */
  | 'ON_HOLD'
  | 'EXCEPTION_NOT_FOUND'
  | 'FINDING_NOT_FOUND'
  /** a step of an exception that its rules forbid: approved by the one who asked for it, twice, or after its end */
  | 'EXCEPTION_REFUSED'

/** Trouble of the store. The database's own error is the cause. */
export class StoreError extends AppError<StoreCode> {}

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
])
const goneMessages =
  /connection terminated|client has encountered a connection error|connection ended|timeout exceeded when trying to connect/i

/** True when no answer came from the server, or it ended the connection: another try may succeed. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'DATABASE_UNREACHABLE'
  const code = codeOf(error)
  return (
    unreachable.has(code) ||
    /^(08|57P0[123])/.test(code) ||
    (code === '' && error instanceof Error && goneMessages.test(error.message))
  )
}

/**
 * Any error as a StoreError; one that is a StoreError already stays what it is.
 * @param where the database as a person knows it (host and name, or the data directory), never with a password
 * @see https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
export function storeError(error: unknown, where: string): StoreError {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  const text = error instanceof Error ? error.message || code : String(error)
  if (code === '53100' || code === 'ENOSPC') {
    return new StoreError('DISK_FULL', `the disk of the database at ${where} is full: ${text}`, {
      hint: 'free space and run again: nothing that was sealed is lost, and a started run goes on from its saved parts',
      cause: error,
    })
  }
  if (isUnreachable(error)) {
    return new StoreError('DATABASE_UNREACHABLE', `no database answers at ${where}: ${text}`, {
      hint: 'check that the server runs and that database.url (host, port, TLS) is right',
      cause: error,
    })
  }
  if (code === '53300') {
    return new StoreError('DATABASE_UNREACHABLE', `the database at ${where} takes no more connections: ${text}`, {
      hint: 'raise max_connections, or end other clients',
      cause: error,
    })
  }
  if (code === '42501') {
    return new StoreError('DATABASE_REFUSED', `the database at ${where} refused: ${text}`, {
      hint: 'make the database user of this program a member of evidenced_app and run `evidenced migrate` as the owner of the tables, which grants it what is new',
      cause: error,
    })
  }
  if (/^(28|3D000|25006|0LP01)/.test(code) || /password must be a string|no pg_hba\.conf|does not support SSL/i.test(text)) {
    return new StoreError('DATABASE_REFUSED', `the database at ${where} refused: ${text}`, {
      hint: 'check user, password, database name and TLS in database.url, and that it is the primary and not a read-only copy',
      cause: error,
    })
  }
  if (code === '42P01' || code === '42703') {
    return new StoreError('SCHEMA_OLDER', `the schema of the database at ${where} lacks something: ${text}`, {
      hint: 'run `evidenced migrate`',
      cause: error,
    })
  }
  if (code === '22021' || code === '22P05' || code === '54000') {
    return new StoreError('NOT_STORABLE', `a value cannot be stored: ${text}`, { cause: error })
  }
  return new StoreError('DATABASE_FAILED', `the database at ${where} failed: ${text}${code === '' ? '' : ` (${code})`}`, {
    cause: error,
  })
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  // an AggregateError of several addresses says its code in the first of them
  const first = error instanceof AggregateError ? error.errors[0] : error
  return typeof first === 'object' && first !== null && 'code' in first && typeof first.code === 'string' ? first.code : ''
}
