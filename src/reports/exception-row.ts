import { scopeText } from '../exception.ts'
import type { RegisteredException } from '../model.ts'

/** An exception of the register, for people. Times are RFC 3339 text. */
export interface ExceptionRow extends Omit<RegisteredException, 'scope'> {
  /** in words */
  readonly scope: string
}

/** What is said of an exception beside a fail. */
export type ExceptionNote = Pick<ExceptionRow, 'id' | 'approvedBy' | 'expiresAt' | 'reason' | 'ticket'>

/** An exception as reports show it, its scope in words. */
export function exceptionRow({ scope, ...exception }: RegisteredException): ExceptionRow {
  return { ...exception, scope: scopeText({ scope }) }
}

/** Notes by id, for results that name exceptions. */
export function exceptionNotes(register: readonly RegisteredException[]): ReadonlyMap<string, ExceptionNote> {
  return new Map(
    register.map(({ id, approvedBy, expiresAt, reason, ticket }) => [id, { id, approvedBy, expiresAt, reason, ticket }]),
  )
}

/** One line for a cell of a document. */
export function exceptionText({ id, approvedBy, expiresAt, reason, ticket }: ExceptionNote): string {
  const by = approvedBy === null ? '' : `, approved by ${approvedBy}`
  return `Excepted by ${id} until ${expiresAt.slice(0, 10)}${by}${ticket === null ? '' : `, ${ticket}`}: ${reason}`
}
