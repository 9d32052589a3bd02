import type { Command } from 'commander'
import { openLog } from '../log.ts'
import { diagnose, localBudget, openAws } from '../sources/index.ts'
import { softwareVersion } from '../version.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { exit } from './exit.ts'
import { sourcesOf, storeOf } from './parts.ts'
import { table } from './terminal.ts'

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
      for (const { source, checks } of [{ source: 'this machine', checks: [database] }, ...diagnoses]) {
        terminal.line(`${source}:`)
        terminal.line(
          table(
            ['check', 'result', 'cause'],
            checks.map(each => [each.check, each.result, each.cause]),
          ),
        )
        for (const each of checks.filter(check => check.remedy !== null)) terminal.line(`\n  ${each.check}: ${each.remedy}`)
        terminal.line('')
      }
      terminal.document({
        database,
        sources: diagnoses.map(({ source, checks }) => ({ source, checks: checks.map(each => ({ ...each })) })),
      })
      invocation.code = all.some(each => each.result === 'failed') ? exit.failed : exit.done
    })
}
