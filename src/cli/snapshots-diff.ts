import type { Command } from 'commander'
import { canonicalJson } from '../digest.ts'
import { openLog } from '../log.ts'
import type { Change, Facts, Json, Snapshot, SnapshotDiff } from '../model.ts'
import { type Cell, csvOf } from '../reports/index.ts'
import { diff, readSnapshot, type Store, withNames } from '../store/index.ts'
import { unreadDocument, unreadLines } from './access.ts'
import { type ChangeSet, changeSets, changeSetsOf, countSets } from './change-sets.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { checksDataset } from './cross-checks.ts'
import { UsageError } from './exit.ts'
import { storeOf } from './parts.ts'
import { table } from './terminal.ts'

type NamedChange = Change & { readonly name: string }

interface Options extends CommonOptions {
  readonly from: string
  readonly to: string
  readonly dataset?: string
  readonly only?: string
  readonly format?: string
}

export function addSnapshotsDiff(snapshots: Command, invocation: Invocation): void {
  addCommand(snapshots, 'diff', 'what was added, removed and changed between two snapshots, with before and after')
    .argument('<source>', 'label of the source')
    .requiredOption('--from <version|instant>', 'a version, or an instant: the last snapshot sealed by then')
    .option('--to <version|instant>', 'the same; default: the last snapshot', 'latest')
    .option('--dataset <name>', 'only this dataset, e.g. sso.account_assignments')
    .option('--only <set>', `one of ${changeSets.join(', ')}`)
    .option('--format <format>', 'csv or json instead of a table')
    .action(async (label: string, options: Options) => {
      const { format } = options
      if (format !== undefined && format !== 'csv' && format !== 'json')
        throw new UsageError(`unknown format ${format}`, 'write csv or json')
      const only = changeSets.find(set => set === options.only) ?? null
      if (options.only !== undefined && only === null)
        throw new UsageError(`unknown set of changes ${options.only}`, `write one of ${changeSets.join(', ')}`)
      const terminal = terminalOf(invocation, { ...options, json: options.json || format === 'json' })
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const found = await diff(store, await snapshotOf(store, label, options.from), await snapshotOf(store, label, options.to))
      const later = found.from.version > found.to.version ? found.from : found.to
      const chosen = withNames(store, later, changesOf(found, options.dataset, only))
      if (format === 'csv') {
        for await (const chunk of csvOf(columns, cellsOf(chosen))) invocation.streams.stdout.write(Buffer.from(chunk).toString())
      } else if (terminal.json) terminal.document(documentOf(found, await Array.fromAsync(chosen)))
      else {
        const changes = await Array.fromAsync(chosen)
        terminal.line(`${label}: ${when(found.from)} to ${when(found.to)}`)
        for (const [dataset, list] of Map.groupBy(changes, each => each.dataset)) {
          terminal.line(`\n${dataset}: ${countsOf(list)}`)
          terminal.line(table(['what', 'name', 'key', 'shown', 'difference'], list.map(rowOf)))
        }
        if (changes.length === 0) terminal.line('no difference')
        else
          terminal.line(
            `\n${Object.entries(countSets(changes))
              .map(([set, count]) => `${set}: ${count}`)
              .join(', ')}`,
          )
      }
      for (const line of unreadLines(found.unread)) terminal.note(line)
    })
}

async function snapshotOf(store: Store, label: string, text: string): Promise<Snapshot> {
  const which = text === 'latest' ? 'latest' : /^[1-9]\d{0,8}$/.test(text) ? { version: Number(text) } : { asOf: instant(text) }
  const snapshot = await readSnapshot(store, label, which)
  if (snapshot === null) throw new UsageError(`no snapshot ${text} of ${label}`, 'see `evidenced snapshots list`')
  return snapshot
}

/** What AWS holds, or the dataset that was asked for: cross-checks are our own findings, with another seed each time. */
async function* changesOf(
  { changes }: SnapshotDiff,
  dataset: string | undefined,
  only: ChangeSet | null,
): AsyncGenerator<Change> {
  for await (const change of changes) {
    if (only !== null && !changeSetsOf(change).includes(only)) continue
    if (dataset === undefined ? change.dataset !== checksDataset : change.dataset === dataset) yield change
  }
}

function when({ version, sealedAt }: Snapshot): string {
  return `version ${version} (${sealedAt.toISOString()})`
}

function countsOf(changes: readonly Change[]): string {
  return [...Map.groupBy(changes, each => each.kind)].map(([kind, list]) => `${list.length} ${kind}`).join(', ')
}

function rowOf({ kind, name, key, shownAt, before, after, beforeDisposed, afterDisposed }: NamedChange): (string | number)[] {
  const gone = [
    ...(beforeDisposed === undefined ? [] : [`before: ${beforeDisposed}`]),
    ...(afterDisposed === undefined ? [] : [`after: ${afterDisposed}`]),
  ]
  const isBoth = before !== null && after !== null
  return [kind, name, key, shownAt.toISOString(), isBoth ? differences(before, after) : gone.join('; ')]
}

/** The members that differ, each as before -> after. */
function differences(before: Facts, after: Facts): string {
  const members = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const shown = (value: Json | undefined) => (value === undefined ? 'not sent' : JSON.stringify(value))
  const text = (value: Json | undefined) => (value === undefined ? '' : canonicalJson(value))
  const differing = members.filter(member => text(before[member]) !== text(after[member]))
  return differing.map(member => `${member}: ${shown(before[member])} -> ${shown(after[member])}`).join('; ')
}

const columns = ['kind', 'dataset', 'accountId', 'region', 'parent', 'key', 'shownAt', 'before', 'after', 'name']

async function* cellsOf(changes: AsyncIterable<NamedChange>): AsyncGenerator<Cell[]> {
  const text = (facts: Facts | null) => (facts === null ? null : canonicalJson(facts))
  for await (const {
    kind,
    dataset,
    place,
    parent,
    key,
    shownAt,
    before,
    after,
    beforeDisposed,
    afterDisposed,
    name,
  } of changes) {
    const sides = [text(before) ?? beforeDisposed ?? null, text(after) ?? afterDisposed ?? null]
    yield [kind, dataset, place.accountId, place.region, parent, key, shownAt.toISOString(), ...sides, name]
  }
}

function documentOf({ from, to, unread }: SnapshotDiff, changes: readonly NamedChange[]): Json {
  const side = ({ version, sealedAt, digest }: Snapshot) => ({ version, sealedAt: sealedAt.toISOString(), digest })
  return {
    ...{ source: to.source, from: side(from), to: side(to), unread: unread.map(unreadDocument) },
    sets: countSets(changes),
    changes: changes.map(({ place, shownAt, ...change }) => ({
      ...{ ...change, accountId: place.accountId, region: place.region, shownAt: shownAt.toISOString() },
    })),
  }
}
