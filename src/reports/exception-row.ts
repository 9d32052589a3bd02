import { scopeText } from '../exception.ts'
import type { ExceptionState, RegisteredException } from '../model.ts'

/** An exception of the register, for people. Times are RFC 3339 text. */
export interface ExceptionRow {
  readonly id: string
  readonly origin: 'file' | 'database'
  readonly state: ExceptionState
  readonly controls: readonly string[]
  /** in words */
  readonly scope: string
  readonly reason: string
  readonly ticket: string | null
  readonly requestedBy: string
  readonly requestedAt: string | null
  readonly approvedBy: string | null
  readonly approvedAt: string | null
  readonly expiresAt: string
  readonly revokedBy: string | null
  readonly revokedAt: string | null
  readonly revokedReason: string | null
  /** fails that it stood beside in the evaluation */
  readonly covers: number
  readonly problem: string | null
}

/** What is said of an exception beside a fail. */
export type ExceptionNote = Pick<ExceptionRow, 'id' | 'approvedBy' | 'expiresAt' | 'reason' | 'ticket'>

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
