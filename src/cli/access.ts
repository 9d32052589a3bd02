import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { AccessAnswer, AccessPath, Json, UnreadPart } from '../model.ts'
import { type Cell, csvOf } from '../reports/index.ts'
import { access } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { storeOf } from './parts.ts'
import { type Terminal, table } from './terminal.ts'

interface Options extends CommonOptions {
  readonly account?: string
  readonly user?: string
  readonly permissionSet?: string
  readonly source?: string
  readonly admin?: boolean
  readonly ids?: boolean
  readonly asOf?: string
  readonly during?: string
  readonly format?: string
}

export function addAccess(program: Command, invocation: Invocation): void {
  addCommand(program, 'access', 'who can reach what, by which path, and since when')
    .option('--account <account>', 'account id or name')
    .option('--user <user>', 'user id or name')
    .option('--permission-set <set>', 'permission set ARN or name')
    .option(
      '--admin',
      'only what policy analysis calls admin or able to become it, and what it could not decide; needs an evaluation',
    )
    .option('--ids', 'ids only: names are not looked up, nor whether users still exist')
    .option('--source <label>', 'only this source')
    .option('--as-of <instant>', 'as the last snapshot sealed by then saw it (default: now)')
    .option('--during <from..to>', 'every path that a snapshot of this period shows')
    .option('--format <format>', 'csv or json instead of a table')
    .action(async (options: Options) => {
      const format = formatOf(options)
      const terminal = terminalOf(invocation, { ...options, json: format === 'json' })
      const { account, user, permissionSet, source } = options
      if (account === undefined && user === undefined && permissionSet === undefined) {
        throw new UsageError('whose access?', 'name --account, --user or --permission-set, or several of them')
      }
      const asked = {
        ...(account && { account }),
        ...(user && { user }),
        ...(permissionSet && { permissionSet }),
        ...(source && { source }),
      }
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const answer = await access(store, {
        ...asked,
        when: whenOf(options),
        onlyAdmin: options.admin === true,
        isIdsOnly: options.ids === true,
      })
      if (format === 'csv')
        for await (const chunk of csvOf(columns, cellsOf(answer))) invocation.streams.stdout.write(Buffer.from(chunk).toString())
      else if (format === 'json') terminal.document(documentOf(answer))
      else showAnswer(terminal, answer)
      for (const line of unreadLines(answer.unread)) terminal.note(line)
      for (const text of answer.disposed) terminal.note(text)
    })
}

function formatOf({ format, json }: Options): 'table' | 'csv' | 'json' {
  if (format === undefined) return json ? 'json' : 'table'
  if (format !== 'csv' && format !== 'json') throw new UsageError(`unknown format ${format}`, 'write csv or json')
  if (format === 'csv' && json) throw new UsageError('--json and --format csv exclude each other')
  return format
}

function whenOf({ asOf, during }: Options): { readonly asOf: Date } | { readonly from: Date; readonly to: Date } {
  if (during === undefined) return { asOf: asOf === undefined ? new Date() : instant(asOf) }
  if (asOf !== undefined) throw new UsageError('--as-of and --during exclude each other')
  const [from, to, more] = during.split('..')
  if (from === undefined || to === undefined || more !== undefined)
    throw new UsageError(`${JSON.stringify(during)} is no period`, 'write 2026-04-01..2026-06-30')
  const period = { from: beginOf(from), to: instant(to) }
  if (period.from > period.to) throw new UsageError('the period ends before it begins')
  return period
}

/** A day that a period begins with means its beginning. */
function beginOf(text: string): Date {
  const at = instant(text)
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : at
}

function showAnswer(terminal: Terminal, answer: AccessAnswer): void {
  for (const { source, version, sealedAt } of answer.snapshots)
    terminal.line(`${source}: as snapshot ${version} saw it, sealed ${sealedAt.toISOString()}`)
  const rows = [...answer.paths].map(path => [
    named(path.user) + userRemark(path),
    path.group === null ? 'directly' : `group ${named(path.group)}`,
    (path.permissionSet.name ?? path.permissionSet.arn) + powers[path.classification ?? 'none'],
    named(path.account),
    path.state === 'unknown' ? `unknown since ${path.knownUntil?.toISOString() ?? 'it may have begun'}` : path.state,
    interval(path.beganAfter, path.beganBy, 'or earlier'),
    path.endedBy === null && path.endedAfter !== null
      ? `seen ${path.endedAfter.toISOString()}`
      : interval(path.endedAfter, path.endedBy, ''),
  ])
  terminal.line(table(['user', 'by', 'permission set', 'account', 'state', 'began', 'ended'], rows))
  terminal.line(
    `${rows.length} ${rows.length === 1 ? 'path' : 'paths'}${answer.unread.length === 0 ? '' : '; there may be more: see below'}`,
  )
}

const powers = { none: '', admin: ', admin', can_escalate: ', can become admin', unknown: ', may be admin' } as const

function named({ id, name }: { readonly id: string; readonly name: string | null }): string {
  return name === null ? id : `${name} (${id})`
}

function userRemark({ user }: AccessPath): string {
  if (user.presence === 'deleted') return ', deleted'
  if (user.presence === 'not_read') return ', not read'
  return user.status === null || user.status === 'ENABLED' ? '' : `, ${user.status.toLowerCase()}`
}

function interval(after: Date | null, by: Date | null, otherwise: string): string {
  if (by === null) return after === null ? 'not seen' : `${after.toISOString()} .. not seen`
  return after === null ? `${by.toISOString()} ${otherwise}`.trim() : `${after.toISOString()} .. ${by.toISOString()}`
}

/** What could not be read and why the answer may lack something; parts of one dataset in one line, with the reason of the first. */
export function unreadLines(unread: readonly UnreadPart[]): string[] {
  const groups = Map.groupBy(unread, ({ source, version, dataset, coverage }) => `${source} ${version} ${dataset} ${coverage}`)
  return [...groups.values()].map(parts => {
    const { source, version, dataset, place, parent, coverage, reason } = parts[0]!
    const first = parent === '' ? `account ${place.accountId}` : parent
    const which = parts.length === 1 ? parent : `${first} and ${parts.length - 1} more`
    const what = which === '' ? dataset : `${dataset} of ${which}`
    return `not read in snapshot ${version} of ${source}: ${what}: ${coverage}${reason === null ? '' : `, ${reason}`}`
  })
}

/** Bookkeeping of an unread part for programs. */
export function unreadDocument({ place, ...part }: UnreadPart): Json {
  return { ...part, accountId: place.accountId, region: place.region }
}

const columns = [
  ...[
    'source',
    'accountId',
    'accountName',
    'permissionSetArn',
    'permissionSetName',
    'userId',
    'userName',
    'userStatus',
    'userPresence',
  ],
  ...['groupId', 'groupName', 'classification', 'state', 'knownUntil', 'beganAfter', 'beganBy', 'endedAfter', 'endedBy'],
]

function* cellsOf({ paths }: AccessAnswer): Generator<Cell[]> {
  for (const path of paths) {
    const { account, permissionSet, user, group } = path
    yield [
      ...[
        path.source,
        account.id,
        account.name,
        permissionSet.arn,
        permissionSet.name,
        user.id,
        user.name,
        user.status,
        user.presence,
      ],
      ...[
        group?.id ?? null,
        group?.name ?? null,
        path.classification,
        path.state,
        text(path.knownUntil),
        text(path.beganAfter),
        text(path.beganBy),
      ],
      ...[text(path.endedAfter), text(path.endedBy)],
    ]
  }
}

function documentOf(answer: AccessAnswer): Json {
  return {
    snapshots: answer.snapshots.map(({ source, version, sealedAt, digest }) => ({
      source,
      version,
      sealedAt: sealedAt.toISOString(),
      digest,
    })),
    unread: answer.unread.map(unreadDocument),
    disposed: [...answer.disposed],
    paths: [...answer.paths].map(path => ({
      ...{ source: path.source, user: { ...path.user }, group: path.group === null ? null : { ...path.group } },
      ...{
        permissionSet: { ...path.permissionSet },
        account: { ...path.account },
        classification: path.classification,
        state: path.state,
        knownUntil: text(path.knownUntil),
      },
      ...{
        beganAfter: text(path.beganAfter),
        beganBy: text(path.beganBy),
        endedAfter: text(path.endedAfter),
        endedBy: text(path.endedBy),
      },
    })),
  }
}

function text(time: Date | null): string | null {
  return time?.toISOString() ?? null
}
