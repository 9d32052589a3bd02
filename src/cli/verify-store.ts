import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { fingerprintOf, isSignedBy } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import { type HeadCheck, saveVerification, verifyStore } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { headSinksOf, signerOf, storeOf } from './parts.ts'

interface Options extends CommonOptions {
  readonly key?: readonly string[]
}

export function addVerifyStore(program: Command, invocation: Invocation): void {
  addCommand(program, 'verify-store', 'compute the whole database again from its rows, and hold it against the heads outside')
    .option('--key <files...>', 'public keys (PEM) that also signed heads, e.g. before the key was replaced')
    .action(async (options: Options) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const keys = [(await signerOf(config)).publicKeyPem, ...(options.key ?? []).map(readKey)]
      await using store = await storeOf(config, openLog('warn'))
      const heads = { sinks: headSinksOf(config, invocation.env), verify: verifierOf(keys) }
      const found = await verifyStore(store, heads, (phase, done, total) => terminal.progress({ phase, done, total, detail: '' }))
      await saveVerification(store, found)
      const wrong = found.problems.filter(problem => problem.kind !== 'head_missing')
      for (const { kind, name, message } of found.problems) terminal.line(`${kind}  ${name}: ${message}`)
      for (const { rows, text } of found.disposals) terminal.line(`${rows} rows ${text}; their digests stand`)
      terminal.line(
        `${found.snapshots} snapshots, ${found.evaluations} evaluations, ${found.ledgerEntries} entries of the ledger (head ${found.ledgerHead ?? 'none'}): ` +
          `${wrong.length === 0 ? 'all as it was sealed' : `${wrong.length} problems`}${wrong.length < found.problems.length ? '; not everything has a head outside' : ''}`,
      )
      terminal.document({
        ok: found.problems.length === 0,
        ...found,
        disposals: found.disposals.map(each => ({ ...each })),
        problems: found.problems.map(problem => ({ ...problem })),
      })
      invocation.code = wrong.length > 0 ? exit.wrong : found.problems.length > 0 ? exit.incomplete : exit.done
    })
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${(cause as Error).message}`, 'name a file with a public key in PEM')
  }
}

/** With any of some public keys. */
function verifierOf(pems: readonly string[]): HeadCheck['verify'] {
  const keys = new Map(pems.map(pem => [fingerprintOf(pem), pem]))
  return (bytes, head) => {
    const key = keys.get(head.keyFingerprint)
    return key === undefined ? null : isSignedBy(key, bytes, Buffer.from(head.signature, 'base64'))
  }
}
