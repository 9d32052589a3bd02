import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { openPseudonymKey, verifyBundle } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import { frameworkOf, issueEvidence } from '../pipeline/index.ts'
import { defaultFormats } from '../reports/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, instant, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { folderFor, OutputError } from './output.ts'
import { catalogOf, lookOf, signerOf, storeOf, timestamperOf } from './parts.ts'
import { periodOf } from './period.ts'
import { formatsOf } from './report.ts'

interface Options extends CommonOptions {
  readonly framework?: string
  readonly asOf?: string
  readonly out?: string
  readonly force: boolean
  readonly timestamp: boolean
  readonly pseudonyms: boolean
  readonly format?: string
  readonly from?: string
  readonly to?: string
  readonly ledgerPosition?: string
}

export function addBundle(program: Command, invocation: Invocation): void {
  addCommand(program, 'bundle', 'issue signed evidence of a framework: on the last evaluation, or of a period')
    .option('--framework <id>', 'framework, e.g. soc2 (default: the first configured one)')
    .option('--as-of <instant>', 'the last evaluation as of then (default: the last one)')
    .option('--from <day>', 'evidence of a period (SOC 2 Type II): its first day or instant')
    .option('--to <day>', 'its last day or instant (default: now)')
    .option('--ledger-position <n>', 'only what stood in the ledger by then: makes earlier evidence again, byte by byte')
    .option(
      '--format <formats>',
      `of the report, commas between (default: ${defaultFormats.join(',')}); populations and results are always there`,
    )
    .option('--out <file>', 'the ZIP file (default: a name of its own in the evidence folder)')
    .option('--pseudonyms', 'for a party outside: keyed pseudonyms in place of people, the same in every bundle', false)
    .option('--no-timestamp', 'do not ask the configured time-stamp authority')
    .option('--force', 'replace the file if it is there', false)
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const formats = options.format === undefined ? {} : { formats: formatsOf(options.format) }
      const period = options.from === undefined && options.to === undefined ? {} : { period: periodOf(options, new Date()) }
      const position = options.ledgerPosition === undefined ? {} : { ledgerPosition: positionOf(options.ledgerPosition) }
      const config = configOf(invocation, options)
      const framework = options.framework ?? config.frameworks[0]
      if (framework === undefined) throw new UsageError('no framework is configured', 'name one with --framework')
      const log = openLog('warn')
      const catalog = catalogOf(config, terminal)
      frameworkOf(catalog, framework)
      const signer = await signerOf(config)
      if (signer.isNew) terminal.note(`made a new signing key; give its fingerprint to those who verify: ${signer.fingerprint}`)
      await using store = await storeOf(config, log)
      const pseudonyms = options.pseudonyms ? { pseudonyms: await openPseudonymKey(config.dataDir) } : {}
      const timestamper = options.timestamp ? timestamperOf(config) : null
      const parts = { store, catalog, signer, timestamper, look: lookOf(config), now: () => new Date(), log }
      const asOf = options.asOf === undefined ? null : instant(options.asOf)
      const path = options.out === undefined ? join(config.evidenceFolder, bundleName(framework)) : resolve(options.out)
      if (existsSync(path) && !options.force) {
        throw new OutputError('FILE_EXISTS', `${path} is there already`, {
          hint: 'name another file, or replace it with --force',
        })
      }
      await folderFor(dirname(path))
      const record = await issueEvidence(parts, {
        framework,
        asOf,
        path,
        ...period,
        ...position,
        ...pseudonyms,
        ...formats,
        onProgress: terminal.progress,
      })
      const { ok, files, problems, timestamp } = await verifyBundle(path, { key: signer.publicKeyPem })
      if (!ok)
        throw new OutputError('FILE_NOT_WRITABLE', `${path} does not verify after it was written: ${problems[0]?.message}`, {
          hint: 'check the disk and issue it again',
        })
      terminal.line(
        `${record.path}: ${record.complete ? 'complete' : 'INCOMPLETE'}, ${files.length} files, ${record.sizeBytes} bytes`,
      )
      terminal.line(`manifest ${record.manifestDigest}`)
      terminal.line(`signed by ${record.keyFingerprint}`)
      if (timestamp !== null) terminal.line(`stamped ${timestamp.at.toISOString()} by ${timestamp.authority}`)
      terminal.document({
        ...record,
        issuedAt: record.issuedAt.toISOString(),
        asOf: record.asOf.toISOString(),
        timestamp: timestamp === null ? null : { ...timestamp, at: timestamp.at.toISOString() },
        files: files.map(({ path: name, sha256, sizeBytes, rows }) => ({ path: name, sha256, sizeBytes, rows })),
      })
      invocation.code = record.complete ? exit.done : exit.incomplete
    })
}

function positionOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new UsageError(`--ledger-position ${text} is no position`, 'a bundle names its own in manifest.json: ledgerPosition')
}

/** A name that sorts by time and does not meet another one. */
function bundleName(framework: string): string {
  return `evidence-${framework}-${new Date().toISOString().replaceAll(/[-:]/g, '').replace('.', '')}.zip`
}
