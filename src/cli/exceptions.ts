import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { exceptionProblems, meaningProblem } from '../controls/index.ts'
import { exceptionState, scopeText } from '../exception.ts'
import { openLog } from '../log.ts'
import type { Exception, Json, RegisteredException } from '../model.ts'
import { exceptionRegister, reachProblems, readConfiguredExceptions } from '../pipeline/index.ts'
import { exceptionRegisterArtifact, type RegisterFormat, registerFormats } from '../reports/index.ts'
import { approveException, type ExceptionRequest, requestException, revokeException, type Store } from '../store/index.ts'
import { addCommand, type CommonOptions, type Invocation, instant, pastInstant, saying, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { writeArtifact } from './output.ts'
import { catalogOf, lookOf, storeOf } from './parts.ts'
import { type Terminal, table } from './terminal.ts'

interface RequestOptions extends CommonOptions {
  readonly control: readonly string[]
  readonly source?: string
  readonly subject: readonly string[]
  readonly match: readonly string[]
  readonly when?: string
  readonly reason: string
  readonly ticket?: string
  readonly by: string
  readonly expires: string
}

/** Fails that someone accepts for a time: asked for by one person, approved by another, and beside a status never in its place. */
export function addExceptions(program: Command, invocation: Invocation): void {
  const exceptions = program
    .command('exceptions')
    .description('fails that someone accepted for a time and someone else approved; they change no status')
  addList(exceptions, invocation)
  addRequest(exceptions, invocation)
  addCommand(exceptions, 'approve <id>', 'approve a request; never by the one who asked for it')
    .requiredOption('--by <person>', 'who approves')
    .action(async (id: string, options: CommonOptions & { readonly by: string }) => {
      await using opened = await open(invocation, options)
      await toldWithReach(opened, await approveException(opened.store, id, person(options.by)))
    })
  addCommand(exceptions, 'revoke <id>', 'end an exception before its time, or turn down a request')
    .requiredOption('--by <person>', 'who revokes')
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string, options: CommonOptions & { readonly by: string; readonly reason: string }) => {
      const reason = saying('--reason', options.reason)
      await using opened = await open(invocation, options)
      told(opened.terminal, await revokeException(opened.store, id, person(options.by), reason))
    })
  addReport(exceptions, invocation)
}

function addList(exceptions: Command, invocation: Invocation): void {
  addCommand(exceptions, 'list', 'every exception: of the file and by command')
    .option('--as-of <instant>', 'as they were known then (default: now)')
    .option('--state <state>', 'only requested, approved, lapsed or revoked')
    .action(async (options: CommonOptions & { readonly asOf?: string; readonly state?: string }) => {
      if (options.state !== undefined && !/^(requested|approved|lapsed|revoked)$/.test(options.state))
        throw new UsageError(`unknown state ${options.state}`, 'write requested, approved, lapsed or revoked')
      await using opened = await open(invocation, options)
      const { terminal } = opened
      const { register } = await known(opened, options.asOf)
      const chosen = register.filter(({ state }) => options.state === undefined || state === options.state)
      terminal.line(
        table(
          ['exception', 'state', 'controls', 'covers', 'fails', 'expires', 'requested by', 'approved by', 'reason'],
          chosen.map(each => [
            ...[each.id, each.state, each.controls.join(', '), each.problem ?? scopeText(each), each.covers],
            ...[each.expiresAt.slice(0, 10), each.requestedBy, each.approvedBy ?? '', each.reason],
          ]),
        ),
      )
      const reach = await reachProblems(opened, chosen.filter(mayFitNothing))
      for (const each of chosen) toldReach(terminal, each, reach)
      terminal.document({
        exceptions: chosen.map(each => ({ ...each, fitsNothing: reach.get(each.id) ?? null })) as unknown as Json,
      })
    })
  addCommand(exceptions, 'show <id>', 'one exception and everything known of it')
    .option('--as-of <instant>', 'as it was known then (default: now)')
    .action(async (id: string, options: CommonOptions & { readonly asOf?: string }) => {
      await using opened = await open(invocation, options)
      const found = (await known(opened, options.asOf)).register.find(each => each.id === id)
      if (found === undefined) throw new UsageError(`there is no exception ${id}`, 'see `evidenced exceptions list`')
      const reach = await reachProblems(opened, [found].filter(mayFitNothing))
      opened.terminal.line(lines(found))
      toldReach(opened.terminal, found, reach)
      opened.terminal.document({ ...found, fitsNothing: reach.get(id) ?? null } as unknown as Json)
    })
}

function addRequest(exceptions: Command, invocation: Invocation): void {
  const several = (value: string, before: readonly string[]) => [...before, value]
  addCommand(exceptions, 'request', 'ask for an exception; it covers nothing until someone else approves it')
    .requiredOption('--control <id>', 'control whose fails it covers; may be repeated', several, [])
    .requiredOption('--by <person>', 'who asks')
    .requiredOption('--reason <text>', 'why the fail is accepted')
    .requiredOption('--expires <day>', 'its last day or instant')
    .option('--source <label>', 'only this source')
    .option('--subject <key>', 'only this subject; may be repeated', several, [])
    .option(
      '--match <attribute=pattern>',
      'only subjects with this account, organizationalUnit, permissionSet, principal, application, name, key or tag:KEY; may be repeated',
      several,
      [],
    )
    .option('--when <expression>', "only subjects for which this CEL expression over the control's resource is true")
    .option('--ticket <text>', 'where it was discussed')
    .action(async (options: RequestOptions) => {
      const request = requestOf(options)
      await using opened = await open(invocation, options)
      const draft: Exception = {
        ...request,
        ...{ id: 'the request', origin: 'database', requestedAt: new Date().toISOString(), approvedBy: null, approvedAt: null },
        ...{ revokedBy: null, revokedAt: null, revokedReason: null },
      }
      const wrong =
        exceptionProblems(opened.catalog, [draft]).get(draft.id) ?? meaningProblem(draft, opened.config.exceptions.maxDays)
      if (wrong !== null && wrong !== undefined) throw new UsageError(wrong, 'see `evidenced exceptions request --help`')
      await toldWithReach(opened, await requestException(opened.store, request))
    })
}

function addReport(exceptions: Command, invocation: Invocation): void {
  addCommand(exceptions, 'report', 'write the register of exceptions')
    .option('--format <formats>', `${registerFormats.join(', ')}, commas between (default: all)`)
    .option('--as-of <instant>', 'as they were known then (default: now)')
    .option('--out <dir>', 'folder to write to', '.')
    .action(async (options: CommonOptions & { readonly format?: string; readonly asOf?: string; readonly out: string }) => {
      const formats = options.format === undefined ? registerFormats : options.format.split(',').map(formatOf)
      await using opened = await open(invocation, options)
      const { view } = await known(opened, options.asOf)
      const files: string[] = []
      for (const format of formats) {
        const artifact = exceptionRegisterArtifact(view, format, lookOf(opened.config))
        files.push(await writeArtifact(artifact, resolve(options.out), basename(artifact.path)))
        opened.terminal.line(files.at(-1)!)
      }
      opened.terminal.document({ asOf: view.asOf, files })
    })
}

interface Opened extends AsyncDisposable {
  readonly terminal: Terminal
  readonly config: Config
  readonly catalog: ReturnType<typeof catalogOf>
  readonly store: Store
}

async function open(invocation: Invocation, options: CommonOptions): Promise<Opened> {
  const terminal = terminalOf(invocation, options)
  const config = loadConfig(resolve(options.config), invocation.env)
  const catalog = catalogOf(config, terminal)
  const store = await storeOf(config, openLog('error'))
  return { terminal, config, catalog, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

async function known({ terminal, config, catalog, store }: Opened, asOf: string | undefined) {
  const wanted = asOf === undefined ? null : pastInstant(asOf, new Date())
  const problems = await readConfiguredExceptions({ store, catalog, log: openLog('error') }, config.exceptions)
  for (const line of problems) terminal.note(`evidenced: exceptions: ${line}`)
  return exceptionRegister({ store, catalog }, wanted ?? new Date())
}

function requestOf(options: RequestOptions): ExceptionRequest {
  const match = new Map<string, readonly string[]>()
  for (const text of options.match) {
    const [name, pattern] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]
    if (!text.includes('=') || name === '' || pattern === '')
      throw new UsageError(`--match ${text} is no attribute=pattern`, 'write e.g. --match account=111122223333')
    match.set(name, [...(match.get(name) ?? []), pattern])
  }
  const expires = instant(options.expires)
  if (expires <= new Date()) throw new UsageError(`--expires ${options.expires} has passed`, 'name a day to come')
  return {
    controls: options.control,
    scope: {
      source: options.source ?? null,
      subjects: options.subject.length === 0 ? null : options.subject,
      match: match.size === 0 ? null : Object.fromEntries(match),
      when: options.when ?? null,
    },
    reason: saying('--reason', options.reason),
    ticket: options.ticket ?? null,
    requestedBy: person(options.by),
    expiresAt: expires.toISOString(),
  }
}

function person(text: string): string {
  const name = text.trim()
  if (name === '') throw new UsageError('--by is empty', 'name a person')
  return name
}

function formatOf(text: string): RegisterFormat {
  const format = registerFormats.find(each => each === text.trim())
  if (format !== undefined) return format
  throw new UsageError(`unknown format ${text}`, `write one or more of ${registerFormats.join(', ')}`)
}

function told(terminal: Terminal, exception: Exception, more: { readonly [member: string]: Json } = {}): void {
  const state = exceptionState(exception, new Date())
  terminal.line(`${exception.id} is ${state}; it ends ${exception.expiresAt}`)
  terminal.document({ ...exception, state, ...more } as unknown as Json)
}

/** It is kept all the same: its subject may be there tomorrow. */
async function toldWithReach(opened: Opened, exception: Exception): Promise<void> {
  const reach = await reachProblems(opened, [exception])
  told(opened.terminal, exception, { fitsNothing: reach.get(exception.id) ?? null })
  toldReach(opened.terminal, exception, reach)
}

/** One that is in force or asked for, and that no fail meets. */
function mayFitNothing({ state, problem, covers }: RegisteredException): boolean {
  return problem === null && covers === 0 && (state === 'approved' || state === 'requested')
}

function toldReach(terminal: Terminal, { id, controls }: Exception, reach: ReadonlyMap<string, string>): void {
  const keys = `keys of subjects are in \`evidenced results --control ${controls[0]} --json\``
  if (reach.has(id)) terminal.note(`evidenced: ${id}: ${reach.get(id)}; ${keys}`)
}

function lines(exception: RegisteredException): string {
  const { scope: _, problem, ...rest } = exception
  const shown = { ...rest, controls: exception.controls.join(', '), scope: scopeText(exception), problem }
  return table(
    ['', exception.id],
    Object.entries(shown).flatMap(([name, value]) => (value === null || name === 'id' ? [] : [[name, String(value)]])),
  )
}
