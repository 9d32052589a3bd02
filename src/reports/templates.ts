import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import handlebars from 'handlebars'
import { type Look, plainLook } from './look.ts'
import { checkStyle, checkTemplate } from './own-template.ts'
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
  | 'shared-bundle'
  | 'error'

/** The package's own `reports/`: as far above src/reports as above dist/reports. */
const folder = new URL('../../reports/', import.meta.url)

/** Read and compiled at first use of a look, then the same for as long as there is that look. */
const compiled = new WeakMap<Look, ReadonlyMap<string, (view: object) => string>>()

/**
 * Renders a template with a view. Everything is escaped; a name that the view does not have is an error.
 * @param look left out: as the program comes
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function renderTemplate(name: TemplateName, view: object, look: Look = plainLook): string {
  const known = compiled.get(look) ?? compileAll(look)
  compiled.set(look, known)
  const template = known.get(name)
  if (template === undefined) throw new ReportsError('TEMPLATE_BROKEN', `there is no template ${name} in ${folder.pathname}`)
  try {
    return template(view)
  } catch (cause) {
    if (cause instanceof ReportsError && look.folder === null) throw cause
    const own = look.folder === null ? '' : ` (with the templates of ${look.folder})`
    throw new ReportsError('TEMPLATE_BROKEN', `the template ${name}${own} cannot be rendered: ${(cause as Error).message}`, {
      hint: 'a name that the view does not have is a mistake: compare it with the template that comes with the program',
      cause,
    })
  }
}

/** Sources for a Content-Security-Policy `style-src` that let through the style blocks of this document and nothing else. */
export function styleSources(html: string): string {
  const blocks = [...html.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, css]) => `'sha256-${hash('sha256', css!, 'base64')}'`)
  return blocks.join(' ')
}

function compileAll(look: Look): ReadonlyMap<string, (view: object) => string> {
  const environment = handlebars.create()
  addHelpers(environment, look)
  const options = {
    strict: true,
    knownHelpersOnly: true,
    knownHelpers: Object.fromEntries(helperNames.map(name => [name, true])),
    preventIndent: true,
  }
  const { documents, partials, styles } = sourcesOf(look)
  for (const [name, source] of partials) environment.registerPartial(name, environment.compile(source, options))
  for (const [name, source] of styles) environment.registerPartial(`${name}.css`, () => source)
  return new Map([...documents].map(([name, source]) => [name, environment.compile(source, options)]))
}

type Sources = ReadonlyMap<string, string>

/** Those that come with the program, and in place of them those of the look's own folder. @throws {ReportsError} TEMPLATE_BROKEN */
function sourcesOf({ folder: own }: Look): { readonly documents: Sources; readonly partials: Sources; readonly styles: Sources } {
  const read = (below: string, ending: string, isClosed: boolean): Sources => {
    const found = new Map(filesIn(fileURLToPath(folder), below, ending))
    for (const [name, source] of own === null ? [] : filesIn(own, below, ending)) {
      const file = join(own!, below, `${name}${ending}`)
      if (isClosed && !found.has(name))
        throw new ReportsError('TEMPLATE_BROKEN', `${file} takes the place of no template`, {
          hint: `there are ${[...found.keys()].sort().join(', ')}`,
        })
      if (ending === '.css') checkStyle(source, file)
      else checkTemplate(source, file)
      found.set(name, source)
    }
    return found
  }
  return { documents: read('.', '.hbs', true), partials: read('partials', '.hbs', false), styles: read('styles', '.css', true) }
}

function filesIn(root: string, below: string, ending: string): [string, string][] {
  const at = join(root, below)
  const names = existsSync(at) ? readdirSync(at).filter(file => file.endsWith(ending)) : []
  return names.map(file => [file.slice(0, -ending.length), readFileSync(join(at, file), 'utf8')])
}
