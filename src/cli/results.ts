import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { Gap, Json, Status } from '../model.ts'
import { latestResults } from '../pipeline/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { catalogOf, storeOf } from './parts.ts'
import { table } from './terminal.ts'

interface Options extends CommonOptions {
  readonly control: string
  readonly asOf?: string
  readonly status?: string
}

const statuses: readonly Status[] = ['pass', 'fail', 'unknown', 'not_applicable']

export function addResults(program: Command, invocation: Invocation): void {
  addCommand(program, 'results', 'what a control found, subject by subject, in the last evaluation')
    .requiredOption('--control <id>', 'control, e.g. IDC-USER-001')
    .option('--as-of <instant>', 'the last evaluation as of then (default: the last one)')
    .option('--status <status>', `only ${statuses.join(', ')}`)
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      if (options.status !== undefined && !statuses.some(status => status === options.status)) {
        throw new UsageError(`unknown status ${options.status}`, `write one of ${statuses.join(', ')}`)
      }
      const config = configOf(invocation, options)
      const log = openLog('warn')
      const catalog = catalogOf(config, terminal)
      await using store = await storeOf(config, log)
      const asOf = options.asOf === undefined ? null : instant(options.asOf)
      const { evaluation, results } = await latestResults({ store, catalog }, options.control, asOf)
      const chosen = results.filter(result => options.status === undefined || result.status === options.status)
      terminal.line(`${options.control}, as of ${evaluation.asOf.toISOString()}: ${chosen.length} results`)
      terminal.line(
        table(
          ['status', 'excepted by', 'subject', 'name', 'reason'],
          chosen.map(({ subject, status, reason, exceptions = [] }) => [
            ...[status, exceptions.join(', '), subject.key, subject.name, reason],
          ]),
        ),
      )
      terminal.document({
        control: options.control,
        asOf: evaluation.asOf.toISOString(),
        evaluation: evaluation.id,
        results: chosen.map(({ subject, status, reason, facts, gaps, exceptions = [] }) => ({
          source: subject.source,
          subject: subject.key,
          type: subject.type,
          name: subject.name,
          status,
          reason,
          facts,
          gaps: gaps.map(gapDocument),
          exceptions,
        })),
      })
    })
}

/** A gap as programs read it: what could not be read, and the IAM action that would help. */
export function gapDocument(gap: Gap): Json {
  const { dataset, place, parent, key, member, reason, action, errorCode, message } = gap
  return { dataset, accountId: place.accountId, region: place.region, parent, key, member, reason, action, errorCode, message }
}
