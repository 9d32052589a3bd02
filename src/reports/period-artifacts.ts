import type { Artifact } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import { csvMediaType, csvOf } from './csv.ts'
import { type Look, plainLook } from './look.ts'
import { periodReportPdf } from './period-report-pdf.ts'
import type { PeriodReportView } from './period-report-view.ts'
import { periodWorkbook } from './period-workbook.ts'
import { closedPage } from './render-report.ts'
import { renderTemplate } from './templates.ts'
import { workbookMediaType, workbookOf } from './workbook.ts'

/** Formats of a period report. `csv` is one file per table: calendar, controls, evaluations, failures, joiners, movers, leavers, changes, … */
export const periodFormats = ['html', 'pdf', 'xlsx', 'csv', 'json'] as const

export type PeriodFormat = (typeof periodFormats)[number]

/** A period report in one format, as files that are made when they are read. Same view, same bytes. */
export function periodArtifacts(view: PeriodReportView, format: PeriodFormat, look: Look = plainLook): readonly Artifact[] {
  const name = `reports/${pathPart(view.framework.id)}-${view.from.slice(0, 10)}-${view.to.slice(0, 10)}`
  const title = `${view.isComplete ? '' : 'INCOMPLETE: '}${view.framework.name}, ${view.from} to ${view.to}`
  switch (format) {
    case 'html':
      return [
        file(`${name}.html`, 'text/html; charset=utf-8', title, async function* () {
          yield closedPage(renderTemplate('period-report', view, look), look)
        }),
      ]
    case 'json':
      return [
        file(`${name}.json`, 'application/json', title, async function* () {
          yield Buffer.from(`${JSON.stringify(view, null, 2)}\n`)
        }),
      ]
    case 'pdf':
      return [
        file(`${name}.pdf`, 'application/pdf', title, async function* () {
          yield* await periodReportPdf(view, look)
        }),
      ]
    case 'xlsx':
      return [file(`${name}.xlsx`, workbookMediaType, title, () => workbookOf({ ...periodWorkbook(view), look }))]
    case 'csv':
      return periodWorkbook(view).sheets.map(sheet =>
        file(`${name}-${sheet.name.toLowerCase().replaceAll(' ', '-')}.csv`, csvMediaType, `${sheet.name}: ${title}`, () =>
          csvOf(
            sheet.columns.map(column => column.name),
            sheet.rows(),
          ),
        ),
      )
  }
}

function file(path: string, mediaType: string, title: string, read: Artifact['read']): Artifact {
  return { path, mediaType, title, read }
}
