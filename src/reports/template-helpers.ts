import handlebars, { type HelperOptions } from 'handlebars'
import type { Json, StatusCounts } from '../model.ts'
import { type Look, localTime, plainLook } from './look.ts'
import { ReportsError } from './reports-error.ts'

type Environment = ReturnType<typeof handlebars.create>
type Value = Json | undefined
type Bar = Pick<StatusCounts, 'pass' | 'fail' | 'unknown' | 'notApplicable'>

const { SafeString, escapeExpression: escaped } = handlebars

/** Words for statuses, standings, coverages, outcomes and severities; a value without a word is an error, never an empty cell. */
const words: { readonly [value: string]: string } = {
  pass: 'Pass',
  fail: 'Fail',
  unknown: 'Unknown',
  not_applicable: 'Not applicable',
  not_evaluated: 'Not evaluated',
  uncovered: 'Not covered',
  complete: 'Complete',
  complete_with_changes: 'Complete, with changes',
  incomplete: 'Incomplete',
  denied: 'Denied',
  not_enabled: 'Not enabled',
  not_collectable: 'Not collectable',
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  public: 'public mapping',
  judgement: 'our judgement',
  running: 'Running',
  sealed: 'Sealed',
  failed: 'Failed',
  interrupted: 'Interrupted',
  partial: 'Partial',
  missing: 'Missing',
  requested: 'Requested',
  approved: 'Approved',
  lapsed: 'Lapsed',
  revoked: 'Revoked',
  taken_out: 'Taken out',
  absent: 'Not in the register',
  open: 'Open',
  not_judged: 'Not judged',
  pass_or_gone: 'Passed or gone',
  resolved: 'Resolved',
  file: 'file',
  database: 'command',
}

/** A shape beside each word, so that nothing is told by colour alone. */
const marks: { readonly [value: string]: string } = {
  pass: '✓',
  complete: '✓',
  complete_with_changes: '✓',
  sealed: '✓',
  fail: '✕',
  denied: '✕',
  failed: '✕',
  unknown: '?',
  incomplete: '?',
  interrupted: '?',
  partial: '?',
  missing: '✕',
  approved: '✓',
  requested: '?',
  resolved: '✓',
  open: '✕',
}

/** Helpers that print a value, under names that no view uses; each takes exactly as many arguments as its function has parameters. */
const printers: { readonly [name: string]: (...values: never[]) => unknown } = {
  number: (value: number) => groupDigits(value),
  /** a number, or a dash where there is none */
  orNone: (value: number | null) => (value === null ? '–' : groupDigits(value)),
  plural,
  completeness,
  timeText: (value: string) => shortTime(value),
  word: (value: string) => wordOf(value),
  /** the shape alone, for lists that are too dense for badges; its word is there for those who do not see it */
  mark: (value: string) =>
    new SafeString(
      `<span class="dot ${className(value)}" title="${escaped(wordOf(value))}"><span aria-hidden="true">${marks[value] ?? '–'}</span><span class="unseen">${escaped(wordOf(value))}</span></span>`,
    ),
  badge: (value: string) =>
    new SafeString(
      `<span class="badge ${className(value)}"><span class="mark" aria-hidden="true">${marks[value] ?? '–'}</span>${escaped(wordOf(value))}</span>`,
    ),
  /** a digest or ARN that may break anywhere */
  code: (value: string) => new SafeString(`<code>${escaped(value)}</code>`),
  /** the start of a digest; the whole stands in its title and in the JSON */
  shortDigest: (value: string) =>
    new SafeString(`<code class="nowrap" title="${escaped(value)}">${escaped(value.slice(0, 12))}…</code>`),
  show: (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value)),
  factList: (facts: { readonly [name: string]: Json }) => new SafeString(Object.entries(facts).map(factText).join('<br>')),
  bytes: (value: number) => byteText(value),
  join: (values: readonly string[], separator: string) => values.join(separator),
  anchor: (prefix: string, value: string) => `${prefix}-${value.replace(/[^A-Za-z0-9_-]/g, '_')}`,
  href: (value: string) => safeHref(value),
  /** where the page of one thing is, for `href` */
  place: (folder: string, id: string | number) => `/${folder}/${encodeURIComponent(id)}`,
  firstOf: (list: readonly unknown[], count: number) => list.slice(0, count),
  restOf: (list: readonly unknown[], count: number) => Math.max(0, list.length - count),
  eq: (a: Json, b: Json) => a === b,
  bar: (counts: Bar) => new SafeString(barSvg(counts)),
  /** evaluations one after the other by where a control stood */
  strip: (stretches: readonly { readonly standing: string; readonly evaluations: number }[]) =>
    new SafeString(stripSvg(stretches)),
  /** a text inside a CSS string */
  cssText: (value: string) =>
    new SafeString(value.replace(/[^A-Za-z0-9 .,:-]/g, char => `\\${char.codePointAt(0)!.toString(16)} `)),
}

/** Rows of one table before a new one begins: with more, browsers get slow and headers are out of sight. */
const rowsPerTable = 500

/** Puts the helpers into an environment. A missing name is an error in helpers too; Handlebars' strict mode alone does not look at arguments. */
export function addHelpers(environment: Environment, look: Look): void {
  for (const [name, print] of Object.entries({ ...printers, ...printersOf(look) })) {
    environment.registerHelper(name, (...args: unknown[]) => {
      const values = args.slice(0, -1)
      if (values.length !== print.length || values.includes(undefined)) throw missing(name)
      return print(...(values as never[]))
    })
  }
  for (const name of ['if', 'unless', 'each', 'with'] as const) {
    const original = environment.helpers[name]!
    environment.registerHelper(name, function (this: unknown, value: Value, options: HelperOptions) {
      if (value === undefined) throw missing(name)
      return original.call(this, value, options)
    })
  }
  environment.registerHelper('tables', (rows: readonly unknown[] | undefined, options: HelperOptions) => {
    if (rows === undefined) throw missing('tables')
    const starts =
      rows.length === 0 ? [] : Array.from({ length: Math.ceil(rows.length / rowsPerTable) }, (_, index) => index * rowsPerTable)
    const isSplit = starts.length > 1
    return starts
      .map(from => {
        const part = rows.slice(from, from + rowsPerTable)
        return options.fn({ rows: part, from: from + 1, to: from + part.length, total: rows.length, isSplit })
      })
      .join('')
  })
}

/** Helpers whose answer depends on the look. */
function printersOf(look: Look): typeof printers {
  return {
    /** RFC 3339 text to the second, with Z, and the local time beside it where one was chosen */
    time: (value: string) => {
      const local = localTime(look, value)
      const beside = local === null ? '' : ` <span class="local">(${escaped(local)})</span>`
      return new SafeString(`<time datetime="${escaped(value)}">${escaped(shortTime(value))}</time>${beside}`)
    },
    /** the logo as an image inside the document, or nothing */
    logo: () =>
      new SafeString(
        look.logo === null
          ? ''
          : `<img class="logo" alt="" src="data:${look.logo.mediaType};base64,${look.logo.bytes.toString('base64')}">`,
      ),
  }
}

export const helperNames: readonly string[] = [
  ...Object.keys({ ...printers, ...printersOf(plainLook) }),
  'tables',
  'if',
  'unless',
  'each',
  'with',
]

/** Parts of a population as one bar. It repeats figures that stand beside it in words, so readers of the page may skip it. */
function barSvg({ fail, unknown, pass, notApplicable }: Bar): string {
  const total = fail + unknown + pass + notApplicable
  const parts: [string, number][] = [
    ['fail', fail],
    ['unknown', unknown],
    ['pass', pass],
    ['not_applicable', notApplicable],
  ]
  let x = 0
  const rects = parts.flatMap(([name, count]) => {
    if (count === 0) return []
    // one per cent at least, so that a single fail among thousands is seen
    const width = Math.max(1, Math.round((count / total) * 1000) / 10)
    const rect = `<rect class="${className(name)}" x="${round(x)}" y="0" width="${round(Math.min(width, 100 - x))}" height="6"/>`
    x += width
    return [rect]
  })
  return `<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">${rects.join('')}</svg>`
}

/** Where a control stood from evaluation to evaluation. The table beside it says the same, so readers of the page may skip it. */
function stripSvg(stretches: readonly { readonly standing: string; readonly evaluations: number }[]): string {
  const total = stretches.reduce((sum, { evaluations }) => sum + evaluations, 0)
  let at = 0
  const rects = stretches.map(({ standing, evaluations }) => {
    const from = (at / total) * 100
    at += evaluations
    return `<rect class="${className(standing)}" x="${from.toFixed(2)}" y="0" width="${((evaluations / total) * 100).toFixed(2)}" height="6"/>`
  })
  return `<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">${rects.join('')}</svg>`
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function factText([name, value]: [string, Json]): string {
  return `<span class="fact">${escaped(name)}</span> ${escaped(typeof value === 'string' ? value : JSON.stringify(value))}`
}

/** The word for a status, standing, coverage, outcome or severity. @throws {ReportsError} TEMPLATE_BROKEN for one without a word */
export function wordOf(value: string): string {
  const word = words[value]
  if (word === undefined) throw new ReportsError('TEMPLATE_BROKEN', `there is no word for ${JSON.stringify(value)}`)
  return word
}

function className(value: string): string {
  return value.replaceAll('_', '-')
}

/** 2026-06-30T00:00:00.000Z as 2026-06-30 00:00:00Z */
export function shortTime(value: string): string {
  return value.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
}

/** The same, and the local time beside it where one was chosen. */
export function besideUtc(time: string, look: Look): string {
  const local = localTime(look, time)
  return `${shortTime(time)}${local === null ? '' : ` (${local})`}`
}

export function groupDigits(value: number): string {
  return String(value).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')
}

function byteText(value: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  const scaled = value / 1000 ** power
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`
}

/** Lets through places of the same page or server and https; what else a link could be (`javascript:`, `data:`, `//host`) goes nowhere. */
function safeHref(value: string): string {
  return /^(#[\w-]*|\/(?![/\\])[^\s\\]*|https:\/\/[^\s\\]+)$/.test(value) ? value : '#'
}

function missing(helper: string): ReportsError {
  return new ReportsError(
    'TEMPLATE_BROKEN',
    `a template gives the helper "${helper}" a name that the view does not have, or too few or too many values`,
    {
      hint: 'compare the template with the view it is rendered with',
    },
  )
}

function plural(count: number, one: string, many: string): string {
  return `${groupDigits(count)} ${count === 1 ? one : many}`
}

/** What a complete report says of itself: its datasets were read, and how much is unknown all the same. */
export function completeness(view: {
  readonly sources: readonly unknown[]
  readonly totals: { readonly unknown: number }
}): string {
  const unknown = view.totals.unknown
  const rest =
    unknown === 0
      ? 'No result is unknown.'
      : `${plural(unknown, 'result is', 'results are')} unknown for other reasons, named below.`
  return `Every dataset of ${plural(view.sources.length, 'source', 'sources')} was read to its end. ${rest}`
}
