import { basename, dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { drawSample } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import { type Cell, populationNames, populationTable, sampleWorkbook } from '../reports/index.ts'
import { readResources, readSnapshot } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { writeArtifact } from './output.ts'
import { lookOf, sourcesOf, storeOf } from './parts.ts'

interface Options extends CommonOptions {
  readonly population: string
  readonly seed: string
  readonly size: string
  readonly where: readonly string[]
  readonly source?: string
  readonly asOf?: string
  readonly out?: string
}

export function addSample(program: Command, invocation: Invocation): void {
  addCommand(program, 'sample', "draw the auditor's sample from a population, so that any tool can draw it again")
    .requiredOption('--population <name>', populationNames.join(', '))
    .requiredOption('--seed <text>', "the auditor's own word or number")
    .requiredOption('--size <n>', 'how many')
    .option(
      '--where <column=value>',
      'only this stratum; may be given several times',
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .option('--source <label>', 'source (default: the first configured one)')
    .option('--as-of <instant>', 'the last snapshot as of then (default: the last one)')
    .option('--out <file>', 'the workbook (default: sample-<population>.xlsx)')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const size = Number(options.size)
      if (!Number.isInteger(size) || size < 1 || size > 100_000)
        throw new UsageError(`--size ${options.size} is no size`, 'write a whole number from 1 to 100000')
      if (!populationNames.includes(options.population))
        throw new UsageError(`there is no population ${options.population}`, `write one of ${populationNames.join(', ')}`)
      const config = configOf(invocation, options)
      const source = sourcesOf(config, options.source)[0]!.label
      await using store = await storeOf(config, openLog('warn'))
      const snapshot = await readSnapshot(store, source, options.asOf === undefined ? 'latest' : { asOf: instant(options.asOf) })
      if (snapshot === null)
        throw new UsageError(`there is no snapshot of ${source} to draw from`, 'run `evidenced collect`, or name a later instant')
      const table = populationTable(options.population, snapshot, dataset => readResources(store, snapshot, dataset))
      if (table === null)
        throw new UsageError(`${options.population} of ${source} was not collected`, 'configure sources[].iam and collect again')
      const strata = options.where.map(text => stratumOf(text, table.columns))
      const sampling = await drawSample(itemsOf(table.rows(), strata), { seed: options.seed, size })
      const artifact = sampleWorkbook({
        look: lookOf(config),
        name: options.population,
        asOf: snapshot.sealedAt.toISOString(),
        cover: [
          [
            'Population',
            `${options.population} of ${source}${table.isComplete ? '' : ': INCOMPLETE, not every row could be read'}`,
          ],
          ['Stratum', options.where.length === 0 ? 'the whole population' : options.where.join(', ')],
          ['Rows to choose from', sampling.population],
          ['SHA-256 of their keys', sampling.populationDigest],
          ['Seed', options.seed],
          ['Asked for', size],
          ['Drawn', sampling.items.length],
          ['Snapshot', `version ${snapshot.version}, sealed ${snapshot.sealedAt.toISOString()}, SHA-256 ${snapshot.digest}`],
          ['Identity Center instance', snapshot.identity.instanceArn],
        ],
        columns: table.columns,
        items: sampling.items.map(({ rank, item }) => ({ rank, row: item })),
      })
      const out = resolve(options.out ?? artifact.path)
      const path = await writeArtifact(artifact, dirname(out), basename(out))
      terminal.line(`${path}: ${sampling.items.length} of ${sampling.population}${table.isComplete ? '' : '  INCOMPLETE'}`)
      terminal.document({
        path,
        population: options.population,
        source,
        snapshot: { version: snapshot.version, digest: snapshot.digest },
        seed: options.seed,
        stratum: options.where,
        rows: sampling.population,
        populationDigest: sampling.populationDigest,
        isComplete: table.isComplete,
        items: sampling.items.map(({ key, rank }) => ({ key, rank })),
      })
      invocation.code = table.isComplete ? exit.done : exit.incomplete
    })
}

interface Stratum {
  readonly column: number
  readonly value: string
}

function stratumOf(text: string, columns: readonly string[]): Stratum {
  const at = text.indexOf('=')
  const column = columns.indexOf(text.slice(0, at))
  if (at === -1 || column === -1)
    throw new UsageError(`--where ${text} names no column`, `write COLUMN=VALUE with one of ${columns.join(', ')}`)
  return { column, value: text.slice(at + 1) }
}

async function* itemsOf(
  rows: AsyncIterable<readonly Cell[]>,
  strata: readonly Stratum[],
): AsyncGenerator<{ key: string; item: readonly Cell[] }> {
  for await (const row of rows) {
    if (strata.every(({ column, value }) => String(row[column] ?? '') === value)) yield { key: String(row[0]), item: row }
  }
}
