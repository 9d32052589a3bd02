import type { Command } from 'commander'
import { type Config, retentionOf } from '../config.ts'
import { openLog } from '../log.ts'
import type { Json } from '../model.ts'
import {
  disposeCalls,
  previewCallDisposal,
  previewRetention,
  type RetentionRules,
  type RetentionStep,
  runRetention,
  sweepDisposed,
} from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { catalogOf, storeOf } from './parts.ts'
import { sweepDocument, sweepLines } from './sweep-lines.ts'
import { type Terminal, table } from './terminal.ts'

export function addRetention(program: Command, invocation: Invocation): void {
  const retention = program
    .command('retention')
    .description('remove what is older than the configuration asks to keep; digests stay')
  addCommand(retention, 'preview', 'what `retention run` would remove now, and what keeps the rest').action(
    (options: CommonOptions) => retain(invocation, options, previewRetention),
  )
  addCommand(
    retention,
    'run',
    'remove bodies and salts that no rule asks to keep and no hold keeps; the ledger says what went',
  ).action((options: CommonOptions) => retain(invocation, options, runRetention))
}

/** The rules of a configuration. A source that is not configured any more is kept for ever. */
export function rulesOf(config: Config): RetentionRules {
  const known = new Set(config.sources.map(source => source.label))
  return {
    of: label => (known.has(label) ? retentionOf(config, label) : { days: null, because: 'the source is not configured' }),
    imports: retentionOf(config, null),
  }
}

async function retain(
  invocation: Invocation,
  options: CommonOptions,
  work: typeof runRetention | typeof previewRetention,
): Promise<void> {
  const terminal = terminalOf(invocation, options)
  const config = configOf(invocation, options)
  catalogOf(config, terminal)
  const { days, sources, frameworks } = config.retention
  const canGo = days !== null || Object.keys(sources).length > 0
  for (const id of Object.keys(frameworks).filter(each => canGo && !config.frameworks.includes(each)))
    terminal.note(`evidenced: retention.frameworks.${id} has no effect until ${id} stands in frameworks`)
  await using store = await storeOf(config, openLog('warn'))
  const steps = await work(store, rulesOf(config))
  showSteps(terminal, steps)
  const { callLedgerDays } = config.retention
  const ofCalls = work === runRetention ? disposeCalls : previewCallDisposal
  const calls = callLedgerDays === null ? null : await ofCalls(store, callLedgerDays)
  if (calls !== null) {
    const entry = calls.ledgerPosition === null ? '' : `, ledger entry ${calls.ledgerPosition}`
    terminal.line(
      `single calls older than ${callLedgerDays} days: ${calls.calls} of ${calls.collections} collections, ${calls.sizeBytes} bytes${entry}`,
    )
  }
  const hasGone = work === runRetention && (steps.some(step => step.ledgerPosition !== null) || calls?.ledgerPosition != null)
  const sweep = hasGone ? await sweepDisposed(store, 'reuse') : null
  if (sweep !== null) for (const line of sweepLines(sweep, 'reuse')) terminal.line(line)
  terminal.document({
    ...{ disposed: work === runRetention, steps: steps.map(stepDocument) },
    sweep: sweep === null ? null : sweepDocument(sweep),
    calls: calls === null ? null : { ...calls, cutoff: calls.cutoff.toISOString() },
  })
}

function showSteps(terminal: Terminal, steps: readonly RetentionStep[]): void {
  const rows = steps.map(step => [
    step.source ?? 'imported files',
    step.rule.days === null ? 'for ever' : `${step.rule.days} days`,
    step.rule.because,
    step.cutoff?.toISOString() ?? '',
    step.resources,
    step.results,
    step.findings,
    step.importRows,
    step.sizeBytes,
    step.ledgerPosition ?? '',
  ])
  const head = ['what', 'kept', 'because', 'cutoff', 'resources', 'results', 'findings', 'import rows', 'bytes', 'ledger entry']
  terminal.line(table(head, rows))
  for (const step of steps) for (const hold of step.heldBy) terminal.line(`${step.source ?? 'imported files'}: kept by ${hold}`)
}

function stepDocument({ cutoff, rule, heldBy, ...step }: RetentionStep): Json {
  return { ...step, rule: { ...rule }, heldBy: [...heldBy], cutoff: cutoff?.toISOString() ?? null }
}
