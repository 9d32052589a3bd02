import type { Command } from 'commander'
import { openLog } from '../log.ts'
import { type Check, diagnose, localBudget, openAws } from '../sources/index.ts'
import { softwareVersion } from '../version.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { exit } from './exit.ts'
import { withConfig } from './named-commands.ts'
import { catalogOf, sourcesOf, storeOf } from './parts.ts'
import { table } from './terminal.ts'
import { unevaluatedWithout } from './unevaluated.ts'

interface Options extends CommonOptions {
  readonly source?: string
}

export function addDoctor(program: Command, invocation: Invocation): void {
  addCommand(program, 'doctor', 'check database and sources, and say what to do about what is wrong')
    .option('--source <label>', 'only this source')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const log = openLog('error')
      const now = () => new Date()
      const sources = sourcesOf(config, options.source)
      const database = await storeOf(config, log).then(
        async store => {
          await store[Symbol.asyncDispose]()
          return {
            check: 'database',
            result: 'ok' as const,
            cause: config.databaseUrl === null ? 'embedded PostgreSQL' : 'external PostgreSQL',
            remedy: null,
          }
        },
        error => ({
          check: 'database',
          result: 'failed' as const,
          cause: error.message as string,
          remedy: (error.hint as string | undefined) ?? null,
        }),
      )
      await using aws = openAws({ budget: localBudget(), log, now, environment: invocation.env, softwareVersion })
      const diagnoses = []
      for (const source of sources) diagnoses.push({ source: source.label, checks: (await diagnose(aws, source)).checks })
      const all = [database, ...diagnoses.flatMap(each => each.checks)]
      const catalog = catalogOf(config, terminal)
      const unevaluated = (check: Check) => unevaluatedWithout(check, catalog)
      for (const { source, checks } of [{ source: 'this machine', checks: [database] as readonly Check[] }, ...diagnoses]) {
        terminal.line(`${source}:`)
        terminal.line(
          table(
            ['check', 'result', 'cause', 'not evaluated without it'],
            checks.map(each => [
              ...[each.check, each.result, cut(each.cause)],
              shortened(each === database ? [] : unevaluated(each)),
            ]),
          ),
        )
        for (const each of checks.filter(check => check.remedy !== null || cut(check.cause) !== check.cause)) {
          terminal.line(`\n  ${each.check}: ${each.cause}`)
          if (each.remedy !== null) terminal.line(`    what to do: ${each.remedy}`)
          const controls = each === database ? [] : unevaluated(each)
          if (controls.length > 0) terminal.line(`    not evaluated without it: ${controls.join(', ')}`)
        }
        terminal.line('')
      }
      terminal.document({
        database,
        sources: diagnoses.map(({ source, checks }) => ({
          source,
          checks: checks.map(each => ({
            ...each,
            remedy: each.remedy === null ? null : withConfig(each.remedy, options.config),
            controls: [...unevaluated(each)],
          })),
        })),
      })
      invocation.code = all.some(each => each.result === 'failed') ? exit.failed : exit.done
    })
}

/** Longest cause that stands in the table: with check and result it fits a wide terminal. The whole of a longer one stands below. */
const longestCause = 60

function cut(cause: string): string {
  return cause.length > longestCause ? `${cause.slice(0, longestCause - 1)}…` : cause
}

/** So many that a row stays a row; all of them stand in the remedy below the table and in the document. */
function shortened(controls: readonly string[]): string {
  return controls.length <= 2 ? controls.join(', ') : `${controls.slice(0, 2).join(', ')} and ${controls.length - 2} more`
}
