import type { Command } from 'commander'
import { isComplete, rollUp } from '../coverage.ts'
import { openLog } from '../log.ts'
import type { Json } from '../model.ts'
import { appendLedger, listSnapshots, readResources, readSnapshot } from '../store/index.ts'
import { showSnapshot, snapshotSummary } from './collect.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, positive, terminalOf } from './command.ts'
import { checksDataset, checksOf, showChecks } from './cross-checks.ts'
import { UsageError } from './exit.ts'
import { sourcesOf, storeOf } from './parts.ts'
import { gapDocument } from './results.ts'
import { addSnapshotsDiff } from './snapshots-diff.ts'
import { table } from './terminal.ts'

interface ListOptions extends CommonOptions {
  readonly source?: string
  readonly limit: string
}

interface ShowOptions extends CommonOptions {
  readonly version?: string
  readonly asOf?: string
}

export function addSnapshots(program: Command, invocation: Invocation): void {
  const snapshots = program.command('snapshots').description('list, show and compare what was collected')
  addCommand(snapshots, 'list', 'sealed snapshots, newest first')
    .option('--source <label>', 'only this source')
    .option('--limit <n>', 'how many at most', '1000')
    .action(async (options: ListOptions) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      await using store = await storeOf(config, openLog('warn'))
      const limit = positive(options.limit, '--limit')
      const found = await listSnapshots(store, { ...(options.source && { source: options.source }), limit: limit + 1 })
      const list = found.slice(0, limit)
      // a source that is configured may wait for its first
      if (found.length === 0 && options.source !== undefined) sourcesOf(config, options.source)
      const rows = list.map(each => [
        each.source,
        each.version,
        each.sealedAt.toISOString(),
        isComplete(each) ? 'complete' : 'INCOMPLETE',
        each.calls,
        each.digest,
      ])
      terminal.line(table(['source', 'version', 'sealed', 'coverage', 'calls', 'digest'], rows))
      if (found.length > limit) terminal.note(`there are older snapshots: --limit shows more than ${limit}`)
      terminal.document({ snapshots: list.map(snapshotSummary) })
    })
  addConfirm(snapshots, invocation)
  addCommand(snapshots, 'show', 'one snapshot: coverage for people, every fact with --json')
    .argument('<source>', 'label of the source')
    .option('--version <n>', 'this version (default: the last)')
    .option('--as-of <instant>', 'the last one sealed by then')
    .action(async (label: string, options: ShowOptions) => {
      const terminal = terminalOf(invocation, options)
      const which = whichOf(options)
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const snapshot = await readSnapshot(store, label, which)
      if (snapshot === null) throw new UsageError(`no such snapshot of ${label}`, 'see `evidenced snapshots list`')
      showSnapshot(terminal, snapshot)
      const checks = await checksOf(store, snapshot)
      showChecks(terminal, checks)
      if (!options.json) return
      const resources = new Map<string, Json[]>(snapshot.datasets.map(({ name }) => [name, []]))
      for await (const { dataset, place, parent, key, facts, digest, disposed } of readResources(store, snapshot)) {
        const gone = disposed === undefined ? {} : { disposed }
        resources.get(dataset)?.push({ key, parent, accountId: place.accountId, region: place.region, digest, facts, ...gone })
      }
      terminal.document({
        ...snapshotSummary(snapshot),
        identity: { ...snapshot.identity },
        gaps: snapshot.gaps.map(gapDocument),
        crossChecks: checks.map(check => ({ ...check })),
        // what we found beside what AWS said is shown as crossChecks
        datasets: rollUp(snapshot.datasets).map(row =>
          row.name === checksDataset ? { ...row } : { ...row, resources: resources.get(row.name) ?? [] },
        ),
      })
    })
  addSnapshotsDiff(snapshots, invocation)
}

/** Somebody says that a population really is so much smaller, or nothing: the next collection believes it. */
function addConfirm(snapshots: Command, invocation: Invocation): void {
  addCommand(
    snapshots,
    'confirm',
    'say that a sudden drop or an empty list in a snapshot is real; the next collection believes it',
  )
    .argument('<source>', 'label of the source')
    .argument('<version>', 'the snapshot that shows it')
    .action(async (label: string, version: string, options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const snapshot = await readSnapshot(store, label, whichOf({ ...options, version }))
      if (snapshot === null) throw new UsageError(`no such snapshot of ${label}`, 'see `evidenced snapshots list`')
      const confirmable = snapshot.gaps.filter(gap => ['unconfirmed_drop', 'unconfirmed_empty'].includes(gap.reason))
      const datasets = [...new Set(confirmable.map(gap => gap.dataset))].sort()
      if (datasets.length === 0)
        throw new UsageError(
          `snapshot ${version} of ${label} has no sudden drop and no empty list to confirm`,
          'confirm the snapshot whose datasets are incomplete with reason unconfirmed_drop or unconfirmed_empty',
        )
      const { position } = await appendLedger(store, 'confirmation', {
        source: label,
        version: snapshot.version,
        digest: snapshot.digest,
        datasets,
      })
      terminal.line(
        `Confirmed: ${datasets.join(', ')} of snapshot ${snapshot.version} (ledger entry ${position}). Collect again.`,
      )
      terminal.document({ source: label, version: snapshot.version, datasets, ledgerPosition: position })
    })
}

function whichOf(options: ShowOptions): 'latest' | { version: number } | { asOf: Date } {
  if (options.version !== undefined) {
    if (!/^[1-9]\d*$/.test(options.version))
      throw new UsageError(`${options.version} is no version`, 'write a number from `evidenced snapshots list`')
    return { version: Number(options.version) }
  }
  return options.asOf === undefined ? 'latest' : { asOf: instant(options.asOf) }
}
