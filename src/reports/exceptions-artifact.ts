import { canonicalJson } from '../digest.ts'
import type { Artifact, Json, RegisteredException } from '../model.ts'
import { type Cell, csvMediaType, csvOf } from './csv.ts'
import { type ExceptionRow, exceptionRow } from './exception-row.ts'
import type { Sheet } from './workbook.ts'

/** Columns of exceptions.csv and what they hold. */
export const exceptionColumns: readonly { readonly name: string; readonly meaning: string }[] = [
  { name: 'exception', meaning: 'its id' },
  { name: 'origin', meaning: 'file (under version control) or database (by command)' },
  { name: 'state', meaning: 'requested, approved, lapsed or revoked at the instant' },
  { name: 'controls', meaning: 'ids of the controls, separated by spaces' },
  { name: 'scope', meaning: 'which of their fails, in words' },
  { name: 'reason', meaning: 'why it is accepted' },
  { name: 'ticket', meaning: 'where it was discussed' },
  { name: 'requestedBy', meaning: 'who asked' },
  { name: 'requestedAt', meaning: 'when' },
  { name: 'approvedBy', meaning: 'who approved, never the one who asked; empty: nobody' },
  { name: 'approvedAt', meaning: 'when' },
  { name: 'expiresAt', meaning: 'when it ends' },
  { name: 'revokedBy', meaning: 'who ended it before its time' },
  { name: 'revokedAt', meaning: 'when' },
  { name: 'revokedReason', meaning: 'why' },
  { name: 'covers', meaning: 'fails that it stands beside in the evaluation' },
  { name: 'problem', meaning: 'why it covers nothing although it is approved' },
]

/** Rows of exceptions.csv and of the sheet of the same name. */
export function exceptionCells(rows: readonly ExceptionRow[]): readonly (readonly Cell[])[] {
  return rows.map(each => [
    ...[each.id, each.origin, each.state, each.controls.join(' '), each.scope, each.reason, each.ticket],
    ...[each.requestedBy, each.requestedAt, each.approvedBy, each.approvedAt, each.expiresAt],
    ...[each.revokedBy, each.revokedAt, each.revokedReason, each.covers, each.problem],
  ])
}

/** The register as files of a bundle: a table for people, and JSON for whoever judges again. */
export function exceptionArtifacts(register: readonly RegisteredException[]): readonly Artifact[] {
  return [
    {
      path: 'exceptions.csv',
      mediaType: csvMediaType,
      title: 'The register of exceptions as the evaluation knew it',
      read: () =>
        csvOf(
          exceptionColumns.map(({ name }) => name),
          exceptionCells(register.map(exceptionRow)),
        ),
    },
    {
      path: 'exceptions.json',
      mediaType: 'application/json',
      title: 'The same, as it was judged with',
      async *read() {
        yield Buffer.from(`${canonicalJson(register as unknown as Json)}\n`)
      },
    },
  ]
}

const times = new Set(['requestedAt', 'approvedAt', 'expiresAt', 'revokedAt'])

export function exceptionSheet(rows: readonly ExceptionRow[]): Sheet {
  return {
    name: 'Exceptions',
    columns: exceptionColumns.map(({ name }) =>
      times.has(name) ? { name, type: 'time' } : { name, width: name === 'scope' || name === 'reason' ? 50 : 18 },
    ),
    rows: () => exceptionCells(rows),
  }
}
