import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import handlebars from 'handlebars'
import { ReportsError } from './reports-error.ts'
import { addHelpers, helperNames } from './template-helpers.ts'

/** Documents and pages that there is a template for, by file name without `.hbs`. */
export type TemplateName =
  | 'framework-report'
  | 'period-report'
  | 'exception-register'
  | 'table-report'
  | 'findings'
  | 'finding'
  | 'control'
  | 'exceptions'
  | 'home'
  | 'error'

/** The package's own `reports/`: as far above src/reports as above dist/reports. */
const folder = new URL('../../reports/', import.meta.url)

/** Read and compiled at first use, then the same for the life of the process: templates are part of the program. */
let compiled: ReadonlyMap<string, (view: object) => string> | null = null

/**
 * Renders a template with a view. Everything is escaped; a name that the view does not have is an error.
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function renderTemplate(name: TemplateName, view: object): string {
  compiled ??= compileAll()
  const template = compiled.get(name)
  if (template === undefined) throw new ReportsError('TEMPLATE_BROKEN', `there is no template ${name} in ${folder.pathname}`)
  try {
    return template(view)
  } catch (cause) {
    if (cause instanceof ReportsError) throw cause
    throw new ReportsError('TEMPLATE_BROKEN', `the template ${name} cannot be rendered: ${(cause as Error).message}`, { cause })
  }
}

/** Sources for a Content-Security-Policy `style-src` that let through the style blocks of this document and nothing else. */
export function styleSources(html: string): string {
  const blocks = [...html.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, css]) => `'sha256-${hash('sha256', css!, 'base64')}'`)
  return blocks.join(' ')
}

function compileAll(): ReadonlyMap<string, (view: object) => string> {
  const environment = handlebars.create()
  addHelpers(environment)
  const options = {
    strict: true,
    knownHelpersOnly: true,
    knownHelpers: Object.fromEntries(helperNames.map(name => [name, true])),
    preventIndent: true,
  }
  for (const [name, source] of sources('partials/', '.hbs'))
    environment.registerPartial(name, environment.compile(source, options))
  for (const [name, source] of sources('styles/', '.css')) environment.registerPartial(`${name}.css`, () => source)
  return new Map([...sources('', '.hbs')].map(([name, source]) => [name, environment.compile(source, options)]))
}

function sources(below: string, ending: string): [string, string][] {
  const files = readdirSync(new URL(below, folder)).filter(file => file.endsWith(ending))
  return files.map(file => [file.slice(0, -ending.length), readFileSync(new URL(`${below}${file}`, folder), 'utf8')])
}
