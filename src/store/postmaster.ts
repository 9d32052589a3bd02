import { spawn } from 'node:child_process'
import { open, readFile, readlink, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { type Cluster, notSpawned, notWritable, serverEnvironment, serverFailed } from './cluster.ts'

/** How long a start or a stop may take; a recovery after a crash is part of it. */
export const patienceMs = 60_000
const serverSettings = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '200',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // containers give /dev/shm 64 MB, where parallel queries fail
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  // version rows are closed once each; vacuum should not wait for a fifth of the table
  autovacuum_vacuum_scale_factor: '0.02',
}

/** Starts the server and waits until it takes connections or ends. That another process was faster is no error: the caller connects. */
export async function startServer(cluster: Cluster, log: Log): Promise<void> {
  await removeStaleLock(cluster)
  // appended to, since another process may be starting a server at this moment and writes here too
  const output = await open(cluster.logFile, 'a').catch(cause => {
    throw notWritable(cluster.logFile, cause)
  })
  const begin = (await output.stat()).size
  try {
    const settings = Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    // detached: Ctrl-C must not reach it before we are done with it
    const child = spawn(cluster.binaries.postgres, ['-D', cluster.folder, '-k', cluster.host, ...settings], {
      ...cluster.user,
      cwd: '/',
      env: serverEnvironment(),
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
    })
    const ended = new Promise<number | null>((done, failed) => {
      child.on('error', error => failed(notSpawned(error)))
      child.on('exit', done)
    })
    child.unref()
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline) {
      const code = await Promise.race([ended, sleep(15, 'running' as const)])
      if (code !== 'running') {
        const text = (await readFile(cluster.logFile)).subarray(begin).toString('utf8')
        // the pid file or the shared memory of one that another process started, or that is just ending
        if (/lock file .* already exists|pre-existing shared memory block/.test(text)) return void (await sleep(50))
        throw serverFailed('postgres', text)
      }
      const status = (await readFile(join(cluster.folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
      if (Number(status[0]) === child.pid && status[7]?.trim() === 'ready') {
        log.debug('embedded database started', { cluster: cluster.folder, pid: child.pid })
        return
      }
    }
  } finally {
    await output.close()
  }
}

/** Ends the server at once, without waiting for its clients, and waits until it is gone. */
export async function stopServer(cluster: Cluster, log: Log): Promise<void> {
  const pid = await postmasterPid(cluster)
  if (pid === null || !(await isPostgres(pid))) return
  // SIGINT is the fast shutdown; SIGTERM would wait for every client
  process.kill(pid, 'SIGINT')
  const deadline = Date.now() + patienceMs
  // its last act is to remove its file; as the child of a process that does not reap, it would look alive for ever
  while ((await postmasterPid(cluster)) === pid && isAlive(pid)) {
    if (Date.now() > deadline) return log.warn('embedded database does not stop', { cluster: cluster.folder, pid })
    await sleep(10)
  }
  if (cluster.host !== cluster.folder) await rmdir(cluster.host).catch(() => {})
  log.debug('embedded database stopped', { cluster: cluster.folder })
}

async function postmasterPid(cluster: Cluster): Promise<number | null> {
  const text = await readFile(join(cluster.folder, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return Number.isInteger(pid) && pid > 0 ? pid : null
}

/**
 * PostgreSQL takes a lock file for live when any process has its pid, which after a restart of a container is likely.
 * Files whose pid belongs to no postgres are removed.
 */
async function removeStaleLock(cluster: Cluster): Promise<void> {
  for (const file of [join(cluster.folder, 'postmaster.pid'), join(cluster.host, '.s.PGSQL.5432.lock')]) {
    const text = await readFile(file, 'utf8').catch(() => null)
    const pid = Number(text?.split('\n')[0])
    if (text === null || !Number.isInteger(pid) || pid <= 0 || (await isPostgres(pid))) continue
    if ((await readFile(file, 'utf8').catch(() => null)) === text) await rm(file, { force: true })
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  const program = await readlink(`/proc/${pid}/exe`).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? '' : null,
  )
  if (program !== null) return /postgres/.test(program)
  // not ours to look at, or no /proc: what the process is called has to do
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'postgres')
  return /postgres/.test(name)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
