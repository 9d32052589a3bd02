import type { Command } from 'commander'
import { verifyBundle } from '../evidence/index.ts'
import type { Json } from '../model.ts'
import { type Reperformance, reperform } from '../pipeline/index.ts'
import { addCommand, type CommonOptions, type Invocation, terminalOf } from './command.ts'
import { exit } from './exit.ts'

export function addReperform(program: Command, invocation: Invocation): void {
  addCommand(program, 'reperform', "judge a bundle's own snapshots with its own controls again, and compare result by result")
    .argument('<file>', 'the bundle (ZIP)')
    .action(async (file: string, options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      const { ok, problems, manifest } = await verifyBundle(file)
      if (!ok || manifest === null) {
        for (const problem of problems) terminal.line(`${problem.file}: ${problem.code}: ${problem.message}`)
        terminal.line(`${file}: NOT GOOD, so it was not judged again`)
        terminal.document({ file, ok: false, problems } as unknown as Json)
        invocation.code = exit.wrong
        return
      }
      const outcome = await reperform(file, manifest)
      for (const { bundle, again } of outcome.different)
        terminal.line(`differs:\n  bundle ${bundle ?? 'has no such result'}\n  again  ${again ?? 'gives no such result'}`)
      for (const text of outcome.notReperformed) terminal.line(`not re-performed: ${text}`)
      for (const text of outcome.takenOnTrust) terminal.line(`taken on trust: ${text}`)
      for (const text of outcome.takenFromHere) terminal.line(`taken from here and not from the bundle: ${text}`)
      terminal.line(`${file}: ${headline(outcome)}`)
      terminal.document({ file, ...outcome } as unknown as Json)
      // what pseudonyms can have changed proves nothing either way; what they cannot is a difference like any other
      invocation.code = !outcome.ok ? exit.wrong : outcome.notComparable.length > 0 ? exit.incomplete : exit.done
    })
}

/** One sentence; what could not be judged again is no difference. */
export function headline({
  ok,
  same,
  differences,
  unjudged,
  notReperformed,
}: Pick<Reperformance, 'ok' | 'same' | 'differences' | 'unjudged' | 'notReperformed'>): string {
  if (ok) return `same: ${same} results agree, 0 differ, ${notReperformed.length} could not be re-performed`
  if (differences > 0) return `NOT THE SAME: ${same} results agree, ${differences} differ, ${unjudged} could not be judged again`
  return `NOTHING DIFFERS: ${same} agree, ${unjudged} could not be judged again`
}
