import type { Command } from 'commander'
import { openLog } from '../log.ts'
import type { Finding, FindingNote, Json, Severity } from '../model.ts'
import {
  type Assignment,
  assignFinding,
  type FindingFilter,
  findingFigures,
  noteFinding,
  readFinding,
  readFindings,
} from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, saying, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { storeOf } from './parts.ts'
import { table } from './terminal.ts'

interface ListOptions extends CommonOptions {
  readonly state?: string
  readonly kind?: string
  readonly control?: string
  readonly source?: string
  readonly severity?: string
  readonly owner?: string
  readonly subject?: string
  readonly excepted: boolean
  readonly overdue: boolean
  readonly dueBefore?: string
}

/** Failing subjects over time: when each was opened, resolved and opened again, whose it is, and until when it is to be mended. */
export function addFindings(program: Command, invocation: Invocation): void {
  const findings = program
    .command('findings')
    .description('failing subjects over time: opened, resolved, reopened; owner, ticket, due date and notes')
  addList(findings, invocation)
  addCommand(findings, 'show <finding>', 'one finding, every state it had, and what was said of it').action(
    async (text: string, options: CommonOptions) => {
      const id = numberOf(text)
      const terminal = terminalOf(invocation, options)
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const { finding, versions, notes } = await readFinding(store, id)
      const shown = documentOf(finding)
      terminal.line(
        table(
          ['', `F-${finding.id}`],
          Object.entries(shown).flatMap(([name, value]) =>
            value === null || name === 'id' ? [] : [[name, Array.isArray(value) ? value.join(', ') : String(value)]],
          ),
        ),
      )
      terminal.line('')
      terminal.line(
        table(
          ['as of', 'state', 'status', 'episode', 'excepted by', 'due'],
          versions.map(each => [
            ...[each.asOf.toISOString(), each.state, each.status, each.episode],
            ...[each.exceptions.join(', '), each.dueAt?.toISOString().slice(0, 10) ?? ''],
          ]),
        ),
      )
      for (const note of notes) terminal.line(noteLine(note))
      terminal.document({
        ...shown,
        versions: plain(versions),
        notes: plain(notes),
      })
    },
  )
  addCommand(findings, 'assign <finding>', 'say whose a finding is, and under which ticket it is worked on')
    .requiredOption('--by <person>', 'who says so')
    .option('--owner <person>', 'whose it is; none for nobody')
    .option('--ticket <text>', 'where it is worked on; none for nowhere')
    .action(
      async (
        text: string,
        options: CommonOptions & { readonly by: string; readonly owner?: string; readonly ticket?: string },
      ) => {
        const { owner, ticket } = options
        if (owner === undefined && ticket === undefined)
          throw new UsageError('nothing to assign', 'name an --owner, a --ticket or both')
        const orNone = (value: string) => (value === 'none' ? null : value)
        const assignment: Assignment = {
          ...(owner === undefined ? {} : { owner: orNone(owner) }),
          ...(ticket === undefined ? {} : { ticket: orNone(ticket) }),
        }
        const id = numberOf(text)
        await using store = await storeOf(configOf(invocation, options), openLog('warn'))
        told(await assignFinding(store, id, options.by, assignment), options)
      },
    )
  addCommand(findings, 'note <finding> <text>', 'say something of a finding')
    .requiredOption('--by <person>', 'who says it')
    .action(async (text: string, said: string, options: CommonOptions & { readonly by: string }) => {
      const id = numberOf(text)
      const note = saying('the note', said)
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      told(await noteFinding(store, id, options.by, note), options)
    })

  function told(note: FindingNote, options: CommonOptions): void {
    const terminal = terminalOf(invocation, options)
    terminal.line(noteLine(note))
    terminal.document(plain(note))
  }
}

function addList(findings: Command, invocation: Invocation): void {
  addCommand(findings, 'list', 'findings, the most severe and the first due first')
    .option('--state <state>', 'open, resolved or all', 'open')
    .option('--kind <kind>', 'only fail or unknown')
    .option('--control <id>', 'only of this control')
    .option('--source <label>', 'only of this source')
    .option('--severity <severity>', 'only critical, high, medium or low')
    .option('--owner <person>', 'only those of this owner')
    .option('--subject <text>', 'only of the subject with this key or name')
    .option('--excepted', 'only those beside which an exception stands', false)
    .option('--overdue', 'only those that are overdue', false)
    .option('--due-before <instant>', 'only those that are due before then')
    .action(async (options: ListOptions) => {
      const filter = filterOf(options)
      const terminal = terminalOf(invocation, options)
      await using store = await storeOf(configOf(invocation, options), openLog('warn'))
      const found = await readFindings(store, filter)
      const figures = await findingFigures(store, new Date())
      const now = new Date()
      terminal.line(
        table(
          ['finding', 'severity', 'state', 'control', 'subject', 'opened by', 'due', 'owner', 'ticket', 'what'],
          found.map(each => [
            ...[`F-${each.id}`, each.severity, stateText(each), each.control, each.name],
            ...[each.openedBy.toISOString().slice(0, 10), dueText(each, now), each.owner ?? '', each.ticket ?? '', each.reason],
          ]),
        ),
      )
      terminal.line('')
      terminal.line(
        table(
          ['severity', 'open', 'excepted', 'overdue', 'resolved', 'mean days', 'median days'],
          figures.map(each => [
            ...[each.severity, each.open, each.excepted, each.overdue, each.resolved],
            ...[each.meanDaysToResolve ?? '', each.medianDaysToResolve ?? ''],
          ]),
        ),
      )
      terminal.document({ findings: found.map(documentOf), figures: figures as unknown as Json })
    })
}

/** A choice from a list that the help names. */
function choice<Value extends string>(option: string, value: string | undefined, known: readonly Value[]): Value | undefined {
  const found = known.find(each => each === value)
  if (value !== undefined && found === undefined)
    throw new UsageError(`--${option} ${value} is not known`, `write one of ${known.join(', ')}`)
  return found
}

function filterOf(options: ListOptions): FindingFilter {
  const state = choice('state', options.state, ['open', 'resolved', 'all'] as const)
  const kind = choice('kind', options.kind, ['fail', 'unknown'] as const)
  const severity = choice<Severity>('severity', options.severity, ['critical', 'high', 'medium', 'low'])
  const due = options.overdue ? new Date() : options.dueBefore === undefined ? undefined : instant(options.dueBefore)
  return {
    ...(state === undefined || state === 'all' ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    ...(severity === undefined ? {} : { severity }),
    ...(options.control === undefined ? {} : { control: options.control }),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    ...(options.subject === undefined ? {} : { subject: options.subject }),
    ...(options.excepted ? { excepted: true } : {}),
    ...(due === undefined ? {} : { dueBefore: due }),
  }
}

function numberOf(text: string): number {
  const digits = /^(?:F-)?(\d{1,9})$/i.exec(text)?.[1]
  if (digits === undefined) throw new UsageError(`${text} is no finding`, 'write its number, e.g. F-12')
  return Number(digits)
}

function stateText({ state, status, episode, exceptions, endedExceptions }: Finding): string {
  const seen = state === 'open' && status !== 'fail' && status !== 'unknown' ? `, ${status.replaceAll('_', ' ')}` : ''
  const excepted = exceptions.length > 0 ? `, excepted by ${exceptions.join(', ')}` : ''
  const ended = endedExceptions.length > 0 ? `, no longer excepted by ${endedExceptions.join(', ')}` : ''
  return `${state}${episode > 1 ? ' again' : ''}${seen}${excepted}${ended}`
}

function dueText({ dueAt, exceptions, endedExceptions }: Finding, now: Date): string {
  if (dueAt === null && exceptions.length === 0 && endedExceptions.length > 0) return 'evaluate again'
  return dueAt === null ? '' : `${dueAt.toISOString().slice(0, 10)}${dueAt < now ? ' OVERDUE' : ''}`
}

function noteLine({ at, by, kind, owner, ticket, text }: FindingNote): string {
  const said = kind === 'note' ? text : `owner ${owner ?? 'nobody'}, ticket ${ticket ?? 'none'}`
  return `${at.toISOString()} ${by}: ${said}`
}

function documentOf(finding: Finding): { readonly [member: string]: Json } {
  return { ...(plain(finding) as object), id: `F-${finding.id}` }
}

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
