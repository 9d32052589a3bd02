import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { Json } from '../model.ts'
import { addHold as add, type Hold, type HoldScope, listHolds, releaseHold } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, saying, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { storeOf } from './parts.ts'
import { table } from './terminal.ts'

interface AddOptions extends CommonOptions {
  readonly all: boolean
  readonly source?: string
  readonly user?: string
  readonly reason: string
  readonly by?: string
}

interface ReleaseOptions extends CommonOptions {
  readonly reason: string
  readonly by?: string
}

export function addHold(program: Command, invocation: Invocation): void {
  const hold = program.command('hold').description('legal holds: what they cover is not disposed of while they stand')
  addCommand(hold, 'add', 'keep everything, a source or a person, whatever retention or a request for erasure says')
    .option('--all', 'everything', false)
    .option('--source <label>', 'a source, or with --user the source of the person')
    .option('--user <id or name>', 'one person (of an IAM user, the ARN); the hold keeps the id')
    .requiredOption('--reason <text>', 'why; it stays in the ledger for good, so name no person in it')
    .option('--by <name>', 'who says so (default: the user of this process)')
    .action(async (options: AddOptions) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const scope = scopeOf(
        options,
        config.sources.map(source => source.label),
      )
      const reason = saying('--reason', options.reason)
      await using store = await storeOf(config, openLog('warn'))
      const made = await add(store, scope, reason, options.by ?? userInfo().username)
      terminal.line(`hold ${made.id} on ${scopeText(made.scope)}, by ${made.by}: ${made.reason}`)
      terminal.document(holdDocument(made))
    })
  addCommand(hold, 'release', 'end a hold; both its beginning and its end stay in the ledger')
    .argument('<id>', 'see `evidenced hold list`')
    .requiredOption('--reason <text>', 'why')
    .option('--by <name>', 'who says so (default: the user of this process)')
    .action(async (id: string, options: ReleaseOptions) => {
      const terminal = terminalOf(invocation, options)
      if (!/^[1-9]\d{0,14}$/.test(id)) throw new UsageError(`${id} is no hold`, 'write a number from `evidenced hold list`')
      const reason = saying('--reason', options.reason)
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const released = await releaseHold(store, Number(id), reason, options.by ?? userInfo().username)
      terminal.line(`hold ${id} on ${scopeText(released.scope)} is released`)
      terminal.document(holdDocument(released))
    })
  addCommand(hold, 'list', 'every hold, newest first, released ones too').action(async (options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    await using store = await storeOf(configOf(invocation, options), openLog('warn'))
    const holds = await listHolds(store)
    terminal.line(
      table(
        ['hold', 'on', 'since', 'by', 'reason', 'released', 'why'],
        holds.map(({ id, scope, addedAt, by, reason, released }) => [
          ...[id, scopeText(scope), addedAt.toISOString(), by, reason],
          ...[released?.at.toISOString() ?? '', released === null ? '' : `${released.reason} (${released.by})`],
        ]),
      ),
    )
    terminal.document({ holds: holds.map(holdDocument) })
  })
}

function scopeOf({ all, source, user }: AddOptions, labels: readonly string[]): HoldScope {
  if (all) {
    if (source !== undefined || user !== undefined) throw new UsageError('--all excludes --source and --user')
    return { kind: 'all' }
  }
  if (user !== undefined) return { kind: 'person', source: source ?? onlySource(labels), user }
  if (source === undefined) throw new UsageError('what is it on?', 'write --all, --source LABEL, or --user ID')
  return { kind: 'source', source }
}

/** @throws {UsageError} when there are several */
export function onlySource(labels: readonly string[]): string {
  const [only, more] = labels
  if (only === undefined || more !== undefined)
    throw new UsageError('there are several sources', `name one with --source: ${labels.join(', ')}`)
  return only
}

function scopeText(scope: HoldScope): string {
  if (scope.kind === 'all') return 'everything'
  return scope.kind === 'source' ? `source ${scope.source}` : `user ${scope.user} of ${scope.source}`
}

function holdDocument({ addedAt, released, scope, ...hold }: Hold): Json {
  return {
    ...hold,
    scope: { ...scope },
    addedAt: addedAt.toISOString(),
    released: released === null ? null : { ...released, at: released.at.toISOString() },
  }
}
