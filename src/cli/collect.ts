import type { Command } from 'commander'
import { isComplete, isOpen, rollUp } from '../coverage.ts'
import { explain } from '../errors.ts'
import { openLog } from '../log.ts'
import type { Json, Snapshot } from '../model.ts'
import { runCollection } from '../pipeline/index.ts'
import { addCommand, type CommonOptions, codeOf, configOf, type Invocation, terminalOf } from './command.ts'
import { checksOf, showChecks } from './cross-checks.ts'
import { exit } from './exit.ts'
import { awsOf, headsOf, sourcesOf, storeOf } from './parts.ts'
import { recordSetup } from './setup-record.ts'
import { type Terminal, table } from './terminal.ts'
import { noHeadOf, watchedHeads } from './watched-heads.ts'

interface Options extends CommonOptions {
  readonly source?: string
  readonly prove: boolean
}

export function addCollect(program: Command, invocation: Invocation): void {
  addCommand(program, 'collect', 'read AWS and keep a snapshot')
    .option('--source <label>', 'only this source')
    .option('--prove', 'cross-check whole populations, not samples: every account and every user and group is asked for', false)
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const sources = sourcesOf(config, options.source)
      const log = openLog(config.logLevel === 'info' ? 'warn' : config.logLevel)
      await using store = await storeOf(config, log)
      await recordSetup(store, config, null)
      await using aws = awsOf(store, log, invocation.env)
      const outside = await headsOf(config, invocation.env)
      const headsMissing: Json[] = []
      const snapshots: Snapshot[] = []
      const errors: Json[] = []
      for (const source of sources) {
        if (invocation.signal.aborted) break
        try {
          const watched = watchedHeads(outside.sinks)
          const heads = { ...outside, sinks: watched.sinks }
          const parts = { aws, store, now: () => new Date(), log, heads }
          const snapshot = await runCollection(parts, source, {
            signal: invocation.signal,
            onProgress: terminal.progress,
            checks: options.prove ? 'exhaustive' : 'sampled',
          })
          snapshots.push(snapshot)
          showSnapshot(terminal, snapshot)
          showChecks(terminal, await checksOf(store, snapshot))
          const headFailure = watched.failure()
          if (headFailure === null) continue
          terminal.note(`evidenced: ${source.label}: ${noHeadOf(`snapshot ${snapshot.version}`, headFailure)}`)
          headsMissing.push({ source: source.label, version: snapshot.version, message: headFailure })
        } catch (error) {
          terminal.note(`evidenced: ${source.label}: ${explain(error)}`)
          errors.push({ source: source.label, code: codeOf(error), message: explain(error) })
        }
      }
      terminal.document({
        snapshots: snapshots.map(snapshotSummary),
        ...(errors.length === 0 ? {} : { errors }),
        ...(headsMissing.length === 0 ? {} : { headsMissing }),
      })
      const isWhole = snapshots.every(isComplete) && headsMissing.length === 0
      invocation.code = errors.length > 0 ? exit.failed : isWhole ? exit.done : exit.incomplete
    })
}

/** What `collect --json` and `snapshots list --json` say of a snapshot. */
export function snapshotSummary(snapshot: Snapshot): { readonly [member: string]: Json } {
  return {
    source: snapshot.source,
    version: snapshot.version,
    digest: snapshot.digest,
    sealedAt: snapshot.sealedAt.toISOString(),
    complete: isComplete(snapshot),
    datasets: rollUp(snapshot.datasets).map(row => ({ ...row })),
  }
}

/** Coverage by dataset, and what to grant where something was refused. */
export function showSnapshot(terminal: Terminal, snapshot: Snapshot): void {
  const rows = rollUp(snapshot.datasets)
  terminal.line(`${snapshot.source}: snapshot ${snapshot.version}, ${snapshot.calls} calls, digest ${snapshot.digest}`)
  terminal.line(
    table(
      ['dataset', 'coverage', 'count', 'calls'],
      rows.map(row => [row.name, row.coverage, row.count, row.calls]),
    ),
  )
  if (isComplete(snapshot)) return
  terminal.line('')
  terminal.line('INCOMPLETE. What depends on these is unknown, not absent:')
  for (const row of rows.filter(each => isOpen(each.coverage)))
    terminal.line(`  ${row.name}: ${row.coverage}: ${row.reason ?? 'no reason given'}`)
  const actions = missingActions(snapshot)
  if (actions.length > 0) terminal.line(`Grant to the collecting role: ${actions.join(', ')}`)
}

function missingActions(snapshot: Snapshot): readonly string[] {
  const refused = snapshot.gaps.filter(gap => gap.reason === 'access_denied' && gap.action !== null)
  return [...new Set(refused.map(gap => gap.action!))].sort()
}
