import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config.ts'
import { listKeys, prepareRotation, revokeKey } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import type { Artifact, Json } from '../model.ts'
import { appendLedger, type Store } from '../store/index.ts'
import { addCommand, type CommonOptions, configOf, type Invocation, saying, terminalOf } from './command.ts'
import { UsageError } from './exit.ts'
import { writeArtifact } from './output.ts'
import { storeOf } from './parts.ts'
import { table } from './terminal.ts'

export function addKeys(program: Command, invocation: Invocation): void {
  const keys = program.command('keys').description('list, rotate, revoke and export the keys that sign bundles')
  addCommand(keys, 'list', 'the current key and all former ones').action(async (options: CommonOptions) => {
    const terminal = terminalOf(invocation, options)
    const all = await listKeys(managed(configOf(invocation, options)))
    terminal.line(
      table(
        ['state', 'fingerprint', 'retired', 'revoked', 'reason'],
        all.map(each => [each.state, each.fingerprint, each.retiredAt ?? '', each.revokedAt ?? '', each.reason ?? '']),
      ),
    )
    terminal.document({ keys: all } as unknown as Json)
  })
  addCommand(keys, 'rotate', 'make a new key; the old public key is kept and the change stands in the ledger').action(
    async (options: CommonOptions) => {
      const terminal = terminalOf(invocation, options)
      const config = configOf(invocation, options)
      const dataDir = managed(config)
      await using store = await storeOf(config, openLog('warn'))
      const { from, to } = await rotate(store, dataDir)
      terminal.line(
        `${from} is retired; bundles are signed by ${to} from now on. Give this fingerprint to those who verify, and start a running daemon anew.`,
      )
      terminal.document({ from, to })
    },
  )
  addCommand(keys, 'revoke', 'say that a key was lost or leaked; the current key is replaced first')
    .argument('<fingerprint>', 'see `evidenced keys list`')
    .requiredOption('--reason <text>', 'why')
    .action(async (fingerprint: string, options: CommonOptions & { readonly reason: string }) => {
      const terminal = terminalOf(invocation, options)
      const reason = saying('--reason', options.reason)
      const config = configOf(invocation, options)
      const dataDir = managed(config)
      const [current, ...former] = await listKeys(dataDir)
      const isCurrent = current!.fingerprint === fingerprint
      if (!isCurrent && !former.some(each => each.fingerprint === fingerprint))
        throw new UsageError(`there is no key ${fingerprint}`, 'see `evidenced keys list`')
      await using store = await storeOf(config, openLog('warn'))
      const replacedBy = isCurrent ? (await rotate(store, dataDir)).to : null
      await appendLedger(store, 'key', { event: 'revoked', fingerprint, reason })
      const record = await revokeKey(dataDir, fingerprint, { at: new Date(), reason })
      terminal.line(
        `${fingerprint} is revoked${replacedBy === null ? '' : `; bundles are signed by ${replacedBy} from now on, start a running daemon anew`}. Tell those who verify, and issue again what it signed.`,
      )
      terminal.document({ ...record, replacedBy } as unknown as Json)
    })
  addCommand(keys, 'export', 'write the public keys, and keys.json with the state of each')
    .option('--out <dir>', 'folder to write to', '.')
    .action(async (options: CommonOptions & { readonly out: string }) => {
      const terminal = terminalOf(invocation, options)
      const all = await listKeys(managed(configOf(invocation, options)))
      const folder = resolve(options.out)
      mkdirSync(folder, { recursive: true })
      const files: string[] = []
      for (const { fingerprint, publicKeyPem } of all)
        files.push(await writeArtifact(textFile(publicKeyPem), folder, `${fingerprint}.pem`))
      files.push(await writeArtifact(textFile(`${JSON.stringify({ keys: all }, null, 2)}\n`), folder, 'keys.json'))
      for (const file of files) terminal.line(file)
      terminal.document({ files })
    })
}

/** The change is on record before it happens; a record without its change says so in the next entry. */
async function rotate(store: Store, dataDir: string): Promise<{ readonly from: string; readonly to: string }> {
  const rotation = await prepareRotation(dataDir, new Date())
  const { from, to } = rotation
  try {
    await appendLedger(store, 'key', { event: 'rotated', from, to })
  } catch (error) {
    await rotation.discard()
    throw error
  }
  try {
    await rotation.commit()
  } catch (error) {
    await rotation.discard()
    await appendLedger(store, 'key', { event: 'rotation_failed', from, to })
    throw error
  }
  return { from, to }
}

function managed(config: Config): string {
  if (config.keyFile === null && config.kmsKeyArn === null) return config.dataDir
  const name = config.keyFile === null ? 'evidence.kmsKeyArn' : 'evidence.keyFile'
  throw new UsageError(
    `${name} names a key that is managed elsewhere`,
    `replace that key where it lies, or take ${name} out of the configuration`,
  )
}

function textFile(text: string): Artifact {
  return {
    path: 'text',
    mediaType: 'text/plain',
    title: 'text',
    async *read() {
      yield Buffer.from(text)
    },
  }
}
