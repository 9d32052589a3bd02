import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { openLog } from '../log.ts'
import { frameworkReport, periodReport, tableKinds } from '../pipeline/index.ts'
import {
  type FrameworkFormat,
  frameworkFormats,
  matrixOrders,
  periodArtifacts,
  periodFormats,
  tableFormats,
} from '../reports/index.ts'
import { addCommand, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { writeArtifact } from './output.ts'
import { catalogOf, lookOf, storeOf } from './parts.ts'
import { periodOf } from './period.ts'
import { type TableOptions, writeTables } from './table-report.ts'

interface Options extends Omit<TableOptions, 'kind'> {
  readonly kind?: string
}

export function addReport(program: Command, invocation: Invocation): void {
  addCommand(program, 'report', 'write the report of a framework on the last evaluation')
    .option('--framework <id>', 'framework, e.g. soc2 (default: every configured one)')
    .option('--kind <kind>', `another report, made of tables: ${tableKinds.join(', ')}; formats ${tableFormats.join(', ')}`)
    .option('--source <label>', 'of a --kind: only this source')
    .option('--by <order>', `of --kind access: ${matrixOrders.join(', ')} (default: account)`)
    .option('--account <account>', 'of --kind access: only this account, id or name')
    .option('--user <user>', 'of --kind access: only this user, id or name')
    .option('--permission-set <set>', 'of --kind access: only this permission set, ARN or name')
    .option('--format <format>', `${frameworkFormats.join(', ')}, several with commas between (default: all)`)
    .option('--as-of <instant>', 'the last evaluation as of then (default: the last one)')
    .option('--from <day>', 'report of a period (SOC 2 Type II): its first day or instant')
    .option('--to <day>', `its last day or instant (default: now); formats ${periodFormats.join(', ')}`)
    .option('--out <dir>', 'folder to write to', '.')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const { kind } = options
      if (kind !== undefined) {
        await writeTables(invocation, { ...options, kind })
        return
      }
      if (options.from !== undefined || options.to !== undefined) {
        await writePeriod(invocation, options)
        return
      }
      const chosen = options.format === undefined ? frameworkFormats : formatsOf(options.format)
      const config = configOf(invocation, options)
      const look = lookOf(config)
      const catalog = catalogOf(config, terminal)
      const asOf = options.asOf === undefined ? null : instant(options.asOf)
      await using store = await storeOf(config, openLog('warn'))
      const files: { path: string; framework: string; format: string; complete: boolean }[] = []
      for (const framework of options.framework === undefined ? config.frameworks : [options.framework]) {
        for (const format of chosen) {
          const { artifact, complete } = await frameworkReport({ store, catalog, look }, framework, format, asOf)
          const path = await writeArtifact(
            artifact,
            resolve(options.out),
            format === 'csv' ? `${framework}-results.csv` : basename(artifact.path),
          )
          files.push({ path, framework, format, complete })
          terminal.line(`${path}${complete ? '' : '  INCOMPLETE'}`)
        }
      }
      terminal.document({ files })
      invocation.code = files.every(file => file.complete) ? exit.done : exit.incomplete
    })
}

async function writePeriod(invocation: Invocation, options: Options): Promise<void> {
  const formats = periodFormats.filter(format => options.format === undefined || options.format.split(',').includes(format))
  if (formats.length === 0)
    throw new UsageError(
      `no format of a period report is named in ${options.format}`,
      `write one or more of ${periodFormats.join(', ')}`,
    )
  const { from, to } = periodOf(options, new Date())
  const terminal = terminalOf(invocation, options)
  const config = configOf(invocation, options)
  const look = lookOf(config)
  const catalog = catalogOf(config, terminal)
  await using store = await storeOf(config, openLog('warn'))
  const files: { path: string; framework: string; format: string; complete: boolean }[] = []
  for (const framework of options.framework === undefined ? config.frameworks : [options.framework]) {
    const view = await periodReport({ store, catalog }, { framework, from, to })
    for (const format of formats) {
      for (const artifact of periodArtifacts(view, format, look)) {
        const path = await writeArtifact(artifact, resolve(options.out), basename(artifact.path))
        files.push({ path, framework, format, complete: view.isComplete })
        terminal.line(`${path}${view.isComplete ? '' : '  INCOMPLETE'}`)
      }
    }
  }
  terminal.document({ from: from.toISOString(), to: to.toISOString(), files })
  invocation.code = files.every(file => file.complete) ? exit.done : exit.incomplete
}

/** The formats named in one option, commas between. @throws {UsageError} for one that is not known */
export function formatsOf(text: string): readonly FrameworkFormat[] {
  return text.split(',').map(name => {
    const format = frameworkFormats.find(each => each === name.trim())
    if (format === undefined)
      throw new UsageError(`unknown format ${name}`, `write one or more of ${frameworkFormats.join(', ')}`)
    return format
  })
}
