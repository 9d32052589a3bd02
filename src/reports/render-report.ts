import type { Artifact } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import { type Look, plainLook } from './look.ts'
import { checkPolicy } from './own-template.ts'
import { renderTemplate, styleSources } from './templates.ts'

export type ReportFormat = 'html' | 'json'

/**
 * A report as one file: same view, same bytes. `html` refers to nothing outside itself, runs no script and forbids both by its own
 * Content-Security-Policy; `json` is the view.
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function renderReport(view: FrameworkReportView, format: ReportFormat, look: Look = plainLook): Uint8Array {
  if (format === 'json') return Buffer.from(`${JSON.stringify(view, null, 2)}\n`)
  return closedPage(renderTemplate('framework-report', view, look), look)
}

/** A document that refers to nothing, under a policy that forbids it to. */
export function closedPage(html: string, look: Look = plainLook): Uint8Array {
  checkPolicy(html, policySlot)
  const images = look.logo === null ? '' : ' img-src data:;'
  const policy = `default-src 'none'; style-src ${styleSources(html)};${images} base-uri 'none'; form-action 'none'`
  return Buffer.from(html.replace(policySlot, () => policy))
}

/** A report as a file of a bundle; rendered when it is read. */
export function reportArtifact(view: FrameworkReportView, format: ReportFormat, look: Look = plainLook): Artifact {
  return {
    path: `reports/${pathPart(view.framework.id)}.${format}`,
    mediaType: format === 'html' ? 'text/html; charset=utf-8' : 'application/json',
    title: `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}, as of ${view.asOf}`,
    async *read() {
      yield renderReport(view, format, look)
    },
  }
}

/** Stands in the template where the policy comes: it holds the digests of the style blocks, which are known only afterwards. */
const policySlot = 'POLICY-OF-THIS-DOCUMENT'
