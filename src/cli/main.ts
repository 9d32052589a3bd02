import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config.ts'
import { AppError, explain } from '../errors.ts'
import { softwareVersion } from '../version.ts'
import { addAccess } from './access.ts'
import { addAws } from './aws.ts'
import { addBundle } from './bundle.ts'
import { addCollect } from './collect.ts'
import type { Invocation } from './command.ts'
import { addConfig } from './config.ts'
import { addControls } from './controls.ts'
import { addDb } from './db.ts'
import { addDemo } from './demo.ts'
import { addDoctor } from './doctor.ts'
import { addEvaluate } from './evaluate.ts'
import { addExceptions } from './exceptions.ts'
import { exit, UsageError } from './exit.ts'
import { addFindings } from './findings.ts'
import { addFrameworks } from './frameworks.ts'
import { addHold } from './hold.ts'
import { addImport } from './import.ts'
import { addInventory } from './inventory.ts'
import { addKeys } from './keys.ts'
import { addLedger } from './ledger.ts'
import { addMigrate } from './migrate.ts'
import { defaultConfig, withConfig } from './named-commands.ts'
import { addPlan } from './plan.ts'
import { addPrivacy } from './privacy.ts'
import { addReperform } from './reperform.ts'
import { addReport } from './report.ts'
import { addResults } from './results.ts'
import { addRetention } from './retention.ts'
import { addRun } from './run.ts'
import { addSample } from './sample.ts'
import { addShare } from './share.ts'
import { addSnapshots } from './snapshots.ts'
import type { Streams } from './terminal.ts'
import { addVerify } from './verify.ts'
import { addVerifyStore } from './verify-store.ts'

const description =
  'Compliance evidence for AWS identity: collects IAM Identity Center and Organizations, keeps every state, judges it with declarative controls, and leaves evidence that can be checked offline.'

const exitCodes = `
Exit codes:
  0  done and complete
  1  failed: nothing was proven (no credentials, no instance, no database, …)
  2  wrong usage or configuration
  3  done, but an input was denied or incomplete, a head is missing outside (collect, evaluate, verify-store),
     or pseudonyms leave results that cannot be compared (reperform)
  4  verification found something wrong`

/**
 * Runs one command line and gives its exit code; never throws and never ends the process.
 * @param signal aborts long work at its next safe point, keeping what was read
 */
export async function main(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: Streams,
  signal: AbortSignal,
): Promise<number> {
  const invocation: Invocation = { env, streams, signal, config: defaultConfig, code: exit.done }
  const program = new Command('evidenced')
    .description(description)
    .version(softwareVersion, '-V, --version')
    .addHelpText('after', exitCodes)
    .showHelpAfterError('(run it with --help for what it takes)')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: text => streams.stdout.write(text), writeErr: text => streams.stderr.write(text) })
  addPlan(program, invocation)
  addCollect(program, invocation)
  addEvaluate(program, invocation)
  addResults(program, invocation)
  addSnapshots(program, invocation)
  addAccess(program, invocation)
  addInventory(program, invocation)
  addImport(program, invocation)
  addExceptions(program, invocation)
  addFindings(program, invocation)
  addReport(program, invocation)
  addBundle(program, invocation)
  addVerify(program, invocation)
  addVerifyStore(program, invocation)
  addShare(program, invocation)
  addReperform(program, invocation)
  addSample(program, invocation)
  addControls(program, invocation)
  addFrameworks(program, invocation)
  addKeys(program, invocation)
  addDoctor(program, invocation)
  addAws(program, invocation)
  addDb(program, invocation)
  addLedger(program, invocation)
  addRetention(program, invocation)
  addHold(program, invocation)
  addPrivacy(program, invocation)
  addMigrate(program, invocation)
  addConfig(program, invocation)
  addRun(program, invocation)
  addDemo(program, invocation)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return invocation.code
  } catch (error) {
    return refuse(error, argv.includes('--json'), streams, invocation.config)
  }
}

/** Codes of the rooms that say: the command line named something that is not there. */
const usageCodes: ReadonlySet<string> = new Set([
  'UNKNOWN_FRAMEWORK',
  'UNKNOWN_CONTROL',
  'UNKNOWN_RESOURCE',
  'UNKNOWN_SUBJECT',
  'UNKNOWN_NAME',
  'BUNDLE_NOT_FOUND',
  'KEY_INVALID',
  'FILE_EXISTS',
  'EXCEPTION_NOT_FOUND',
  'FINDING_NOT_FOUND',
  'EXCEPTION_REFUSED',
])

/** The one place where an error becomes an exit code. */
function refuse(error: unknown, json: boolean, streams: Streams, config: string): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exit.done
    const message = error.message.replace(/^error: /, '')
    if (json)
      streams.stdout.write(
        `${JSON.stringify({ error: { code: 'USAGE', message, hint: 'run it with --help for what it takes' } }, null, 2)}\n`,
      )
    return exit.usage
  }
  const code = error instanceof AppError ? error.code : 'UNEXPECTED'
  streams.stderr.write(`evidenced: ${withConfig(explain(error), config)}\n`)
  if (!(error instanceof AppError) && error instanceof Error) {
    streams.stderr.write(`This is a fault in evidenced itself; please report it with these lines.\n${error.stack ?? ''}\n`)
  }
  if (json) {
    const said = error instanceof AppError ? error.hint : null
    const hint = said === null ? null : withConfig(said, config)
    const message = error instanceof Error ? error.message : String(error)
    streams.stdout.write(`${JSON.stringify({ error: { code, message, hint } }, null, 2)}\n`)
  }
  return error instanceof ConfigError || error instanceof UsageError || usageCodes.has(code) ? exit.usage : exit.failed
}
