import type { Artifact, ExceptionState, RegisteredException } from '../model.ts'
import { csvMediaType, csvOf } from './csv.ts'
import { type ExceptionRow, exceptionRow } from './exception-row.ts'
import { exceptionCells, exceptionColumns, exceptionSheet } from './exceptions-artifact.ts'
import { writeExceptions } from './exceptions-pdf.ts'
import { type Look, plainLook } from './look.ts'
import { openPdf } from './pdf-document.ts'
import { closedPage } from './render-report.ts'
import { besideUtc, shortTime } from './template-helpers.ts'
import { renderTemplate } from './templates.ts'
import { workbookMediaType, workbookOf } from './workbook.ts'

/** Formats of the register of exceptions. */
export const registerFormats = ['html', 'pdf', 'xlsx', 'csv', 'json'] as const

export type RegisterFormat = (typeof registerFormats)[number]

/** The register of exceptions at an instant, as plain JSON. Times are RFC 3339 text. */
export interface ExceptionRegisterView {
  readonly kind: 'exception_register'
  readonly schema: 'https://evidenced.dev/schemas/exception-register-v1.json'
  readonly asOf: string
  readonly softwareVersion: string
  /** the evaluation that says how many fails each stands beside; null: none yet */
  readonly evaluation: { readonly id: number; readonly asOf: string; readonly digest: string } | null
  readonly by: { readonly [state in ExceptionState]: number }
  readonly exceptions: readonly ExceptionRow[]
  /** rows of the file that do not count, one line each */
  readonly problems: readonly string[]
}

/** Puts together the register. Pure: no clock, no query. */
export function exceptionRegisterView(input: {
  readonly asOf: Date
  readonly softwareVersion: string
  readonly evaluation: { readonly id: number; readonly asOf: Date; readonly digest: string } | null
  readonly exceptions: readonly RegisteredException[]
  readonly problems: readonly string[]
}): ExceptionRegisterView {
  const { asOf, softwareVersion, evaluation, exceptions, problems } = input
  const count = (state: ExceptionState) => exceptions.filter(each => each.state === state).length
  return {
    kind: 'exception_register',
    schema: 'https://evidenced.dev/schemas/exception-register-v1.json',
    asOf: asOf.toISOString(),
    softwareVersion,
    evaluation:
      evaluation === null ? null : { id: evaluation.id, asOf: evaluation.asOf.toISOString(), digest: evaluation.digest },
    by: {
      requested: count('requested'),
      approved: count('approved'),
      lapsed: count('lapsed'),
      revoked: count('revoked'),
    },
    exceptions: exceptions.map(exceptionRow),
    problems,
  }
}

/** The register as a file; made when it is read. Same view, same bytes. */
export function exceptionRegisterArtifact(view: ExceptionRegisterView, format: RegisterFormat, look: Look = plainLook): Artifact {
  const mediaTypes = {
    html: 'text/html; charset=utf-8',
    pdf: 'application/pdf',
    xlsx: workbookMediaType,
    csv: csvMediaType,
    json: 'application/json',
  }
  return {
    path: `exceptions-${view.asOf.slice(0, 10)}.${format}`,
    mediaType: mediaTypes[format],
    title: `Register of exceptions, as of ${view.asOf}`,
    async *read() {
      if (format === 'html') yield closedPage(renderTemplate('exception-register', view, look), look)
      else if (format === 'json') yield Buffer.from(`${JSON.stringify(view, null, 2)}\n`)
      else if (format === 'pdf') yield* await registerPdf(view, look)
      else if (format === 'xlsx') yield* workbookOf({ ...registerWorkbook(view), look })
      else
        yield* csvOf(
          exceptionColumns.map(({ name }) => name),
          exceptionCells(view.exceptions),
        )
    },
  }
}

function registerWorkbook(view: ExceptionRegisterView) {
  const { by } = view
  return {
    title: 'Register of exceptions',
    asOf: view.asOf,
    cover: [
      ['As of', view.asOf],
      ['States', `${by.approved} approved, ${by.requested} requested, ${by.lapsed} lapsed, ${by.revoked} revoked`],
      ['Fails counted in', view.evaluation === null ? 'no evaluation yet' : evaluationText(view.evaluation)],
      ...view.problems.map(problem => ['DOES NOT COUNT', problem] as const),
    ] as const,
    sheets: [exceptionSheet(view.exceptions)],
  }
}

async function registerPdf(view: ExceptionRegisterView, look: Look): Promise<Uint8Array[]> {
  const pdf = await openPdf({
    title: `Register of exceptions as of ${shortTime(view.asOf)}`,
    author: `evidenced ${view.softwareVersion}`,
    at: new Date(view.asOf),
    header: { left: 'Register of exceptions', right: `as of ${shortTime(view.asOf)}` },
    footer: [view.evaluation === null ? 'No evaluation yet' : evaluationText(view.evaluation)],
    logo: look.logo?.bytes ?? null,
  })
  pdf.heading(1, 'Register of exceptions')
  pdf.paragraph(`As of ${besideUtc(view.asOf, look)}`, { weight: 600 })
  if (view.problems.length > 0) pdf.banner('unknown', ['Rows of the file that do not count:', ...view.problems])
  writeExceptions(pdf, view.exceptions)
  return pdf.end()
}

function evaluationText({ id, asOf, digest }: NonNullable<ExceptionRegisterView['evaluation']>): string {
  return `Evaluation ${id} as of ${shortTime(asOf)}, SHA-256 ${digest}`
}
