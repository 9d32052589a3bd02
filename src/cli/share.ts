import { createHash, randomBytes } from 'node:crypto'
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { readBundleFile, verifyBundle } from '../evidence/index.ts'
import { openLog } from '../log.ts'
import { renderPage, type SharedBundleView } from '../reports/index.ts'
import { buildSharedBundle, listen } from '../server/index.ts'
import { appendLedger } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { aborted, addCommand, type CommonOptions, configOf, type Invocation, instant, saying, terminalOf } from './command.ts'
import { exit, UsageError } from './exit.ts'
import { lookOf, storeOf } from './parts.ts'

interface Options extends CommonOptions {
  readonly to: string
  readonly until: string
  readonly host: string
  readonly port: string
  readonly publicUrl?: string
}

export function addShare(program: Command, invocation: Invocation): void {
  addCommand(program, 'share', 'show one bundle to an auditor: read-only, until an instant, every look on record')
    .argument('<file>', 'the bundle (ZIP)')
    .requiredOption('--to <person>', 'for whom; stands in the ledger with everything that leaves')
    .requiredOption('--until <instant>', 'its last day or instant')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on (0: any free one)', '0')
    .option('--public-url <url>', 'where a proxy with TLS makes it reachable, e.g. https://audit.example.com')
    .action(async (file: string, options: Options) => {
      const terminal = terminalOf(invocation, options)
      const to = saying('--to', options.to)
      const until = instant(options.until)
      if (until <= new Date()) throw new UsageError(`${options.until} is over`, 'name an instant to come')
      const port = Number(options.port)
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw new UsageError(`${options.port} is no port`, 'write a number from 0 to 65535')
      const outside = options.publicUrl === undefined ? null : publicUrl(options.publicUrl)
      const config = configOf(invocation, options)
      await using copy = ownCopy(file)
      const { path } = copy
      const { ok, problems, files, manifest, manifestDigest, fingerprint } = await verifyBundle(path)
      if (!ok || manifest === null) {
        for (const problem of problems) terminal.line(`${problem.file}: ${problem.code}: ${problem.message}`)
        terminal.line(`${file}: NOT GOOD, so it is not shown to anybody`)
        terminal.document({ file, ok: false, problems: problems.map(each => ({ ...each })) })
        invocation.code = exit.wrong
        return
      }
      const log = openLog(config.logLevel)
      await using store = await storeOf(config, log)
      const secret = randomBytes(32).toString('base64url')
      const told = { to, until: until.toISOString(), manifestDigest }
      const { asOf, framework, complete, missing } = manifest.predicate
      const view: SharedBundleView = {
        kind: 'shared-bundle',
        bundleHref: `/${secret}/bundle.zip`,
        ...{ softwareVersion, ...told, fingerprint, asOf, complete, missing },
        framework: framework === null ? null : `${framework.id} ${framework.version}`,
        files: files.map(each => ({
          path: each.path,
          href: `/${secret}/files/${each.path}`,
          title: each.title,
          sizeBytes: each.sizeBytes,
          rows: each.rows,
        })),
      }
      const look = lookOf(config)
      const listed = new Map(files.map(each => [each.path, each]))
      const app = await buildSharedBundle({
        secretDigest: createHash('sha256').update(secret).digest('hex'),
        until,
        hosts: outside === null ? [] : [outside.host],
        path,
        page: () => renderPage(view, look),
        file: name => {
          const found = listed.get(name)
          return found === undefined ? null : { mediaType: found.mediaType, read: () => readBundleFile(path, name) }
        },
        downloaded: async what => void (await appendLedger(store, 'download', { ...told, ...what })),
        now: () => new Date(),
        log,
      })
      try {
        await appendLedger(store, 'download', { ...told, path: 'shared', from: null, userAgent: null })
        const address = await listen(app, options.host, port)
        terminal.note(`shared with ${to} until ${until.toISOString()}; whoever has this address can read it:`)
        terminal.note(`${outside?.origin ?? address}/${secret}/`)
        await over(until, invocation.signal)
      } finally {
        await app.close()
      }
      terminal.note('not shared any more')
      terminal.document({ file, ok: true, ...told })
    })
}

/** A copy that nobody else writes to: what leaves is what was verified, whatever becomes of the file meanwhile. */
function ownCopy(file: string): AsyncDisposable & { readonly path: string } {
  if (!existsSync(file)) throw new UsageError(`there is no ${file}`, 'name a bundle; `evidenced bundle` makes one')
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-shared-'))
  const path = join(folder, 'bundle.zip')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    copyFileSync(file, path, constants.COPYFILE_FICLONE)
  } catch (cause) {
    remove()
    const hint = `it is copied to ${tmpdir()}: check that it can be read, and that there is room (TMPDIR names another folder)`
    throw new UsageError(`cannot copy ${file}: ${(cause as Error).message}`, hint)
  }
  return { path, [Symbol.asyncDispose]: async () => remove() }
}

function publicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'https:' && url.pathname === '/' && url.search === '') return url
  throw new UsageError(`${text} is no address of a server`, 'write https:// and a host name, e.g. https://audit.example.com')
}

/** Timers hold 24 days at most. */
const longestMs = 86_400_000

async function over(until: Date, signal: AbortSignal): Promise<void> {
  const stopped = aborted(signal)
  for (let left = until.getTime() - Date.now(); left > 0 && !signal.aborted; left = until.getTime() - Date.now()) {
    const timer = Promise.withResolvers<void>()
    const wait = setTimeout(timer.resolve, Math.min(left, longestMs))
    await Promise.race([stopped, timer.promise])
    clearTimeout(wait)
  }
}
