import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { AppError } from '../errors.ts'
import { type ExitCode, UsageError } from './exit.ts'
import { withKeptExternalIds } from './external-ids.ts'
import { defaultConfig } from './named-commands.ts'
import { openTerminal, type Streams, type Terminal } from './terminal.ts'

/** One run of the program; `code` is what it will exit with. */
export interface Invocation {
  readonly env: NodeJS.ProcessEnv
  readonly streams: Streams
  /** aborts at SIGINT and SIGTERM */
  readonly signal: AbortSignal
  /** as the command line names it, once the command is known */
  config: string
  code: ExitCode
}

export interface CommonOptions {
  readonly config: string
  readonly json: boolean
}

/** Adds a command that takes `--config` and `--json`, as every command does. */
export function addCommand(parent: Command, nameAndArguments: string, summary: string): Command {
  return parent
    .command(nameAndArguments)
    .description(summary)
    .option('--config <file>', 'configuration file', defaultConfig)
    .option('--json', 'print exactly one JSON document on standard output', false)
}

export function terminalOf(invocation: Invocation, options: CommonOptions): Terminal {
  invocation.config = options.config
  return openTerminal(invocation.streams, options.json, options.config)
}

/** The configuration that the command line names, with the external ids that we made and keep. */
export function configOf(invocation: Invocation, options: CommonOptions): Config {
  return withKeptExternalIds(loadConfig(resolve(options.config), invocation.env))
}

/**
 * An instant from the command line: RFC 3339 with a zone, or a day, which means its end in UTC.
 * @throws {UsageError} for anything else
 */
export function instant(text: string): Date {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const day = new Date(`${text}T23:59:59.999Z`)
    if (!Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return day
  } else if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) {
    const time = new Date(text)
    if (!Number.isNaN(time.getTime())) return time
  }
  throw new UsageError(
    `${JSON.stringify(text)} is no instant`,
    'write 2026-06-30 (the end of that day in UTC) or 2026-06-30T12:00:00Z',
  )
}

/**
 * An instant that can be judged: not after `now`. The day of `now` means `now`.
 * @throws {UsageError} for a later one: nothing is known of it
 */
export function pastInstant(text: string, now: Date): Date {
  const at = instant(text)
  if (at <= now) return at
  if (text === now.toISOString().slice(0, 10)) return now
  throw new UsageError(`${text} has not come yet`, `name an instant at or before ${now.toISOString()}`)
}

/** @throws {UsageError} for what is no whole number from 1 on */
export function positive(text: string, option: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new UsageError(`${option} ${text} is no number`, 'write a whole number, 1 or more')
}

/**
 * Words that stay on record as the explanation of an act, such as a reason.
 * @param what names them in the refusal, e.g. `--reason`
 * @throws {UsageError} when they say nothing: spaces alone
 */
export function saying(what: string, text: string): string {
  if (text.trim() === '') throw new UsageError(`${what} is empty`, 'write it in words; it stays on record')
  return text
}

/** The code of an error for people and programs; UNEXPECTED when it is none of ours. */
export function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : 'UNEXPECTED'
}

/** Resolves when the invocation is told to stop. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(done => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}
