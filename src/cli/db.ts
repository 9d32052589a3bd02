import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { openLog } from '../log.ts'
import type { Json } from '../model.ts'
import {
  exportStore,
  importStore,
  previewCallDisposal,
  previewRetention,
  type Store,
  storeStats,
  verifyStore,
} from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { exit } from './exit.ts'
import { folderFor, OutputError } from './output.ts'
import { storeOf } from './parts.ts'
import { rulesOf } from './retention.ts'
import { type Terminal, table } from './terminal.ts'

interface ExportOptions extends CommonOptions {
  readonly force: boolean
}

export function addDb(program: Command, invocation: Invocation): void {
  const db = program.command('db').description('export, import and measure the database')
  addCommand(db, 'export', 'write the whole database into one file, as of now, while others go on working')
    .argument('<file>', 'a name such as evidenced.tar.gz')
    .option('--force', 'replace the file if it is there', false)
    .action(async (file: string, options: ExportOptions) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const path = resolve(file)
      if (existsSync(path) && !options.force)
        throw new OutputError('FILE_EXISTS', `${path} is there already`, {
          hint: 'name another file, or replace it with --force',
        })
      await folderFor(dirname(path))
      await using store = await storeOf(config, openLog('warn'))
      const done = await exportStore(store, path, progressOf(terminal, 'export'))
      const rows = done.tables.reduce((sum, each) => sum + each.rows, 0)
      terminal.line(
        `${path}: ${rows} rows of ${done.tables.length} tables, ${done.sizeBytes} bytes, head of the ledger ${done.ledgerHead ?? 'none'}`,
      )
      terminal.line('it holds the database; keys, heads and bundles are files of their own and go with it')
      terminal.document({
        file: path,
        rows,
        sizeBytes: done.sizeBytes,
        ledgerHead: done.ledgerHead,
        tables: done.tables.map(each => ({ ...each })),
      })
    })
  addCommand(db, 'import', 'fill a new, empty database from an export, and verify it')
    .argument('<file>', 'what `evidenced db export` wrote')
    .action(async (file: string, options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const log = openLog('warn')
      const now = () => new Date()
      const where = { url: config.databaseUrl, dataDir: config.dataDir, log, now, softwareVersion }
      const done = await importStore(where, resolve(file), progressOf(terminal, 'import'))
      await using store = await storeOf(config, log)
      const found = await verifyStore(store, null, (phase, at, total) =>
        terminal.progress({ phase, done: at, total, detail: '' }),
      )
      const isSame = found.ledgerHead === done.ledgerHead
      const rows = done.tables.reduce((sum, each) => sum + each.rows, 0)
      for (const { kind, name, message } of found.problems) terminal.line(`${kind}  ${name}: ${message}`)
      if (!isSame) terminal.line(`the ledger ends with ${found.ledgerHead}, in the export with ${done.ledgerHead}`)
      terminal.line(
        `imported ${rows} rows of ${done.tables.length} tables, made by PostgreSQL ${done.head.server} on ${done.head.exportedAt}: ` +
          `${found.snapshots} snapshots, ${found.evaluations} evaluations, ${found.ledgerEntries} entries of the ledger, ` +
          `${found.problems.length === 0 && isSame ? 'all as it was sealed' : `${found.problems.length + (isSame ? 0 : 1)} problems`}`,
      )
      if (config.databaseUrl !== null) terminal.line('run `evidenced migrate` once: it makes the role for the program')
      terminal.document({
        ...{ rows, tables: done.tables.map(each => ({ ...each })), exportedAt: done.head.exportedAt, server: done.head.server },
        ...{
          snapshots: found.snapshots,
          evaluations: found.evaluations,
          ledgerEntries: found.ledgerEntries,
          ledgerHead: found.ledgerHead,
        },
        problems: found.problems.map(problem => ({ ...problem })),
      })
      invocation.code = found.problems.length === 0 && isSame ? exit.done : exit.wrong
    })
  addCommand(db, 'stats', 'sizes, growth a day, and what retention would free now').action(async (options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const config = configOf(invocation, options)
    await using store = await storeOf(config, openLog('warn'))
    await showStats(terminal, store, config)
  })
}

async function showStats(terminal: Terminal, store: Store, config: Config): Promise<void> {
  const stats = await storeStats(store)
  const steps = await previewRetention(store, rulesOf(config))
  const { callLedgerDays } = config.retention
  const calls = callLedgerDays === null ? 0 : (await previewCallDisposal(store, callLedgerDays)).sizeBytes
  const frees = steps.reduce((sum, step) => sum + step.sizeBytes, calls)
  terminal.line(
    table(
      ['table', 'rows', 'dead rows', 'bytes', 'of indexes', 'bytes a day'],
      stats.tables.map(each => [each.name, each.rows, each.deadRows, each.sizeBytes, each.indexBytes, each.bytesPerDay ?? '']),
    ),
  )
  const growth =
    stats.bytesPerDay === null || stats.days === null
      ? 'growth is known once the first snapshot is a day old'
      : `grows by ${stats.bytesPerDay} bytes a day (over ${stats.days.toFixed(1)} days)`
  terminal.line(
    `${stats.sizeBytes} bytes in all; ${growth}; retention would free ${frees} bytes now${calls === 0 ? '' : `, ${calls} of them of single calls`}`,
  )
  terminal.document({
    ...stats,
    tables: stats.tables.map(each => ({ ...each })),
    retentionFreesBytes: frees,
    retentionFreesBytesOfCalls: calls,
  } as Json)
}

function progressOf(terminal: Terminal, phase: string): (name: string, done: number, total: number) => void {
  return (detail, done, total) => terminal.progress({ phase, done, total, detail })
}
