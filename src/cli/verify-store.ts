import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { openLog } from '../log.ts'
import { runVerification } from '../pipeline/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { headSinksOf, publishedKeys, signerOf, storeOf } from './parts.ts'

interface Options extends CommonOptions {
  readonly key?: readonly string[]
  readonly threads?: number
}

export function addVerifyStore(program: Command, invocation: Invocation): void {
  addCommand(program, 'verify-store', 'compute the whole database again from its rows, and hold it against the heads outside')
    .option('--key <files...>', 'public keys (PEM) that also signed heads, e.g. before the key was replaced')
    .option('--threads <number>', 'threads that compute rows (default: as many as there are processors, up to 4)', threadsIn)
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const known = await publishedKeys(config, await signerOf(config))
      await using store = await storeOf(config, openLog('warn'))
      const outside = { sinks: headSinksOf(config, invocation.env), keys: known, morePems: (options.key ?? []).map(readKey) }
      const onProgress = (phase: string, done: number, total: number | null) =>
        terminal.progress({ phase, done, total, detail: '' })
      const { wrong, heldHeads, ...found } = await runVerification(store, outside, onProgress, options.threads)
      for (const { kind, name, message } of found.problems) terminal.line(`${kind}  ${name}: ${message}`)
      for (const { rows, texts, text } of found.disposals)
        terminal.line(
          `${rows} rows ${text}; their digests stand${texts === 0 ? '' : `, and so do those of ${texts} texts that names were taken out of`}`,
        )
      for (const { fingerprint, revokedAt, reason } of known) {
        const count = heldHeads.get(fingerprint) ?? 0
        const rest = 'a later head of a trusted key holds them'
        if (count > 0)
          terminal.line(`${count} heads are signed with key ${fingerprint}, revoked on ${revokedAt} (${reason}): ${rest}`)
      }
      terminal.line(
        `${found.snapshots} snapshots, ${found.evaluations} evaluations, ${found.ledgerEntries} entries of the ledger (head ${found.ledgerHead ?? 'none'}): ` +
          `${wrong === 0 ? 'all as it was sealed' : `${wrong} problems`}${wrong < found.problems.length ? '; not everything has a trusted head outside' : ''}`,
      )
      terminal.document({
        ok: found.problems.length === 0,
        ...found,
        readAt: found.readAt.toISOString(),
        disposals: found.disposals.map(each => ({ ...each })),
        problems: found.problems.map(problem => ({ ...problem })),
      })
      invocation.code = wrong > 0 ? exit.wrong : found.problems.length > 0 ? exit.incomplete : exit.done
    })
}

function threadsIn(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 64) return number
  throw new UsageError(`${text} is no number of threads`, 'write a number from 1 to 64')
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${(cause as Error).message}`, 'name a file with a public key in PEM')
  }
}
