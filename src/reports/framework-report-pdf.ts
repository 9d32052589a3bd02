import type { Json } from '../model.ts'
import type { ControlSection, OutcomeSection, ResultRow } from './control-section.ts'
import { exceptionText } from './exception-row.ts'
import { writeExceptions } from './exceptions-pdf.ts'
import { writeCalls, writeCoverage, writeGaps, writeProofs } from './framework-inputs-pdf.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import { type Look, plainLook } from './look.ts'
import { arithmetic, atLeast, partsOf } from './pdf-counts.ts'
import { openPdf, type PdfWriter } from './pdf-document.ts'
import { besideUtc, completeness, groupDigits, shortTime, wordOf } from './template-helpers.ts'

/**
 * A framework report as a tagged PDF: every page says from where, as of when, which run and which digest. Same view, same bytes.
 * @param options.rowLimit rows of one table that are printed before it points to the CSV; 10,000 when left out
 */
export async function frameworkReportPdf(
  view: FrameworkReportView,
  options: { readonly rowLimit?: number; readonly look?: Look } = {},
): Promise<Uint8Array[]> {
  const { framework, evaluation, sources } = view
  const look = options.look ?? plainLook
  const pdf = await openPdf({
    ...(options.rowLimit === undefined ? {} : { rowLimit: options.rowLimit }),
    logo: look.logo?.bytes ?? null,
    title: `${framework.name}: evidence as of ${shortTime(view.asOf)}${view.isComplete ? '' : ' (incomplete)'}`,
    author: `evidenced ${view.softwareVersion}`,
    at: new Date(view.asOf),
    header: {
      left: `${framework.name} · ${sources.map(({ label }) => label).join(', ')}`,
      right: `${view.isComplete ? 'COMPLETE' : 'INCOMPLETE'} as of ${shortTime(view.asOf)}`,
    },
    footer: [
      `Evaluation ${evaluation.id}, SHA-256 ${evaluation.digest}; ${groupDigits(view.totals.population)} results`,
      ...sources.map(
        ({ label, identity, snapshot }) =>
          `${label}: ${identity.instanceArn}, run ${snapshot.runId}, snapshot ${snapshot.version}, SHA-256 ${snapshot.digest}`,
      ),
    ],
  })
  writeCover(pdf, view, look)
  writeRequirements(pdf, view)
  pdf.heading(2, 'Controls')
  pdf.paragraph(
    'Population = fail + unknown + pass + not applicable, for every control. Unknown means that something needed for the answer could not be read; it is never counted as pass. Subjects that passed or did not apply are named in results.csv.',
  )
  for (const control of view.controls) writeControl(pdf, control)
  writeExceptions(pdf, view.exceptions)
  pdf.heading(2, 'Coverage')
  pdf.paragraph(
    'What was asked of AWS, and how much of it was answered. A dataset is what one read operation says in one place; a part is one list that is paged through.',
  )
  for (const source of sources) writeCoverage(pdf, source)
  pdf.heading(2, 'Tie-out of calls')
  for (const source of sources) writeCalls(pdf, source)
  writeProofs(pdf, view)
  pdf.heading(2, 'Gaps')
  pdf.paragraph(
    'Everything that was asked for and not read, or held back on purpose (withheld). A gap says nothing about the thing itself: refused is not absent.',
  )
  for (const source of sources) writeGaps(pdf, source)
  pdf.heading(2, 'Not in view')
  pdf.paragraph('This report says nothing about the following, since AWS lets nobody read it or it is not collected here:')
  pdf.list(view.notInView)
  pdf.heading(2, 'How to verify this report')
  pdf.paragraph(
    'This file alone proves nothing: it could have been edited. It is evidence inside its bundle, whose manifest lists the SHA-256 of every file and is signed. Check the bundle with "evidenced verify BUNDLE.zip", with a trusted copy of verify.html in any browser, or with sha256sum and openssl as README.txt in the bundle says; compare the fingerprint of the key with the one you were given by another way.',
  )
  pdf.paragraph(
    `${framework.name} ${framework.version}, ${framework.publisher}. ${framework.licence} Labels of requirements are our own where the text is protected. Source: ${framework.source} Framework digest ${framework.digest}. All times are UTC. A character that the font of this file does not have stands as its code point, e.g. [U+6F22].`,
    { size: 7, muted: true },
  )
  return pdf.end()
}

function writeCover(pdf: PdfWriter, view: FrameworkReportView, look: Look): void {
  const timeOf = (time: string) => besideUtc(time, look)
  const { framework, totals, evaluation } = view
  pdf.paragraph(`Identity evidence, point in time · ${framework.publisher} · evidenced ${view.softwareVersion}`, { muted: true })
  pdf.heading(1, framework.name)
  if (view.isComplete) pdf.banner('pass', [`COMPLETE: ${completeness(view)}`])
  else {
    const { brokenFiles: mistakes } = view
    pdf.banner('unknown', [
      view.missing.length === 0
        ? 'INCOMPLETE: not every control could judge.'
        : 'INCOMPLETE: not every input could be read. What depends on the following is unknown below, never pass.',
      ...view.missing
        .slice(0, 4)
        .map(
          each =>
            `${each.source}: ${each.dataset}, ${wordOf(each.coverage).toLowerCase()}: ${each.reason}${each.actions.length === 0 ? '' : `; grant ${each.actions.join(', ')}`}`,
        ),
      ...(view.missing.length > 4 ? [`and ${view.missing.length - 4} more, under Coverage`] : []),
      ...mistakes.slice(0, 4).map(line => `A mistake in the control catalog; this decided nothing: ${line}`),
      ...(mistakes.length > 4 ? [`and ${mistakes.length - 4} more mistakes in the control catalog`] : []),
    ])
  }
  pdf.heading(2, 'What was found')
  pdf.paragraph(arithmetic(totals, 'results'), { size: 10, weight: 600 })
  pdf.bar(partsOf(totals))
  pdf.paragraph(
    `${totals.controls} controls: ${totals.controlsBy.fail} fail, ${totals.controlsBy.unknown} unknown, ${totals.controlsBy.pass} pass, ${totals.controlsBy.not_applicable} not applicable. Of the fails, ${groupDigits(totals.excepted)} stand beside an approved exception.`,
  )
  if (view.failing.length === 0) pdf.paragraph('No control failed.', { weight: 600 })
  else {
    pdf.paragraph('Failed:', { weight: 600 })
    pdf.list([
      ...view.failing
        .slice(0, 8)
        .map(each => `${each.id} ${each.title} (${each.severity}): ${groupDigits(each.fail)} of ${atLeast(each)}`),
      ...(view.failing.length > 8 ? [`and ${view.failing.length - 8} more, below`] : []),
    ])
  }
  if (view.undecided.length > 0) {
    pdf.paragraph('Could not be decided:', { weight: 600 })
    pdf.list([
      ...view.undecided
        .slice(0, 5)
        .map(each => `${each.id} ${each.title} (${each.severity}): ${groupDigits(each.unknown)} unknown`),
      ...(view.undecided.length > 5 ? [`and ${view.undecided.length - 5} more, below`] : []),
    ])
  }
  pdf.heading(2, 'What this is, and from where')
  pdf.pairs([
    ['As of', timeOf(view.asOf)],
    ...view.sources.flatMap(({ label, identity, callers, snapshot }): [string, string][] => [
      [
        'Source',
        `${label}, ${identity.organizationId === null ? 'no organization' : `organization ${identity.organizationId}`}${identity.managementAccountId === null ? '' : `, management account ${identity.managementAccountId}`}`,
      ],
      [
        'Identity Center',
        `${identity.instanceArn}, identity store ${identity.identityStoreId}${identity.instanceOwnerAccountId === null ? '' : `, owner account ${identity.instanceOwnerAccountId}`}; home Region ${identity.homeRegion}, partition ${identity.partition}`,
      ],
      ['Read by', callers.length === 0 ? 'not recorded' : callers.map(({ arn }) => arn).join('\n')],
      ['Collection window', `${timeOf(snapshot.startedAt)} to ${timeOf(snapshot.sealedAt)}`],
      ['Snapshot', `version ${snapshot.version}, run ${snapshot.runId}\n${snapshot.digest}`],
    ]),
    ['Evaluation', `number ${evaluation.id}, ${timeOf(view.evaluatedAt)}\n${evaluation.digest}`],
    ['Control catalog', evaluation.catalogDigest],
  ])
}

function writeRequirements(pdf: PdfWriter, { requirements, requirementsBy: by, framework }: FrameworkReportView): void {
  pdf.heading(2, 'Requirements')
  pdf.paragraph(
    `${requirements.length} requirements: ${by.fail} fail, ${by.unknown} unknown, ${by.pass} pass, ${by.not_applicable} not applicable, ${by.uncovered} not covered by any control here. A requirement is judged only by the controls named beside it; a pass says that these passed, not that the whole requirement is met.`,
  )
  pdf.table({
    caption: `Requirements of ${framework.name} and the controls that speak to them`,
    columns: [
      { title: 'Requirement', share: 10 },
      { title: 'Subject (our label)', share: 26 },
      { title: 'Status', share: 12 },
      { title: 'Controls', share: 52 },
    ],
    rows: requirements.map(({ id, label, status, controls }) => [
      id,
      label,
      wordOf(status),
      controls.length === 0
        ? 'no control'
        : controls.map(each => `${wordOf(each.standing)}: ${each.id} ${each.title ?? ''} (${wordOf(each.basis)})`).join('\n'),
    ]),
    whole: 'the workbook',
  })
}

function writeControl(pdf: PdfWriter, control: ControlSection): void {
  pdf.room(150)
  pdf.heading(3, `${control.id} · ${control.title}`)
  pdf.paragraph(
    `${wordOf(control.standing)} · ${control.severity} severity · version ${control.version} · definition ${control.digest}`,
    { muted: true, size: 7.5 },
  )
  pdf.pairs([
    ['Objective', control.rationale],
    ['Applies to', `every ${control.resource} for which ${control.appliesTo}`],
    ['Passes when', control.requirement],
    [
      'Parameters',
      control.parameters.length === 0
        ? 'none'
        : control.parameters.map(({ name, value }) => `${name} = ${show(value)}`).join(', '),
    ],
    ['Rests on', control.datasets.join(', ')],
    ['Remediation', control.remediation],
  ])
  for (const outcome of control.outcomes) writeOutcome(pdf, control.id, outcome)
}

function writeOutcome(pdf: PdfWriter, control: string, outcome: OutcomeSection): void {
  pdf.paragraph(`${outcome.source}: ${arithmetic(outcome, 'in population')}`, { weight: 600 })
  pdf.bar(partsOf(outcome))
  if (outcome.excepted > 0) pdf.paragraph(`Of the fails, ${groupDigits(outcome.excepted)} stand beside an approved exception.`)
  if (outcome.parameterNotes.length > 0) pdf.paragraph(`Parameters: ${outcome.parameterNotes.join('; ')}.`)
  if (outcome.populationIsLowerBound) pdf.paragraph('The population could not be listed to its end: it is at least this large.')
  if (outcome.error !== null) pdf.banner('fail', ['This control is broken and decides nothing', outcome.error])
  pdf.table({
    caption: `${control}, ${outcome.source}: ${groupDigits(outcome.failing.length)} failing subjects; population digest ${outcome.populationDigest}`,
    columns: [
      { title: 'Failing subject', share: 34 },
      { title: 'What was found', share: 36 },
      { title: 'Facts', share: 30 },
    ],
    rows: outcome.failing.map(row => [
      subjectText(row),
      [row.reason, ...row.exceptions.map(exceptionText)].join('\n'),
      Object.entries(row.facts)
        .map(([name, value]) => `${name} ${show(value)}`)
        .join('\n'),
    ]),
    whole: 'results.csv',
  })
  pdf.table({
    caption: `${control}, ${outcome.source}: ${groupDigits(outcome.unknowns.length)} subjects that could not be judged`,
    columns: [
      { title: 'Unknown subject', share: 34 },
      { title: 'What could not be read', share: 36 },
      { title: 'Grant to judge it', share: 30 },
    ],
    rows: outcome.unknowns.map(row => [subjectText(row), row.reason, row.actions.join('\n')]),
    whole: 'results.csv',
  })
}

function subjectText({ subjectKind, name, key }: ResultRow): string {
  return `${subjectKind === 'dataset' ? 'the population itself' : name}\n${key}`
}

function show(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
