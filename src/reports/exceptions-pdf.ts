import type { ExceptionRow } from './exception-row.ts'
import type { PdfWriter } from './pdf-document.ts'
import type { PeriodException } from './period-exceptions.ts'
import { groupDigits, shortTime, wordOf } from './template-helpers.ts'

/** The register of exceptions, each with who asked, who approved and when it ends. */
export function writeExceptions(pdf: PdfWriter, exceptions: readonly ExceptionRow[]): void {
  pdf.heading(2, 'Exceptions')
  pdf.paragraph(
    'Fails that someone accepted for a time, and someone else approved. An exception stands beside a fail and changes no status and no count.',
  )
  if (exceptions.length === 0) pdf.paragraph('None.')
  writeRegister(pdf, exceptions, 'as they were known at the instant of the evaluation')
}

function writeRegister(pdf: PdfWriter, exceptions: readonly ExceptionRow[], known: string): void {
  pdf.table({
    caption: `${groupDigits(exceptions.length)} exceptions, ${known}`,
    columns: [
      { title: 'Exception', share: 14 },
      { title: 'State', share: 11 },
      { title: 'Covers', share: 27 },
      { title: 'Why', share: 24 },
      { title: 'Who', share: 26 },
      { title: 'Ends', share: 13 },
      { title: 'Fails', share: 7, align: 'right' },
    ],
    rows: exceptions.map(each => [
      `${each.id}\n(${wordOf(each.origin)})`,
      wordOf(each.state),
      `${each.controls.join(', ')}\n${each.scope}${each.problem === null ? '' : `\nCovers nothing: ${each.problem}`}`,
      `${each.reason}${each.ticket === null ? '' : ` (${each.ticket})`}`,
      [
        `requested by ${each.requestedBy}`,
        each.approvedBy === null ? 'not approved' : `approved by ${each.approvedBy}${whenText(each.approvedAt)}`,
        ...(each.revokedBy === null ? [] : [`revoked by ${each.revokedBy}${whenText(each.revokedAt)}: ${each.revokedReason}`]),
      ].join('\n'),
      each.expiresAt.slice(0, 10),
      groupDigits(each.covers),
    ]),
    whole: 'exceptions.csv',
  })
}

function whenText(at: string | null): string {
  return at === null ? '' : `, ${shortTime(at)}`
}

/** The register over a period: what each exception is, when it was in force, and every fail it stood beside. */
export function writePeriodExceptions(pdf: PdfWriter, exceptions: readonly PeriodException[]): void {
  pdf.heading(2, 'Exceptions')
  pdf.paragraph(
    'Every exception that an evaluation of the period knew. An exception stands beside a fail and changes no status and no count.',
  )
  if (exceptions.length === 0) pdf.paragraph('None.', { weight: 600 })
  writeRegister(pdf, exceptions, 'as the last evaluation of the period that knew them shows them')
  pdf.table({
    caption: 'What each was from evaluation to evaluation, and how many fails it stood beside in each',
    columns: [
      { title: 'Exception', share: 24 },
      { title: 'State', share: 14 },
      { title: 'From', share: 20 },
      { title: 'To', share: 20 },
      { title: 'Evaluations', share: 11, align: 'right' },
      { title: 'Fails', share: 8, align: 'right' },
    ],
    rows: exceptions.flatMap(({ id, stretches }) =>
      stretches.map(each => [
        id,
        wordOf(each.state),
        shortTime(each.from),
        shortTime(each.to),
        groupDigits(each.evaluations),
        groupDigits(each.covers),
      ]),
    ),
    whole: 'the CSV of exceptions over time',
  })
  for (const { id, ended, endedBy, failingUncovered } of exceptions)
    if (ended !== null && endedBy !== null)
      pdf.paragraph(
        `${id}: ${wordOf(ended).toLowerCase()} by ${shortTime(endedBy)}; of the fails it covered, ${groupDigits(failingUncovered)} fail at the end of the period with no exception beside them.`,
        { weight: failingUncovered > 0 ? 600 : 400 },
      )
  pdf.table({
    caption: 'Every fail that an exception of the period stood beside',
    columns: [
      { title: 'Exception', share: 16 },
      { title: 'Control', share: 16 },
      { title: 'Subject', share: 34 },
      { title: 'From', share: 18 },
      { title: 'To', share: 18 },
      { title: 'Evaluations', share: 11, align: 'right' },
    ],
    rows: exceptions.flatMap(({ id, covered }) =>
      covered.map(each => [
        id,
        each.control,
        `${each.name}\n${each.key}`,
        shortTime(each.from),
        shortTime(each.to),
        groupDigits(each.evaluations),
      ]),
    ),
    whole: 'the CSV of excepted fails',
  })
}
