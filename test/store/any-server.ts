import { execFileSync, spawn } from 'node:child_process'
import { chown, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { until } from './collected.ts'
import { passableFolder } from './store-options.ts'

/** A PostgreSQL server of any version, alone in a folder of its own; disposing stops it and removes the folder. */
export interface AnyServer extends AsyncDisposable {
  /** of its socket */
  readonly folder: string
  /** of a database, which is made when it is not there */
  url(database: string): Promise<string>
}

/** @param bin folder with `initdb` and `postgres` */
export async function anyServer(bin: string, settings: readonly string[] = []): Promise<AnyServer> {
  const folder = await passableFolder()
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const options = ['-D', data, '-U', 'owner', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  execFileSync(join(bin, 'initdb'), options, { ...user, cwd: '/', stdio: 'ignore' })
  const asked = ['listen_addresses=', 'fsync=off', ...settings].flatMap(setting => ['-c', setting])
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-k', folder, ...asked], { ...user, cwd: '/', stdio: 'ignore' })
  const ended = new Promise(done => server.on('exit', done))
  const ask = async (text: string) => {
    const client = new pg.Client({ host: folder, user: 'owner', database: 'postgres' })
    try {
      await client.connect()
      return (await client.query(text)).rows
    } finally {
      await client.end().catch(() => {})
    }
  }
  await until(
    () =>
      ask('select 1').then(
        () => true,
        () => false,
      ),
    'the server answers',
  )
  return {
    folder,
    async url(database) {
      if ((await ask(`select from pg_database where datname = '${database}'`)).length === 0)
        await ask(`create database ${database}`)
      return `postgres://owner@localhost/${database}?host=${encodeURIComponent(folder)}`
    },
    async [Symbol.asyncDispose]() {
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
