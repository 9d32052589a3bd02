import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Source } from '../model.ts'
import { UsageError } from './exit.ts'

const wellFormed = /^[A-Za-z0-9_+=,.@:/-]{2,1224}$/

/** The external id that was made for a source and is kept in `dataDir/external-ids`; null when none was. */
function keptExternalId(dataDir: string, label: string): string | null {
  const path = fileOf(dataDir, label)
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new UsageError(`cannot read ${path}: ${code}`, 'let the user that runs evidenced read it: the external id is in it')
  }
  if (wellFormed.test(text)) return text
  throw new UsageError(`${path} holds no external id`, 'remove it, or configure auth.externalId')
}

/** The kept external id, made of 256 random bits at the first time. Nobody but the owner of the file may read it. */
export function makeExternalId(dataDir: string, label: string): string {
  const known = keptExternalId(dataDir, label)
  if (known !== null) return known
  const made = randomBytes(32).toString('base64url')
  const path = fileOf(dataDir, label)
  const half = `${path}.${randomBytes(4).toString('hex')}`
  try {
    // the folder above is shared with the embedded database, whose server may be another user
    mkdirSync(dataDir, { recursive: true })
    mkdirSync(join(dataDir, 'external-ids'), { recursive: true, mode: 0o700 })
    writeFileSync(half, `${made}\n`, { mode: 0o600, flag: 'wx' })
    // a link is made whole or not at all, and never over what another process made meanwhile
    linkSync(half, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw new UsageError(`cannot write ${path}: ${code}`, 'name a dataDir that can be written')
  } finally {
    rmSync(half, { force: true })
  }
  return keptExternalId(dataDir, label) ?? made
}

/** The configuration with the kept external ids where a role is configured without one, for the collecting role and those of the accounts. */
export function withKeptExternalIds(config: Config): Config {
  return { ...config, sources: config.sources.map(source => withKept(source, config.dataDir)) }
}

function withKept(source: Source, dataDir: string): Source {
  const { auth, iam } = source
  const isAuthOpen = auth.roleArn !== null && auth.externalId === null
  const openIam = iam?.externalId === null ? iam : null
  const kept = isAuthOpen || openIam !== null ? keptExternalId(dataDir, source.label) : null
  if (kept === null) return source
  return {
    ...source,
    auth: isAuthOpen ? { ...auth, externalId: kept } : auth,
    ...(openIam === null ? {} : { iam: { ...openIam, externalId: kept } }),
  }
}

function fileOf(dataDir: string, label: string): string {
  return join(dataDir, 'external-ids', label)
}
