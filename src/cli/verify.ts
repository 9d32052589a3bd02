import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { readPublishedKeys, verifyBundle } from '../evidence/index.ts'
import type { Json } from '../model.ts'
import { verifyPageArtifact } from '../reports/index.ts'
import { addCommand, type CommonOptions, type Invocation, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { writeArtifact } from './output.ts'

interface Options extends CommonOptions {
  readonly key?: string
  readonly keys?: string
  readonly authority?: readonly string[]
  readonly writePage?: string
}

export function addVerify(program: Command, invocation: Invocation): void {
  addCommand(program, 'verify', 'check a bundle offline: every byte, every digest, the signature')
    .argument('[file]', 'the bundle (ZIP)')
    .option('--write-page <file>', 'write verify.html, which checks bundles in a browser with no network, and end')
    .option('--key <file>', "the signer's public key (PEM), got by another way than the bundle")
    .option(
      '--keys <file>',
      "the signer's published keys (keys.json, or what the server says at /keys): the signer must be one that is not revoked",
    )
    .option('--authority <files...>', 'certificates (PEM) of time-stamp authorities you trust')
    .action(async (file: string | undefined, options: Options) => {
      const terminal = terminalOf(invocation, options)
      if (options.writePage !== undefined) {
        const page = resolve(options.writePage)
        await writeArtifact(verifyPageArtifact(), dirname(page), basename(page))
        terminal.line(page)
        if (file === undefined) {
          terminal.document({ page })
          return
        }
      }
      if (file === undefined) throw new UsageError('no bundle is named', 'write `evidenced verify FILE`, or --write-page FILE')
      const key = options.key === undefined ? {} : { key: readKey(options.key) }
      const keys = options.keys === undefined ? {} : { keys: readPublishedKeys(readKey(options.keys)) }
      const verification = await verifyBundle(file, { ...key, ...keys, authorities: (options.authority ?? []).map(readKey) })
      for (const problem of verification.problems) terminal.line(`${problem.file ?? file}: ${problem.code}: ${problem.message}`)
      if (verification.ok) {
        terminal.line(`${file}: good, ${verification.files.length} files, signed by ${verification.fingerprint}`)
        if (options.key === undefined && options.keys === undefined) {
          terminal.line(
            "The key came with the bundle, so this shows integrity only: compare the fingerprint with the signer's, or give the public key with --key.",
          )
        }
      } else {
        terminal.line(
          `${file}: NOT GOOD, ${verification.problems.length} ${verification.problems.length === 1 ? 'problem' : 'problems'}. Ask for the bundle again, and do not rely on this copy.`,
        )
      }
      const { timestamp } = verification
      if (timestamp !== null) {
        const trust = timestamp.isTrusted ? '' : '; nobody vouched for this authority, name its certificate with --authority'
        terminal.line(`${file}: signed by ${timestamp.at.toISOString()} at the latest, says ${timestamp.authority}${trust}`)
      }
      terminal.document({ file, ...verification } as unknown as Json)
      invocation.code = verification.ok ? exit.done : exit.wrong
    })
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read the key ${file}: ${(error as Error).message}`, 'name a PEM file with the public key')
  }
}
