import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { Json } from '../model.ts'
import { type Cell, populationTable } from '../reports/index.ts'
import { readResources, readSnapshot, type Store } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { sourcesOf, storeOf } from './parts.ts'
import { table } from './terminal.ts'

interface Options extends CommonOptions {
  readonly source?: string
  readonly asOf?: string
}

/** What is shown of each; the files of a bundle hold more. */
const shown = ['name', 'userName', 'status', 'application', 'source', 'accountId', 'email', 'createdAt', 'externalIds']

export function addInventory(program: Command, invocation: Invocation): void {
  addCommand(program, 'inventory', 'accounts of people: who has one where, in every source, as of any time')
    .option('--source <label>', 'only this source')
    .option('--as-of <instant>', 'the last snapshots as of then (default: the last ones)')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const asOf = options.asOf === undefined ? null : instant(options.asOf)
      await using store = await storeOf(config, openLog('warn'))
      const found = []
      for (const { label } of sourcesOf(config, options.source)) found.push(await inventoryOf(store, label, asOf))
      if (found.every(each => each.version === null))
        throw new UsageError('there is no snapshot to show', 'run `evidenced collect`, or name a later instant')
      const rows = found.flatMap(each => each.rows)
      terminal.line(
        table(
          shown,
          rows.map(row => row.map(cell => String(cell ?? ''))),
        ),
      )
      terminal.line('')
      for (const { source, version, isComplete, rows } of found) {
        const whole = version === null ? 'no snapshot' : `snapshot ${version}, ${rows.length} accounts`
        terminal.line(`${source}: ${whole}${isComplete ? '' : '  INCOMPLETE: there may be more'}`)
      }
      terminal.document({
        sources: found.map(({ source, version, isComplete }) => ({ source, version, isComplete })),
        accounts: rows.map(row => Object.fromEntries(shown.map((column, i) => [column, row[i] ?? null]))) as Json,
      })
      invocation.code = exit.done
    })
}

interface Inventory {
  readonly source: string
  /** of the snapshot; null where there is none */
  readonly version: number | null
  readonly isComplete: boolean
  readonly rows: readonly (readonly Cell[])[]
}

async function inventoryOf(store: Store, source: string, asOf: Date | null): Promise<Inventory> {
  const snapshot = await readSnapshot(store, source, asOf === null ? 'latest' : { asOf })
  if (snapshot === null) return { source, version: null, isComplete: false, rows: [] }
  const people = populationTable('people-accounts', snapshot, dataset => readResources(store, snapshot, dataset))!
  const columns = shown.map(name => people.columns.indexOf(name))
  const rows: Cell[][] = []
  for await (const row of people.rows()) rows.push(columns.map(column => row[column] ?? null))
  return { source, version: snapshot.version, isComplete: people.isComplete, rows }
}
