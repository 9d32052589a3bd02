import type { Artifact, ControlOutcome, Evaluation, Finding, Subject } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import { asffArtifact } from './asff.ts'
import { frameworkReportPdf } from './framework-report-pdf.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import { type Look, plainLook } from './look.ts'
import { ocsfArtifact } from './ocsf.ts'
import { oscalArtifact } from './oscal.ts'
import { reportArtifact } from './render-report.ts'
import { reportWorkbook } from './report-workbook.ts'
import { judgedResults, resultRows, resultsArtifact } from './results-artifact.ts'

/** Formats of a framework report. `csv` is results.csv: every result, passes included. */
export const frameworkFormats = ['html', 'pdf', 'xlsx', 'json', 'csv', 'oscal', 'ocsf', 'asff'] as const

export type FrameworkFormat = (typeof frameworkFormats)[number]

/** What an auditor gets when nothing is chosen. */
export const defaultFormats: readonly FrameworkFormat[] = ['html', 'pdf', 'xlsx', 'oscal', 'ocsf']

/**
 * The report of a framework in one format, as a file that is made when it is read. Same view and evaluation, same bytes.
 * @param populationOf every resource a control ranges over on a source, in any order
 * @param findings as they stood with the evaluation, for the workbook; null: it moved none
 */
export function frameworkArtifact(
  format: FrameworkFormat,
  view: FrameworkReportView,
  evaluation: Evaluation,
  populationOf: (outcome: ControlOutcome) => Iterable<Subject>,
  look: Look = plainLook,
  findings: readonly Finding[] | null = null,
): Artifact {
  switch (format) {
    case 'html':
    case 'json':
      return reportArtifact(view, format, look)
    case 'pdf':
      return pdfArtifact(view, look)
    case 'xlsx':
      return reportWorkbook(view, () => resultRows(evaluation, populationOf), look, findings)
    case 'csv':
      return resultsArtifact(evaluation, populationOf)
    case 'oscal':
      return oscalArtifact(view)
    case 'ocsf':
      return ocsfArtifact(view, () => judgedResults(evaluation, populationOf))
    case 'asff':
      return asffArtifact(view, () => judgedResults(evaluation, populationOf))
  }
}

function pdfArtifact(view: FrameworkReportView, look: Look): Artifact {
  return {
    path: `reports/${pathPart(view.framework.id)}.pdf`,
    mediaType: 'application/pdf',
    title: `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}, as of ${view.asOf}`,
    async *read() {
      yield* await frameworkReportPdf(view, { look })
    },
  }
}
