import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, rm, statfs, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { silent } from '../../src/log.ts'
import { appendLedger, becomeOnlyDaemon, checkLedger, health, openStore, type Store } from '../../src/store/index.ts'
import { errorOf, until } from './collected.ts'
import { startChild } from './process.ts'
import { migrationNames, optionsFor, passableFolder } from './store-options.ts'

const isRoot = process.getuid?.() === 0

describe('the embedded database', function () {
  this.timeout(120_000)
  let folder: string

  beforeEach(async () => {
    folder = await passableFolder()
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is made at first use, keeps what it was told, and is gone when the last one left', async () => {
    const dataDir = join(folder, 'deep', 'er', 'data')
    {
      await using store = await openStore(optionsFor(null, dataDir))
      expect(await health(store)).to.include({ kind: 'embedded', schema: migrationNames.at(-1) })
      await appendLedger(store, 'config', { a: 1 })
      expect(await pidOf(dataDir)).to.be.greaterThan(0)
    }
    expect(await pidOf(dataDir)).to.equal(null)
    await using again = await openStore(optionsFor(null, dataDir))
    expect((await checkLedger(again)).entries).to.equal(1)
  })

  it('is shared: a second process joins the first one, and who leaves first does not stop it', async () => {
    const child = startChild('stay', '', folder)
    await child.says('open')
    const pid = await pidOf(folder)
    {
      await using store = await openStore(optionsFor(null, folder))
      await appendLedger(store, 'config', {})
      expect(await pidOf(folder)).to.equal(pid)
    }
    expect(await pidOf(folder)).to.equal(pid)
    await using store = await openStore(optionsFor(null, folder))
    child.process.stdin!.end()
    expect(await child.ended, child.output()).to.equal(0)
    expect(await pidOf(folder)).to.equal(pid)
    expect((await checkLedger(store)).entries).to.equal(1)
  })

  it('opens for many processes that start at the same moment on an empty folder, and is gone after all left', async () => {
    const children = Array.from({ length: 5 }, () => startChild('open and leave', '', folder))
    for (const child of children) expect(await child.ended, child.output()).to.equal(0)
    expect(await pidOf(folder)).to.equal(null)
  })

  it('does not keep the process alive once it is disposed of, nor when only the server runs', async () => {
    const child = startChild('open and leave', '', folder)
    expect(await child.ended, child.output()).to.equal(0)
  })

  it('is joined after its process was killed with kill -9, and stopped by the next one out', async () => {
    const child = startChild('stay', '', folder)
    await child.says('open')
    const pid = await pidOf(folder)
    child.process.kill('SIGKILL')
    expect(await child.ended).to.equal('SIGKILL')
    expect(await pidOf(folder)).to.equal(pid)
    {
      await using _store = await openStore(optionsFor(null, folder))
      expect(await pidOf(folder)).to.equal(pid)
    }
    await until(() => !isAlive(pid!), 'the server is gone')
  })

  it('has one daemon, that stays it when its session is lost, until it is disposed of', async () => {
    await using store = await openStore(optionsFor(null, folder))
    await using other = await openStore(optionsFor(null, folder))
    {
      await using _ = await becomeOnlyDaemon(store)
      expect(await errorOf(becomeOnlyDaemon(other))).to.include({ code: 'DAEMON_RUNNING' })
      const lost = await store.db.pool.query(
        `select pg_terminate_backend(pid), pid from pg_stat_activity where application_name like 'daemon %'`,
      )
      expect(lost.rowCount).to.equal(1)
      const taken = `select from pg_stat_activity a join pg_locks l on l.pid = a.pid
        where a.application_name like 'daemon %' and l.locktype = 'advisory' and l.granted and a.pid <> $1`
      await until(async () => (await store.db.pool.query(taken, [lost.rows[0].pid])).rowCount === 1, 'it is the daemon again')
      expect(await errorOf(becomeOnlyDaemon(other))).to.include({ code: 'DAEMON_RUNNING' })
    }
    await using _ = await becomeOnlyDaemon(other)
  })

  it('comes back after the server itself was killed with kill -9: for the next process, and for the one that has it open', async () => {
    await using store = await openStore(optionsFor(null, folder))
    await appendLedger(store, 'config', { n: 1 })
    const pid = (await pidOf(folder))!
    process.kill(pid, 'SIGKILL')
    await until(() => !isAlive(pid), 'the server is dead')
    await until(async () => (await errorOf(checkLedger(store)).catch(() => null)) === null, 'the store answers again')
    expect((await checkLedger(store)).entries).to.equal(1)
    await appendLedger(store, 'config', { n: 2 })
    await using other = await openStore(optionsFor(null, folder))
    expect((await checkLedger(other)).entries).to.equal(2)
  })

  it('starts over a lock file whose process is gone or is another program by now', async () => {
    {
      await using _store = await openStore(optionsFor(null, folder))
    }
    for (const pid of [process.pid, 4_194_303]) {
      await writeFile(join(folder, 'postgres', 'postmaster.pid'), `${pid}\n${folder}/postgres\n1\n5432\n${folder}/postgres\n\n`)
      await using store = await openStore(optionsFor(null, folder))
      expect((await health(store)).kind).to.equal('embedded')
    }
  })

  it('works below a path that is too long for a socket', async () => {
    const dataDir = join(folder, 'x'.repeat(100))
    await using store = await openStore(optionsFor(null, dataDir))
    const child = startChild('open and leave', '', dataDir)
    expect(await child.ended, child.output()).to.equal(0)
    expect((await health(store)).kind).to.equal('embedded')
  })

  it('refuses the data of another major version, and changes nothing', async () => {
    await mkdir(join(folder, 'postgres'))
    await writeFile(join(folder, 'postgres', 'PG_VERSION'), '17\n')
    const refused = await errorOf(openStore(optionsFor(null, folder)))
    expect(refused.code).to.equal('EMBEDDED_VERSION')
    expect(refused.message).to.match(/made by PostgreSQL 17, this program brings 18/)
    expect(await readFile(join(folder, 'postgres', 'PG_VERSION'), 'utf8')).to.equal('17\n')
  })

  it('says which folder cannot be used', async () => {
    await writeFile(join(folder, 'file'), '')
    for (const dataDir of [join(folder, 'file'), join(folder, 'file', 'data'), '/proc/evidenced']) {
      const refused = await errorOf(openStore(optionsFor(null, dataDir)))
      expect(refused.code, dataDir).to.equal('DATA_DIR_NOT_WRITABLE')
      expect(refused.message).to.contain(dataDir)
    }
  })

  it('says that the disk is full, and loses nothing', async function () {
    if (!isRoot) return this.skip()
    const disk = join(folder, 'disk')
    await mkdir(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=0755', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      // a container without the right to mount
      return this.skip()
    }
    try {
      {
        await using store = await openStore(optionsFor(null, disk))
        await appendLedger(store, 'config', { kept: true })
        const full = await errorOf(fill(store, disk))
        expect(full.code, full.message).to.equal('DISK_FULL')
        expect(full.hint).to.contain('nothing that was sealed is lost')
      }
      await rm(join(disk, 'ballast'))
      await using store = await openStore(optionsFor(null, disk))
      expect((await checkLedger(store)).problems).to.deep.equal([])
    } finally {
      execFileSync('umount', [disk])
    }
  })

  it('runs as an ordinary user', async function () {
    if (!isRoot) return this.skip()
    await chown(folder, 65534, 65534)
    const child = startChild('open and leave', '', join(folder, 'data'), { uid: 65534, gid: 65534 })
    expect(await child.ended, child.output()).to.equal(0)
    expect(child.output()).to.contain('embedded')
  })

  it('names the folder that the server may not pass when root starts it', async function () {
    if (!isRoot) return this.skip()
    const closed = join(folder, 'closed')
    await mkdir(closed)
    await chmod(closed, 0o700)
    const refused = await errorOf(openStore(optionsFor(null, join(closed, 'data'))))
    expect(refused.code).to.equal('DATA_DIR_NOT_WRITABLE')
    expect(refused.hint).to.contain(`chmod o+x ${closed}`)
  })

  it('follows a link to its folder', async () => {
    await mkdir(join(folder, 'real'))
    await symlink(join(folder, 'real'), join(folder, 'link'))
    await using one = await openStore(optionsFor(null, join(folder, 'real')))
    await using two = await openStore(optionsFor(null, join(folder, 'link')))
    await appendLedger(one, 'config', {})
    expect((await checkLedger(two)).entries).to.equal(1)
  })

  it('says which log shows what happened', async () => {
    const events: string[] = []
    const log = { ...silent, debug: (event: string) => void events.push(event) }
    {
      await using _store = await openStore({ ...optionsFor(null, folder), log })
    }
    expect(events).to.deep.equal(['embedded database started', 'embedded database stopped'])
    expect(await readFile(join(folder, 'postgres.log'), 'utf8')).to.contain('database system is ready')
  })
})

/** Fills the disk but for a megabyte or so, and then writes through the store until there is no more room. */
async function fill(store: Store, disk: string): Promise<void> {
  const { bavail, bsize } = await statfs(disk)
  await writeFile(join(disk, 'ballast'), Buffer.alloc(bavail * bsize - 1_000_000))
  for (let i = 0; ; i++) {
    const padding = Array.from({ length: 500 }, () => Math.random())
    await appendLedger(store, 'config', { i, padding })
  }
}

async function pidOf(dataDir: string): Promise<number | null> {
  const text = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => null)
  return text === null ? null : Number(text.split('\n')[0])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/State:\s+Z/.test(execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8' }))
  } catch {
    return false
  }
}
