import type { Command } from 'commander'
import { canonicalJson } from '../digest.ts'
import { openLog } from '../log.ts'
import type { Json, LedgerEntry } from '../model.ts'
import { readLedger } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, positive, terminalOf } from './command.ts'
import { storeOf } from './parts.ts'
import { table } from './terminal.ts'

interface Options extends CommonOptions {
  readonly kind?: readonly string[]
  readonly from?: string
  readonly limit: string
}

export function addLedger(program: Command, invocation: Invocation): void {
  const ledger = program.command('ledger').description('the hash-chained record of everything that matters')
  addCommand(ledger, 'list', 'entries in order; `verify-store` checks the chain')
    .option('--kind <kinds...>', 'only these, e.g. disposal hold config catalog key download')
    .option('--from <position>', 'the first position (default: the newest entries)')
    .option('--limit <n>', 'how many at most', '200')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const limit = positive(options.limit, '--limit')
      const from = options.from === undefined ? null : positive(options.from, '--from')
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const entries: LedgerEntry[] = []
      let isCut = false
      for await (const entry of readLedger(store, { from: from ?? 1 })) {
        if (options.kind !== undefined && !options.kind.includes(entry.kind)) continue
        entries.push(entry)
        if (entries.length <= limit) continue
        isCut = true
        if (from !== null) {
          entries.pop()
          break
        }
        entries.shift()
      }
      terminal.line(
        table(
          ['position', 'at', 'kind', 'what', 'digest'],
          entries.map(({ position, at, kind, payload, digest }) => [
            position,
            at.toISOString(),
            kind,
            canonicalJson(payload),
            digest,
          ]),
        ),
      )
      if (isCut) terminal.note(`there are ${from === null ? 'older' : 'newer'} entries: --limit shows more than ${limit}`)
      terminal.document({ entries: entries.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() })) } as Json)
    })
}
