import type { Explanation } from '../controls/index.ts'
import type { Json } from '../model.ts'
import type { Terminal } from './terminal.ts'

/** Shows why a subject has its status: each sub-expression with its value, indented below what it is a part of. */
export function printExplanations(terminal: Terminal, explanations: readonly Explanation[]): void {
  for (const { control, source, subject, status, reason, exceptions, parts } of explanations) {
    terminal.line(`${control} on ${subject} in ${source}: ${status}`)
    terminal.line(`  ${reason}`)
    if (exceptions.length > 0) terminal.line(`  excepted by ${exceptions.join(', ')}, which changes no status`)
    for (const member of parts.length === 0 ? [] : (['appliesTo', 'requirement'] as const)) {
      terminal.line(`${member}:`)
      for (const part of parts.filter(each => each.member === member))
        terminal.line(`${'  '.repeat(part.depth + 1)}${part.text}  →  ${part.value}`)
    }
  }
  terminal.document({ explanations: explanations as unknown as Json })
}
