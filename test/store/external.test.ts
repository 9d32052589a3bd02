import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import { silent } from '../../src/log.ts'
import { checkSnapshot, health, migrate, openStore, readEstate, saveEvaluation } from '../../src/store/index.ts'
import { collectOnce, errorOf, gap, group, keysOf, membership, part, until, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshDatabase } from './fresh-store.ts'
import { startChild } from './process.ts'
import { migrationNames, optionsFor, passableFolder } from './store-options.ts'

describe('a database by its URL', () => {
  it('is refused before it is migrated, with the way out', async () => {
    const url = await freshDatabase('empty')
    const refused = await errorOf(openStore(optionsFor(url)))
    expect(refused.code).to.equal('SCHEMA_OLDER')
    expect(refused.hint).to.contain('evidenced migrate')
    expect((await migrate(optionsFor(url))).applied).to.deep.equal(migrationNames)
    expect((await migrate(optionsFor(url))).applied).to.deep.equal([])
    await using store = await openStore(optionsFor(url))
    expect(store.kind).to.equal('external')
  })

  it('is migrated once when many processes do it together', async function () {
    this.timeout(60_000)
    const url = await freshDatabase('empty')
    const inside = Array.from({ length: 16 }, () => migrate(optionsFor(url)))
    const children = Array.from({ length: 4 }, () => startChild('migrate', url))
    const applied = (await Promise.all(inside)).flatMap(each => each.applied)
    for (const child of children) {
      expect(await child.ended, child.output()).to.equal(0)
      applied.push(...(JSON.parse(child.output()) as { applied: string[] }).applied)
    }
    expect(applied).to.deep.equal(migrationNames)
  })

  it('is refused when a newer program migrated it', async () => {
    const url = await freshDatabase()
    const client = new pg.Client(url)
    await client.connect()
    await client.query(`insert into schema_migration (name, timestamp) values ('9999_from_the_future', 'now')`)
    await client.end()
    for (const refused of [await errorOf(openStore(optionsFor(url))), await errorOf(migrate(optionsFor(url)))]) {
      expect(refused.code).to.equal('SCHEMA_NEWER')
      expect(refused.message).to.contain('9999_from_the_future')
    }
  })

  it('says what is wrong when it cannot be reached or refuses, and never shows a password', async () => {
    const good = new URL(await freshDatabase())
    const host = good.searchParams.get('host')!
    const cases: readonly (readonly [url: string, code: string])[] = [
      ['postgres://u:hunter2@127.0.0.1:1/x', 'DATABASE_UNREACHABLE'],
      ['postgres://u:hunter2@no-such-host.invalid/x', 'DATABASE_UNREACHABLE'],
      [`postgres://u:hunter2@localhost/x?host=${encodeURIComponent('/nonexistent')}`, 'DATABASE_UNREACHABLE'],
      [`postgres://nobody:hunter2@localhost/x?host=${encodeURIComponent(host)}`, 'DATABASE_REFUSED'],
      [`postgres://postgres:hunter2@localhost/no_such_database?host=${encodeURIComponent(host)}`, 'DATABASE_REFUSED'],
    ]
    for (const [url, code] of cases) {
      const refused = await errorOf(openStore(optionsFor(url)))
      expect(refused.code, `${url}: ${refused.message}`).to.equal(code)
      expect(`${refused.message} ${refused.hint} ${refused.stack}`).not.to.contain('hunter2')
    }
  })

  it('does not end this process when the server ends its connections, and says so once', async () => {
    const url = await freshDatabase()
    const told: string[] = []
    await using store = await openStore({ ...optionsFor(url), log: { ...silent, warn: event => void told.push(event) } })
    await Promise.all(Array.from({ length: 5 }, () => store.db.pool.query('select pg_sleep(0.05)')))
    expect(store.db.pool.totalCount).to.equal(5)
    const admin = new pg.Client({ host: new URL(url).searchParams.get('host')!, user: 'postgres', database: 'postgres' })
    await admin.connect()
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [
      new URL(url).pathname.slice(1),
    ])
    await admin.end()
    await until(() => store.db.pool.totalCount === 0, 'the pool noticed')
    expect((await health(store)).kind).to.equal('external')
    expect(told).to.deep.equal(['database was stopped'])
  })

  it('says nothing of a server that stops while this process leaves it', async () => {
    const told: string[] = []
    const store = await openStore({
      ...optionsFor(await freshDatabase()),
      log: { ...silent, warn: event => void told.push(event) },
    })
    const closing = store[Symbol.asyncDispose]()
    store.db.pool.emit('error', Object.assign(new Error('terminating connection'), { code: '57P01' }), null as never)
    await closing
    expect(told).to.deep.equal([])
  })
})

const oldest = '/usr/lib/postgresql/15/bin'

describe("the system's PostgreSQL 15", function () {
  this.timeout(60_000)
  let folder: string
  let url: string
  let stop: () => Promise<void>

  before(async function () {
    if (!existsSync(join(oldest, 'postgres'))) return this.skip()
    folder = await passableFolder()
    const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
    if (user.uid !== undefined) await chown(folder, user.uid, user.gid)
    const data = join(folder, 'data')
    execFileSync(
      join(oldest, 'initdb'),
      ['-D', data, '-U', 'owner', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
      { ...user, cwd: '/', stdio: 'ignore' },
    )
    const server = spawn(
      join(oldest, 'postgres'),
      ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'datestyle=German, DMY', '-c', 'timezone=Asia/Kolkata'],
      { ...user, cwd: '/', stdio: 'ignore' },
    )
    const ended = new Promise(done => server.on('exit', done))
    stop = async () => {
      server.kill('SIGINT')
      await ended
    }
    const admin = { host: folder, user: 'owner', database: 'postgres' }
    await until(async () => {
      const client = new pg.Client(admin)
      const isUp = await client.connect().then(
        () => true,
        () => false,
      )
      await client.end().catch(() => {})
      return isUp
    }, 'the server answers')
    url = `postgres://owner@localhost/postgres?host=${encodeURIComponent(folder)}`
    await migrate(optionsFor(url))
  })

  after(async () => {
    await stop?.()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  it('holds everything that the embedded one holds, whatever its date style and time zone', async () => {
    await using store = await openStore(optionsFor(url))
    expect((await health(store)).serverVersion).to.match(/^15\./)
    const observedAt = new Date('2026-03-01T23:59:59.999Z')
    const first = await collectOnce(store, [
      part({ dataset: 'identitystore.users', rows: [user('u1'), user('Ü2', { x: '\u0000é' })], at: observedAt }),
      part({ dataset: 'identitystore.groups', rows: [group('g1')] }),
      part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: [membership('g1', 'u1')] }),
    ])
    const second = await collectOnce(store, [
      part({ dataset: 'identitystore.users', rows: [user('u1', { Title: 'new' })] }),
      part({ dataset: 'identitystore.groups', coverage: 'denied', reason: 'no', gaps: [gap('identitystore.groups')] }),
      part({ dataset: 'identitystore.group_memberships', coverage: 'denied', reason: 'no' }),
    ])
    expect(first.datasets.find(each => each.name === 'identitystore.users')!.lastObservedAt).to.deep.equal(observedAt)
    expect(await keysOf(store, first, 'identitystore.users')).to.deep.equal(['u1', 'Ü2'])
    expect(await keysOf(store, second, 'identitystore.group_memberships')).to.deep.equal([])
    for (const snapshot of [first, second]) expect(await checkSnapshot(store, snapshot)).to.deep.equal([])
    const { sources } = await readEstate(store, second.sealedAt)
    expect(sources[0]!.snapshot).to.deep.equal(second)
    await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail' }]))
  })

  it('survives pg_dump and pg_restore: what comes back is checked and goes on', async () => {
    {
      await using store = await openStore(optionsFor(url))
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1')] })])
    }
    const dump = join(folder, 'dump')
    const as = { stdio: 'pipe' as const, encoding: 'utf8' as const }
    execFileSync(join(oldest, 'pg_dump'), ['-h', folder, '-U', 'owner', '-Fc', '-f', dump, 'postgres'], as)
    execFileSync(join(oldest, 'createdb'), ['-h', folder, '-U', 'owner', 'restored'], as)
    execFileSync(join(oldest, 'pg_restore'), ['-h', folder, '-U', 'owner', '--exit-on-error', '-d', 'restored', dump], as)
    await using store = await openStore(optionsFor(url.replace('/postgres?', '/restored?')))
    const next = await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u2')] })])
    expect(next.version).to.be.greaterThan(1)
    expect(await checkSnapshot(store, next)).to.deep.equal([])
    const refused = await errorOf(store.db.pool.query('delete from ledger'))
    expect(refused.code).to.equal('23001')
  })
})
