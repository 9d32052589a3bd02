import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { AppError } from '../errors.ts'
import { makeFolder } from '../folder.ts'
import { openLog } from '../log.ts'
import type { Artifact } from '../model.ts'
import { frameworkReport, periodReport } from '../pipeline/index.ts'
import { type FrameworkFormat, frameworkFormats, periodArtifacts, periodFormats } from '../reports/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { catalogOf, storeOf } from './parts.ts'
import { periodOf } from './period.ts'

interface Options extends CommonOptions {
  readonly framework?: string
  readonly format?: string
  readonly out: string
  readonly asOf?: string
  readonly from?: string
  readonly to?: string
}

export class OutputError extends AppError<'DISK_FULL' | 'FILE_NOT_WRITABLE' | 'FILE_EXISTS'> {}

export function addReport(program: Command, invocation: Invocation): void {
  addCommand(program, 'report', 'write the report of a framework on the last evaluation')
    .option('--framework <id>', 'framework, e.g. soc2 (default: every configured one)')
    .option('--format <format>', `${frameworkFormats.join(', ')}, several with commas between (default: all)`)
    .option('--as-of <instant>', 'the last evaluation as of then (default: the last one)')
    .option('--from <day>', 'report of a period (SOC 2 Type II): its first day or instant')
    .option('--to <day>', `its last day or instant (default: now); formats ${periodFormats.join(', ')}`)
    .option('--out <dir>', 'folder to write to', '.')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      if (options.from !== undefined || options.to !== undefined) {
        await writePeriod(invocation, options)
        return
      }
      const chosen = options.format === undefined ? frameworkFormats : formatsOf(options.format)
      const config = configOf(invocation, options)
      const catalog = catalogOf(config, terminal)
      const asOf = options.asOf === undefined ? null : instant(options.asOf)
      await using store = await storeOf(config, openLog('warn'))
      const files: { path: string; framework: string; format: string; complete: boolean }[] = []
      for (const framework of options.framework === undefined ? config.frameworks : [options.framework]) {
        for (const format of chosen) {
          const { artifact, complete } = await frameworkReport({ store, catalog }, framework, format, asOf)
          const path = await writeArtifact(
            artifact,
            resolve(options.out),
            format === 'csv' ? `${framework}-results.csv` : basename(artifact.path),
          )
          files.push({ path, framework, format, complete })
          terminal.line(`${path}${complete ? '' : '  INCOMPLETE'}`)
        }
      }
      terminal.document({ files })
      invocation.code = files.every(file => file.complete) ? exit.done : exit.incomplete
    })
}

async function writePeriod(invocation: Invocation, options: Options): Promise<void> {
  const formats = periodFormats.filter(format => options.format === undefined || options.format.split(',').includes(format))
  if (formats.length === 0)
    throw new UsageError(
      `no format of a period report is named in ${options.format}`,
      `write one or more of ${periodFormats.join(', ')}`,
    )
  const { from, to } = periodOf(options, new Date())
  const terminal = terminalOf(invocation, options)
  const config = configOf(invocation, options)
  const catalog = catalogOf(config, terminal)
  await using store = await storeOf(config, openLog('warn'))
  const files: { path: string; framework: string; format: string; complete: boolean }[] = []
  for (const framework of options.framework === undefined ? config.frameworks : [options.framework]) {
    const view = await periodReport({ store, catalog }, { framework, from, to })
    for (const format of formats) {
      for (const artifact of periodArtifacts(view, format)) {
        const path = await writeArtifact(artifact, resolve(options.out), basename(artifact.path))
        files.push({ path, framework, format, complete: view.isComplete })
        terminal.line(`${path}${view.isComplete ? '' : '  INCOMPLETE'}`)
      }
    }
  }
  terminal.document({ from: from.toISOString(), to: to.toISOString(), files })
  invocation.code = files.every(file => file.complete) ? exit.done : exit.incomplete
}

/** The formats named in one option, commas between. @throws {UsageError} for one that is not known */
export function formatsOf(text: string): readonly FrameworkFormat[] {
  return text.split(',').map(name => {
    const format = frameworkFormats.find(each => each === name.trim())
    if (format === undefined)
      throw new UsageError(`unknown format ${name}`, `write one or more of ${frameworkFormats.join(', ')}`)
    return format
  })
}

/**
 * Writes an artifact under its final name, whole or not at all.
 * @throws {OutputError} DISK_FULL, FILE_NOT_WRITABLE
 */
export async function writeArtifact(artifact: Artifact, folder: string, name: string): Promise<string> {
  const path = join(folder, name)
  const draft = `${path}.partial-${process.pid}`
  try {
    await makeFolder(folder)
    await pipeline(artifact.read(), createWriteStream(draft, { flush: true, highWaterMark: 1 << 20 }))
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new OutputError('DISK_FULL', `the disk is full: ${path} was not written`, {
        cause,
        hint: 'free space, or name another folder with --out',
      })
    if (code !== undefined && /^E(ACCES|PERM|ROFS|NOTDIR|ISDIR|NOENT|IO|EXIST)$/.test(code)) {
      throw new OutputError('FILE_NOT_WRITABLE', `cannot write ${path}: ${(cause as Error).message}`, {
        cause,
        hint: 'name a folder that this user may write with --out',
      })
    }
    throw cause
  }
  return path
}

/** Makes the folder a file shall lie in. @throws {OutputError} FILE_NOT_WRITABLE */
export async function folderFor(folder: string): Promise<void> {
  try {
    await makeFolder(folder)
  } catch (cause) {
    throw new OutputError('FILE_NOT_WRITABLE', `cannot make the folder ${folder}: ${(cause as Error).message}`, {
      cause,
      hint: 'name another one with --out',
    })
  }
}
