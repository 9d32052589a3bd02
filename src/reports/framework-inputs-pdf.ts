import type { FrameworkReportView } from './framework-report-view.ts'
import type { PdfWriter } from './pdf-document.ts'
import type { SourceSection } from './source-section.ts'
import { groupDigits, shortTime, wordOf } from './template-helpers.ts'

/** How much of what was asked of AWS was answered, by dataset. */
export function writeCoverage(pdf: PdfWriter, { label, snapshot, datasets }: SourceSection): void {
  pdf.table({
    caption: `${label}, snapshot ${snapshot.version}: ${datasets.length} datasets; whole digests stand in the snapshot file`,
    columns: [
      { title: 'Dataset', share: 30 },
      { title: 'Coverage', share: 20 },
      { title: 'Rows', share: 9, align: 'right' },
      { title: 'Parts (open)', share: 10, align: 'right' },
      { title: 'Pages', share: 8, align: 'right' },
      { title: 'Calls', share: 8, align: 'right' },
      { title: 'Observed', share: 25 },
      { title: 'Digest', share: 14 },
    ],
    rows: datasets.map(each => [
      `${each.name}\n${each.accountId}, ${each.region}`,
      `${wordOf(each.coverage)}${each.reason === null ? '' : `\n${each.reason}`}`,
      `${each.isLowerBound ? '≥ ' : ''}${groupDigits(each.count)}`,
      `${groupDigits(each.parts)} (${groupDigits(each.openParts)})`,
      groupDigits(each.pages),
      groupDigits(each.calls),
      each.firstObservedAt === null || each.lastObservedAt === null
        ? 'never'
        : `${shortTime(each.firstObservedAt)}\n${shortTime(each.lastObservedAt)}`,
      `${each.digest.slice(0, 12)}…`,
    ]),
    whole: 'the workbook',
  })
}

/** Calls that were made against calls that are on record, by operation and place. */
export function writeCalls(pdf: PdfWriter, { label, calls }: SourceSection): void {
  const tie =
    calls.counted === null
      ? ''
      : calls.counted === calls.actual
        ? ' The table adds up to the same: it ties out.'
        : ` The table adds up to ${groupDigits(calls.counted)}: IT DOES NOT TIE OUT.`
  pdf.paragraph(
    `${label}: ${calls.planned === null ? '' : `planned ${groupDigits(calls.planned)} calls, `}made ${groupDigits(calls.actual)}; AWS throttled ${groupDigits(calls.throttles)} requests.${tie} Root of the call ledger (SHA-256): ${calls.ledgerRoot}`,
  )
  pdf.table({
    caption: `${label}: calls by operation and place; every single call stands in the call ledger of the bundle`,
    columns: [
      { title: 'Operation', share: 38 },
      { title: 'Place', share: 18 },
      { title: 'Calls', share: 8, align: 'right' },
      { title: 'Rows', share: 9, align: 'right' },
      { title: 'Requests', share: 9, align: 'right' },
      { title: 'Errors', share: 20 },
      { title: 'First and last', share: 25 },
    ],
    rows: calls.operations.map(sum => [
      `${sum.service}:${sum.operation}`,
      `${sum.accountId}\n${sum.region}`,
      groupDigits(sum.calls),
      groupDigits(sum.items),
      groupDigits(sum.attempts),
      Object.entries(sum.errors)
        .map(([code, count]) => `${code} × ${count}`)
        .join('\n') || 'none',
      `${shortTime(sum.firstAt)}\n${shortTime(sum.lastAt)}`,
    ]),
    whole: 'the workbook',
  })
}

/** Cross-checks and the size of effective access, of the sources that have them. */
export function writeProofs(pdf: PdfWriter, { proofs }: FrameworkReportView): void {
  if (proofs.length === 0) return
  pdf.heading(2, 'Cross-checks and effective access')
  pdf.paragraph('The same population, read in a second way, must give the same. A difference is listed and changes nothing.')
  for (const { source, crossChecks, accessRows, accessIsComplete } of proofs) {
    if (crossChecks.length === 0) pdf.paragraph(`${source}: no cross-check was made.`)
    pdf.table({
      caption: `${source}: cross-checks; all of them with every example stand in the tie-out files`,
      columns: [
        { title: 'Check', share: 24 },
        { title: 'What was compared', share: 56 },
        { title: 'Compared', share: 10, align: 'right' },
        { title: 'Differences', share: 11, align: 'right' },
      ],
      rows: crossChecks.map(each => [
        each.name,
        [each.statement, ...each.examples.slice(0, 5)].join('\n'),
        each.made ? groupDigits(each.compared) : 'not made',
        each.made ? groupDigits(each.differences) : '–',
      ]),
      whole: 'the tie-out files',
    })
    if (accessRows !== null)
      pdf.paragraph(
        `${source}: effective access has ${accessIsComplete ? '' : 'at least '}${groupDigits(accessRows)} rows, one for each way in which a user can use a permission set in an account; they stand in the folder access of the bundle.`,
      )
  }
}

/** What could not be read, part by part. */
export function writeGaps(pdf: PdfWriter, { label, gaps }: SourceSection): void {
  if (gaps.length === 0) pdf.paragraph(`${label}: none.`)
  pdf.table({
    caption: `${label}: ${groupDigits(gaps.length)} gaps`,
    columns: [
      { title: 'Dataset', share: 24 },
      { title: 'Which part', share: 24 },
      { title: 'Reason', share: 14 },
      { title: 'What happened', share: 26 },
      { title: 'Grant', share: 18 },
      { title: 'Unknown', share: 8 },
    ],
    rows: gaps.map(gap => [
      `${gap.dataset}\n${gap.accountId}, ${gap.region}`,
      [
        gap.parent === '' && gap.key === null ? 'the whole dataset' : gap.parent,
        gap.key ?? '',
        gap.member === null ? '' : `member ${gap.member}`,
      ]
        .filter(text => text !== '')
        .join('\n'),
      `${gap.reason}${gap.errorCode === null ? '' : `\n${gap.errorCode}`}`,
      gap.message,
      gap.action ?? '',
      gap.results === null ? '' : groupDigits(gap.results),
    ]),
    whole: 'the snapshot file',
  })
}
