import type { Artifact } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import type { PeriodReportView } from './period-report-view.ts'
import { periodWorkbook } from './period-workbook.ts'
import { renderTemplate, styleSources } from './templates.ts'
import { workbookMediaType, workbookOf } from './workbook.ts'

export type ReportFormat = 'html' | 'json'

/**
 * A report as one file: same view, same bytes. `html` refers to nothing outside itself, runs no script and forbids both by its own
 * Content-Security-Policy; `json` is the view.
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function renderReport(view: FrameworkReportView, format: ReportFormat): Uint8Array {
  if (format === 'json') return Buffer.from(`${JSON.stringify(view, null, 2)}\n`)
  return closedPage(renderTemplate('framework-report', view))
}

/** Formats of a period report. */
export const periodFormats = ['html', 'xlsx', 'json'] as const

export type PeriodFormat = (typeof periodFormats)[number]

/** A period report as a file; made when it is read. Same view, same bytes. */
export function periodArtifact(view: PeriodReportView, format: PeriodFormat): Artifact {
  const mediaTypes = { html: 'text/html; charset=utf-8', xlsx: workbookMediaType, json: 'application/json' }
  return {
    path: `reports/${pathPart(view.framework.id)}-${view.from.slice(0, 10)}-${view.to.slice(0, 10)}.${format}`,
    mediaType: mediaTypes[format],
    title: `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}, ${view.from} to ${view.to}`,
    async *read() {
      if (format === 'xlsx') yield* workbookOf(periodWorkbook(view))
      else
        yield format === 'json'
          ? Buffer.from(`${JSON.stringify(view, null, 2)}\n`)
          : closedPage(renderTemplate('period-report', view))
    },
  }
}

/** A document that refers to nothing, under a policy that forbids it to. */
export function closedPage(html: string): Uint8Array {
  return Buffer.from(
    html.replace(policySlot, `default-src 'none'; style-src ${styleSources(html)}; base-uri 'none'; form-action 'none'`),
  )
}

/** A report as a file of a bundle; rendered when it is read. */
export function reportArtifact(view: FrameworkReportView, format: ReportFormat): Artifact {
  return {
    path: `reports/${pathPart(view.framework.id)}.${format}`,
    mediaType: format === 'html' ? 'text/html; charset=utf-8' : 'application/json',
    title: `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}, as of ${view.asOf}`,
    async *read() {
      yield renderReport(view, format)
    },
  }
}

/** Stands in the template where the policy comes: it holds the digests of the style blocks, which are known only afterwards. */
const policySlot = 'POLICY-OF-THIS-DOCUMENT'
