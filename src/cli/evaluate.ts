import type { Command } from 'commander'
import { isComplete } from '../coverage.ts'
import { isAhead } from '../daemon/index.ts'
import { openLog, silent } from '../log.ts'
import type { Json, SavedEvaluation, Snapshot, StatusCounts } from '../model.ts'
import { explainSubject, mistakesOf, presentInstant, readConfiguredExceptions, runEvaluation } from '../pipeline/index.ts'
import { type GapCause, gapCauses } from '../reports/index.ts'
import { addCounts } from '../status-counts.ts'
import { readSnapshot, type Store } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, pastInstant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { printExplanations } from './explain.ts'
import { catalogOf, headsOf, storeOf } from './parts.ts'
import { recordSetup } from './setup-record.ts'
import { table } from './terminal.ts'
import { noHeadOf, watchedHeads } from './watched-heads.ts'

interface Options extends CommonOptions {
  readonly asOf?: string
  readonly control?: string
  readonly subject?: string
  readonly explain: boolean
}

/** One control over all sources. */
export interface ControlCounts extends StatusCounts {
  readonly id: string
  readonly title: string
  readonly severity: string
}

export function addEvaluate(program: Command, invocation: Invocation): void {
  addCommand(program, 'evaluate', 'judge the snapshots with the controls')
    .option('--as-of <instant>', 'the last snapshots sealed by then (default: now)')
    .option('--explain', 'show why one subject has its status, and keep nothing', false)
    .option('--control <id>', 'with --explain: the control')
    .option('--subject <key>', 'with --explain: the key of the subject')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      if (options.explain !== (options.control !== undefined) || options.explain !== (options.subject !== undefined))
        throw new UsageError('--explain, --control and --subject go together', 'name a control and the key of a subject')
      const config = configOf(invocation, options)
      const wanted = options.asOf === undefined ? null : pastInstant(options.asOf, new Date())
      const log = openLog(config.logLevel === 'info' ? 'warn' : config.logLevel)
      const catalog = catalogOf(config, terminal)
      await using store = await storeOf(config, log)
      const broken = await readConfiguredExceptions({ store, catalog, log: silent }, config.exceptions)
      for (const line of broken) terminal.note(`evidenced: exceptions: ${line}`)
      const asOf = wanted ?? (await presentInstant(store, new Date()))
      const clock = new Date()
      if (isAhead(asOf, clock))
        terminal.note(
          `evidenced: the clock says ${clock.toISOString()}, and something on record is of ${asOf.toISOString()}: set the clock by NTP; how old that is cannot be said until then`,
        )
      if (options.explain && options.control !== undefined && options.subject !== undefined) {
        printExplanations(terminal, await explainSubject({ store, catalog }, asOf, options.control, options.subject))
        return
      }
      await recordSetup(store, config, catalog)
      const outside = await headsOf(config, invocation.env)
      const watched = watchedHeads(outside.sinks)
      const heads = { ...outside, sinks: watched.sinks }
      const evaluation = await runEvaluation({ store, catalog, log, heads }, asOf, config.findings)
      const counts = countsOf(evaluation)
      const rows = counts.map(each => [
        each.id,
        each.severity,
        population(each),
        each.pass,
        each.fail,
        each.unknown,
        each.notApplicable,
        each.excepted,
      ])
      terminal.line(`as of ${asOf.toISOString()}, evaluation ${evaluation.id}, digest ${evaluation.digest}`)
      terminal.line(table(['control', 'severity', 'population', 'pass', 'fail', 'unknown', 'n/a', 'excepted'], rows))
      const headFailure = watched.failure()
      if (headFailure !== null) terminal.note(`evidenced: ${noHeadOf(`evaluation ${evaluation.id}`, headFailure)}`)
      const causes = gapCauses(evaluation.outcomes)
      if (causes.length > 0) {
        terminal.line(causeTable(causes.slice(0, shownCauses)))
        if (causes.length > shownCauses) terminal.line(`and ${causes.length - shownCauses} more; --json names all`)
      }
      for (const outcome of evaluation.outcomes) {
        if (outcome.error !== null)
          terminal.note(`evidenced: ${outcome.control.id} is broken and decides nothing: ${outcome.error}`)
      }
      terminal.document({
        asOf: asOf.toISOString(),
        catalog: evaluation.catalogDigest,
        evaluation: evaluation.id,
        digest: evaluation.digest,
        snapshots: evaluation.snapshots.map(each => ({ ...each })),
        controls: counts.map(each => ({ ...each })) as Json,
        causes: causes.map(({ source, gap, results, controls }) => ({
          source,
          ...gap,
          place: { ...gap.place },
          results,
          controls,
        })),
        ...(headFailure === null ? {} : { headMissing: headFailure }),
      })
      const whole =
        (await snapshotsOf(store, evaluation)).every(isComplete) &&
        mistakesOf(catalog, evaluation).length === 0 &&
        broken.length === 0 &&
        headFailure === null
      invocation.code = whole ? exit.done : exit.incomplete
    })
}

const shownCauses = 20

/** What makes results unknown, the gap behind most of them first. */
function causeTable(causes: readonly GapCause[]): string {
  return table(
    ['unknown', 'because of', 'of', 'reason', 'grant', 'controls'],
    causes.map(({ gap, results, controls }) => [
      results,
      gap.dataset,
      gap.key ?? (gap.parent === '' ? gap.place.accountId : gap.parent),
      gap.reason,
      gap.action ?? '',
      controls.length > 4 ? `${controls.slice(0, 4).join(', ')} and ${controls.length - 4} more` : controls.join(', '),
    ]),
  )
}

/** The snapshots an evaluation rests on. */
async function snapshotsOf(store: Store, evaluation: SavedEvaluation): Promise<readonly Snapshot[]> {
  const found = await Promise.all(evaluation.snapshots.map(({ source, version }) => readSnapshot(store, source, { version })))
  return found.filter(snapshot => snapshot !== null)
}

/** Counts per control, summed over sources, in control order. */
export function countsOf(evaluation: SavedEvaluation): readonly ControlCounts[] {
  const byId = Map.groupBy(evaluation.outcomes, ({ control }) => control.id)
  return [...byId].map(([id, outcomes]) => {
    const { title, severity } = outcomes.at(-1)!.control
    return { id, title, severity, ...addCounts(outcomes) }
  })
}

function population(counts: ControlCounts): string {
  return `${counts.populationIsLowerBound ? '>= ' : ''}${counts.population}`
}
