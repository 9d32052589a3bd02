import handlebars from 'handlebars'
import { ReportsError } from './reports-error.ts'

/**
 * Holds a template against what no template may do: be no Handlebars at all, or print a value without escaping it.
 * @param name of the file, for the message
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function checkTemplate(source: string, name: string): void {
  let program: hbs.AST.Program
  try {
    program = handlebars.parse(source)
  } catch (cause) {
    throw new ReportsError('TEMPLATE_BROKEN', `${name}: ${(cause as Error).message}`, {
      hint: 'mend it, or take the file away to use the template that comes with the program',
      cause,
    })
  }
  checkBody(program, name)
}

function checkBody(program: hbs.AST.Program | undefined, name: string): void {
  for (const statement of program?.body ?? []) {
    if (statement.type === 'MustacheStatement' && !(statement as hbs.AST.MustacheStatement).escaped) {
      throw new ReportsError('TEMPLATE_BROKEN', `${name}:${statement.loc.start.line}: it prints a value without escaping it`, {
        hint: 'write {{name}} with two braces: what AWS sends must not become markup',
      })
    }
    const block = statement as Partial<hbs.AST.BlockStatement>
    checkBody(block.program, name)
    checkBody(block.inverse, name)
  }
}

/** @throws {ReportsError} TEMPLATE_BROKEN for a style that would end its block */
export function checkStyle(source: string, name: string): void {
  if (!/<\/?\s*(style|script)/i.test(source)) return
  throw new ReportsError('TEMPLATE_BROKEN', `${name}: it holds a tag`, { hint: 'a style sheet holds CSS and nothing else' })
}

/**
 * Holds a rendered document against its policy: it stands once, first, and nothing tries to be read before it.
 * @throws {ReportsError} TEMPLATE_BROKEN
 */
export function checkPolicy(html: string, slot: string): void {
  const policy = `<meta http-equiv="Content-Security-Policy" content="${slot}">`
  const at = html.indexOf(policy)
  const isOnce = at !== -1 && html.indexOf(slot, at + policy.length) === -1 && html.indexOf(slot) > at
  const early =
    at === -1
      ? null
      : /<(!--|(script|style|link|img|iframe|object|embed|base|svg|form|template|noscript|body)\b)/i.exec(html.slice(0, at))
  if (isOnce && early === null && /^\s*<!doctype html>\s*<html[^>]*>\s*<head>/i.test(html)) return
  throw new ReportsError('TEMPLATE_BROKEN', 'a document does not begin with its own security policy', {
    hint: `keep <!doctype html>, <html>, <head> and, before anything else that loads, ${policy}`,
  })
}
