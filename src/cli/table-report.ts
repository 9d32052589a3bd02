import { basename, resolve } from 'node:path'
import { openLog } from '../log.ts'
import { periodKinds, tableKinds, tableReports } from '../pipeline/index.ts'
import { matrixOrders, type TableFormat, tableArtifacts, tableFormats } from '../reports/index.ts'
import { type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { writeArtifact } from './output.ts'
import { catalogOf, lookOf, sourcesOf, storeOf } from './parts.ts'
import { periodOf } from './period.ts'

export interface TableOptions extends CommonOptions {
  readonly kind: string
  readonly by?: string
  readonly account?: string
  readonly user?: string
  readonly permissionSet?: string
  readonly source?: string
  readonly framework?: string
  readonly format?: string
  readonly out: string
  readonly asOf?: string
  readonly from?: string
  readonly to?: string
}

/** Writes a report that is tables, after saying how many rows it will have. */
export async function writeTables(invocation: Invocation, options: TableOptions): Promise<void> {
  const terminal = terminalOf(invocation, options)
  const { kind, asOf } = options
  if (!tableKinds.includes(kind)) throw new UsageError(`there is no report ${kind}`, `write one of ${tableKinds.join(', ')}`)
  const isOfPeriod = periodKinds.includes(kind)
  if (!isOfPeriod && (options.from !== undefined || options.to !== undefined))
    throw new UsageError(`${kind} is about an instant, not a period`, 'name it with --as-of')
  const formats = options.format === undefined ? (['csv', 'xlsx'] as const) : formatsOf(options.format)
  const by = matrixOrders.find(each => each === (options.by ?? 'account'))
  if (by === undefined) throw new UsageError(`unknown order ${options.by}`, `write one of ${matrixOrders.join(', ')}`)
  const { account, user, permissionSet } = options
  if (kind !== 'access' && [options.by, account, user, permissionSet].some(each => each !== undefined))
    throw new UsageError('--by, --account, --user and --permission-set are for --kind access')
  const period = isOfPeriod ? periodOf(options, new Date()) : null
  const config = configOf(invocation, options)
  const look = lookOf(config)
  const catalog = catalogOf(config, terminal)
  await using store = await storeOf(config, openLog('warn'))
  const reports = await tableReports(
    { store, catalog },
    {
      kind,
      sources: sourcesOf(config, options.source).map(({ label }) => label),
      onlySource: options.source ?? null,
      asOf: asOf === undefined ? null : instant(asOf),
      period,
      framework: options.framework ?? config.frameworks[0] ?? 'soc2',
      access: { by, ...(account && { account }), ...(user && { user }), ...(permissionSet && { permissionSet }) },
    },
  )
  const files: { path: string; format: string; complete: boolean }[] = []
  for (const report of reports) {
    for (const { name, count, isComplete } of report.tables)
      terminal.note(`${report.title}: ${isComplete ? '' : 'at least '}${count} rows in ${name}`)
    for (const format of formats) {
      for (const artifact of tableArtifacts(report, format, { look })) {
        // a file of one source is named for its kind and its source
        const parts = artifact.path.split('/').slice(-2)
        const name = isOfPeriod ? basename(artifact.path) : parts.join('-')
        const path = await writeArtifact(artifact, resolve(options.out), name)
        files.push({ path, format, complete: report.isComplete })
        terminal.line(`${path}${report.isComplete ? '' : '  INCOMPLETE'}`)
      }
    }
  }
  const rows = reports.flatMap(({ title, tables }) =>
    tables.map(({ name, count, isComplete }) => ({ report: title, table: name, rows: count, isComplete })),
  )
  terminal.document({ kind, rows, files })
  invocation.code = reports.every(({ isComplete }) => isComplete) ? exit.done : exit.incomplete
}

function formatsOf(text: string): readonly TableFormat[] {
  return text.split(',').map(name => {
    const format = tableFormats.find(each => each === name.trim())
    if (format === undefined) throw new UsageError(`unknown format ${name}`, `write one or more of ${tableFormats.join(', ')}`)
    return format
  })
}
