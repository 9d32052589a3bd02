import { writePeriodExceptions } from './exceptions-pdf.ts'
import { type Look, localTime, plainLook } from './look.ts'
import { arithmetic } from './pdf-counts.ts'
import { openPdf, type PdfTone, type PdfWriter } from './pdf-document.ts'
import type { PdfColumn } from './pdf-table.ts'
import type { PeriodChange } from './period-changes.ts'
import type { PeriodControl, PeriodReportView, PeriodSource } from './period-report-view.ts'
import type { Standing } from './standing.ts'
import { groupDigits, shortTime, wordOf } from './template-helpers.ts'

const tones: { readonly [standing in Standing]: PdfTone } = {
  fail: 'fail',
  unknown: 'unknown',
  pass: 'pass',
  not_applicable: 'plain',
  not_evaluated: 'plain',
}

/**
 * A period report as a tagged PDF: calendar, every control over its evaluations, failures with the days they were open, who came, moved and
 * left. Every page says from where, which period and which evaluations. Same view, same bytes.
 */
export async function periodReportPdf(view: PeriodReportView, look: Look = plainLook): Promise<Uint8Array[]> {
  const { framework, sources, evaluations } = view
  const period = `${shortTime(view.from)} to ${shortTime(view.to)}`
  const last = evaluations.at(-1)
  const pdf = await openPdf({
    title: `${framework.name}: evidence of ${period}${view.isComplete ? '' : ' (incomplete)'}`,
    author: `evidenced ${view.softwareVersion}`,
    at: new Date(view.to),
    logo: look.logo?.bytes ?? null,
    header: {
      left: `${framework.name} · ${sources.map(({ label }) => label).join(', ')}`,
      right: `${view.isComplete ? 'COMPLETE' : 'INCOMPLETE'} ${period}`,
    },
    footer: [
      last === undefined
        ? 'No evaluation in the period'
        : `${evaluations.length} evaluations, the last is ${last.id}, SHA-256 ${last.digest}`,
      ...sources.map(({ label, identity, snapshots }) => {
        const end = snapshots.at(-1)
        return end === undefined || identity === null
          ? `${label}: no snapshot`
          : `${label}: ${identity.instanceArn}, last snapshot ${end.version}, SHA-256 ${end.digest}`
      }),
    ],
  })
  const local = [view.from, view.to].map(time => localTime(look, time))
  writeCover(pdf, view, local.includes(null) ? period : `${period} (${local.join(' to ')})`)
  pdf.heading(2, 'Coverage calendar')
  pdf.paragraph(
    'A day (UTC) is complete when a snapshot sealed on it was read to its end, partial when one was sealed but not all could be read, missing when none was. A day that is not complete proves nothing.',
  )
  for (const source of sources) writeCalendar(pdf, source)
  writeSummary(pdf, view)
  for (const control of view.controls) writeControl(pdf, control)
  writePeriodExceptions(pdf, view.exceptions)
  writeChanges(pdf, 'Joiners', 'Users that a snapshot of the period shows for the first time.', view.joiners)
  writeChanges(pdf, 'Movers', 'Group memberships and direct assignments that people got or lost.', view.movers)
  writeChanges(pdf, 'Leavers', 'Users that were removed or disabled.', view.leavers)
  writeChanges(pdf, 'All changes', 'In all datasets; what each was and is stands in the workbook and in the CSV.', view.changes)
  pdf.heading(2, 'What could not be compared whole')
  if (view.notCompared.length === 0) pdf.paragraph('Nothing: every dataset could be compared at every snapshot.')
  pdf.table({
    caption: 'Changes in these show at a later snapshot, or not at all',
    columns: columns('Source 10', 'Dataset 24', 'Snapshot 10', 'At 20', 'Reason 36'),
    rows: view.notCompared.map(each => [each.source, each.dataset, String(each.version), shortTime(each.at), each.reason]),
    whole: 'the workbook',
  })
  pdf.heading(2, 'Evaluations')
  pdf.table({
    caption: `${evaluations.length} evaluations of the period`,
    columns: columns('Evaluation 10', 'As of 22', 'Made 22', 'SHA-256 60'),
    rows: evaluations.map(each => [String(each.id), shortTime(each.asOf), shortTime(each.evaluatedAt), each.digest]),
    whole: 'the workbook',
  })
  pdf.heading(2, 'Not in view')
  pdf.list(view.notInView)
  pdf.paragraph(
    `${framework.name} ${framework.version}, ${framework.publisher}. ${framework.licence} Framework digest ${framework.digest}. All times are UTC.`,
    { size: 7, muted: true },
  )
  return pdf.end()
}

/** Columns from `Title share`, with `>` behind the share for figures. */
function columns(...texts: readonly string[]): PdfColumn[] {
  return texts.map(text => {
    const at = text.lastIndexOf(' ')
    const share = Number.parseInt(text.slice(at + 1), 10)
    return text.endsWith('>') ? { title: text.slice(0, at), share, align: 'right' } : { title: text.slice(0, at), share }
  })
}

function writeCover(pdf: PdfWriter, view: PeriodReportView, period: string): void {
  const { framework, totals, sources } = view
  pdf.paragraph(`Identity evidence, period · ${framework.publisher} · evidenced ${view.softwareVersion}`, { muted: true })
  pdf.heading(1, framework.name)
  pdf.paragraph(period, { size: 11, weight: 600 })
  if (view.isComplete) pdf.banner('pass', ['COMPLETE: every day of the period has a snapshot that was read to its end.'])
  else
    pdf.banner('unknown', [
      'INCOMPLETE: days without a complete snapshot prove nothing.',
      ...(view.evaluations.length === 0 ? ['Nothing was judged in the period.'] : []),
      ...sources.map(
        ({ label, days }) =>
          `${label}: of ${days.complete + days.partial + days.missing} days ${days.complete} complete, ${days.partial} partial, ${days.missing} missing`,
      ),
    ])
  pdf.heading(2, 'What was found')
  const by = totals.controlsBy
  pdf.paragraph(
    `At the end of the period, ${totals.controls} controls: ${by.fail} fail, ${by.unknown} unknown, ${by.pass} pass, ${by.not_applicable} not applicable, ${by.not_evaluated} not evaluated.`,
    { size: 10, weight: 600 },
  )
  pdf.bar((['fail', 'unknown', 'pass', 'not_applicable', 'not_evaluated'] as const).map(name => [tones[name], by[name]]))
  pdf.paragraph(
    `Failing subjects: ${groupDigits(totals.openedInPeriod)} opened in the period, ${groupDigits(totals.resolvedInPeriod)} resolved in it${totals.longestDaysToResolve === null ? '' : ` (the longest after ${totals.longestDaysToResolve} days)`}, ${groupDigits(totals.openAtEnd)} open at its end.`,
  )
  if (view.failing.length > 0) {
    pdf.paragraph('Open at the end:', { weight: 600 })
    pdf.list([
      ...view.failing
        .slice(0, 10)
        .map(each => `${each.id} ${each.title} (${each.severity ?? 'not evaluated'}): ${groupDigits(each.openAtEnd)} open`),
      ...(view.failing.length > 10 ? [`and ${view.failing.length - 10} more, below`] : []),
    ])
  }
  pdf.heading(2, 'What this is, and from where')
  pdf.pairs([
    ['Period', period],
    ...sources.flatMap(({ label, identity, callers, snapshots, failedRuns }): [string, string][] => [
      [
        'Source',
        identity === null
          ? `${label}: no snapshot in the period`
          : `${label}, ${identity.organizationId === null ? 'no organization' : `organization ${identity.organizationId}`}${identity.managementAccountId === null ? '' : `, management account ${identity.managementAccountId}`}`,
      ],
      ...(identity === null
        ? []
        : [
            [
              'Identity Center',
              `${identity.instanceArn}, identity store ${identity.identityStoreId}; home Region ${identity.homeRegion}, partition ${identity.partition}`,
            ] as [string, string],
          ]),
      ['Read by', callers.join('\n') || 'not recorded'],
      ['Snapshots', `${snapshots.length} sealed, ${failedRuns.length} runs ended without one`],
    ]),
    ['Evaluations', String(view.evaluations.length)],
  ])
}

/** Weeks as rows, Monday first. */
function writeCalendar(pdf: PdfWriter, { label, days, calendar, failedRuns }: PeriodSource): void {
  pdf.heading(3, label)
  pdf.paragraph(`${days.complete} complete, ${days.partial} partial, ${days.missing} missing.`)
  const weeks = new Map<string, string[]>()
  for (const { day, coverage, failedRuns: failed } of calendar) {
    const at = new Date(`${day}T00:00:00Z`)
    const weekday = (at.getUTCDay() + 6) % 7
    const monday = new Date(at.getTime() - weekday * 86_400_000).toISOString().slice(0, 10)
    const cells = weeks.get(monday) ?? Array.from({ length: 7 }, () => '')
    const word = coverage === 'complete' ? 'complete' : coverage.toUpperCase()
    cells[weekday] = `${day.slice(8)} ${word}${failed > 0 ? `\n${failed} failed` : ''}`
    weeks.set(monday, cells)
  }
  pdf.table({
    caption: `${label}: every day of the period`,
    columns: columns('Week of 16', 'Mon 14', 'Tue 14', 'Wed 14', 'Thu 14', 'Fri 14', 'Sat 14', 'Sun 14'),
    rows: [...weeks].map(([monday, cells]) => [monday, ...cells]),
    whole: 'the workbook',
  })
  pdf.table({
    caption: `${label}: runs that ended without a snapshot`,
    columns: columns('Began 22', 'Outcome 14', 'Error 64'),
    rows: failedRuns.map(each => [shortTime(each.startedAt), wordOf(each.outcome), each.error ?? '']),
    whole: 'the workbook',
  })
}

function writeSummary(pdf: PdfWriter, { controls, framework, evaluations }: PeriodReportView): void {
  pdf.heading(2, 'Controls over the period')
  pdf.paragraph(
    'Evaluations of the period by where the control stood; the population at its first and last evaluation; failing subjects that appeared, were mended, and are still open. A fail that became unknown is not resolved.',
  )
  pdf.table({
    caption: `Controls of ${framework.name} over ${evaluations.length} evaluations`,
    columns: columns(
      ...['Control 30', 'Requirements 13', 'Fail 6>', 'Unk. 6>', 'Pass 7>', 'N/a 6>', 'Not eval. 7>'],
      ...['Pop. start 8>', 'Pop. end 8>', 'Opened 11>', 'Resolved 12>', 'Open 8>', 'Longest days 11>'],
    ),
    rows: controls.map(each => [
      `${each.id}\n${each.title}`,
      each.requirements.join(', '),
      ...(['fail', 'unknown', 'pass', 'not_applicable', 'not_evaluated'] as const).map(name => String(each.standings[name])),
      ...[each.populationAtStart, each.populationAtEnd].map(count => (count === null ? '–' : groupDigits(count))),
      ...[each.openedInPeriod, each.resolvedInPeriod, each.openAtEnd].map(groupDigits),
      each.longestDaysToResolve === null ? '–' : String(each.longestDaysToResolve),
    ]),
    whole: 'the workbook',
  })
}

function writeControl(pdf: PdfWriter, control: PeriodControl): void {
  pdf.room(110)
  pdf.heading(3, `${control.id} · ${control.title}`)
  if (control.counts.length === 0) {
    pdf.paragraph('Never evaluated in the period.', { weight: 600 })
    return
  }
  pdf.bar(control.stretches.map(({ standing, evaluations }) => [tones[standing], evaluations]))
  if (control.definitions.length > 1)
    pdf.paragraph(`Its definition was changed in the period: ${control.definitions.join(', then ')}`, { weight: 600 })
  pdf.table({
    caption: `${control.id}: ${control.counts.length} evaluations, those that follow each other and count the same on one line`,
    columns: columns('From 20', 'To 20', 'Evaluations 11>', 'Standing 14', 'Counts 58', 'Excepted 10>'),
    rows: control.stretches.map(each => [
      shortTime(each.from),
      shortTime(each.to),
      groupDigits(each.evaluations),
      wordOf(each.standing),
      arithmetic(each, 'in population'),
      groupDigits(each.excepted),
    ]),
    whole: 'the workbook',
  })
  pdf.table({
    caption: `${control.id}: ${control.openedInPeriod} failing subjects opened, ${control.resolvedInPeriod} resolved, ${control.openAtEnd} open at the end`,
    columns: columns('Subject 34', 'What was found 30', 'Opened 24', 'Resolved 24', 'Days 7>'),
    rows: control.episodes.map(each => [
      `${each.name}\n${each.key}`,
      each.reason,
      `${each.openedAfter === null ? 'first evaluation; may be older' : `after ${shortTime(each.openedAfter)}`}\nby ${shortTime(each.openedBy)}`,
      each.resolvedBy === null
        ? 'open'
        : `${each.resolvedAfter === null ? '' : `after ${shortTime(each.resolvedAfter)}\n`}by ${shortTime(each.resolvedBy)}`,
      each.daysOpen === null ? '–' : String(each.daysOpen),
    ]),
    whole: 'the workbook',
  })
}

function writeChanges(pdf: PdfWriter, title: string, about: string, changes: readonly PeriodChange[]): void {
  pdf.heading(2, title)
  pdf.paragraph(`${about} Each happened after one snapshot and before another; nothing can date it better.`)
  if (changes.length === 0) pdf.paragraph('None.', { weight: 600 })
  pdf.table({
    caption: `${title}: ${groupDigits(changes.length)}`,
    columns: columns('Who or what 40', 'Change 9', 'Dataset 22', 'After 20', 'By 20'),
    rows: changes.map(each => [
      `${each.name}\n${each.key}`,
      each.kind,
      each.dataset,
      each.after === null ? 'not known' : shortTime(each.after),
      shortTime(each.by),
    ]),
    whole: 'the CSV of changes',
  })
}
