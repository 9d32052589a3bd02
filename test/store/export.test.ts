import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import pg from 'pg'
import {
  checkLedger,
  exportStore,
  importStore,
  openStore,
  readEvaluation,
  readSnapshot,
  runRetention,
  saveEvaluation,
  saveImport,
  storeStats,
  verifyStore,
} from '../../src/store/index.ts'
import { tarFile } from '../../src/store/tar.ts'
import { assignment, call, clockAt, collectOnce, errorOf, gap, group, membership, part, resourcesOf, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshDatabase, freshStore } from './fresh-store.ts'
import { verified } from './life-on.ts'
import { optionsFor } from './store-options.ts'

const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'

describe('an export of the database', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-export-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('brings everything into another database: every digest, what was disposed of, and what comes next', async () => {
    const { store } = await filled()
    await using _ = store
    const file = join(folder, 'all.tar.gz')
    const done = await exportStore(store, file)
    expect(done.sizeBytes).to.equal(statSync(file).size)
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(readdirSync(folder)).to.deep.equal(['all.tar.gz'])
    const url = await freshDatabase('empty')
    const imported = await importStore(optionsFor(url), file)
    expect(imported.tables).to.deep.equal(done.tables)
    await using copy = await openStore(optionsFor(url))
    const [before, after] = [await verified(store), await verified(copy)]
    expect(after.problems).to.deep.equal([])
    expect(after).to.deep.equal(before)
    expect(after.ledgerHead).to.equal(imported.ledgerHead)
    for (const version of [1, 2]) {
      const [a, b] = [await readSnapshot(store, 'acme', { version }), await readSnapshot(copy, 'acme', { version })]
      expect(b).to.deep.equal(a)
      expect(await resourcesOf(copy, b!)).to.deep.equal(await resourcesOf(store, a!))
    }
    expect(await readEvaluation(copy, 1)).to.deep.equal(await readEvaluation(store, 1))
    const next = await collectOnce(copy, [part({ dataset: 'identitystore.users', rows: [user('u9'), user('u1')] })])
    expect(next.version).to.equal(3)
    await saveEvaluation(copy, evaluationOf([{ key: 'u9', status: 'fail' }]))
    expect((await verifyStore(copy, null)).problems).to.deep.equal([])
    expect((await errorOf(copy.db.pool.query('delete from ledger'))).code).to.equal('23001')
  })

  it('can be looked into with tar, and names the rows and the digest of each table', async () => {
    const { store } = await filled()
    await using _ = store
    const file = join(folder, 'all.tar.gz')
    await exportStore(store, file)
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n')
    expect(names[0]).to.equal('evidenced-export.json')
    expect(names.at(-1)).to.equal('manifest.json')
    const text = (name: string) => execFileSync('tar', ['-xzOf', file, name], { encoding: 'utf8' })
    const { tables } = JSON.parse(text('manifest.json'))
    const ledger = tables.find((each: { name: string }) => each.name === 'ledger')
    const rows = text('tables/ledger/000001.copy')
    expect(ledger.sha256).to.equal(createHash('sha256').update(rows).digest('hex'))
    expect(ledger.rows).to.equal((await checkLedger(store)).entries)
    expect(JSON.parse(text('evidenced-export.json')).schema).to.include('0001_first_schema')
  })

  it('is refused when it is foreign, newer, cut short or changed, and leaves nothing then', async () => {
    const { store } = await filled()
    await using _ = store
    const file = join(folder, 'all.tar.gz')
    await exportStore(store, file)
    const good = readFileSync(file)
    const tar = gunzipSync(good)
    const url = await freshDatabase('empty')
    const refusal = async (bytes: Buffer) => {
      writeFileSync(file, bytes)
      const refused = await errorOf(importStore(optionsFor(url), file))
      return refused.code
    }
    const headEnd = tarFile('evidenced-export.json', Buffer.from(headOf(tar))).length
    const withHead = (change: object) =>
      gzipSync(
        Buffer.concat([
          tarFile('evidenced-export.json', Buffer.from(JSON.stringify({ ...JSON.parse(headOf(tar)), ...change }))),
          tar.subarray(headEnd),
        ]),
      )
    expect(await refusal(Buffer.from('no export'))).to.equal('EXPORT_FOREIGN')
    expect(await refusal(gzipSync('no tar either'))).to.equal('EXPORT_FOREIGN')
    expect(await refusal(gzipSync(tarFile('other.json', Buffer.from('{}'))))).to.equal('EXPORT_FOREIGN')
    expect((await errorOf(importStore(optionsFor(url), join(folder, 'nothing')))).code).to.equal('EXPORT_FOREIGN')
    expect(await refusal(withHead({ formatVersion: 2 }))).to.equal('EXPORT_NEWER')
    expect(await refusal(withHead({ schema: ['9999_from_the_future'] }))).to.equal('EXPORT_NEWER')
    expect(await tablesIn(url), 'nothing was made').to.equal(0)
    expect(await refusal(good.subarray(0, good.length - 200))).to.equal('EXPORT_DAMAGED')
    expect(await refusal(gzipSync(tar.subarray(0, tar.lastIndexOf('manifest.json'))))).to.equal('EXPORT_DAMAGED')
    const changed = Buffer.from(tar)
    changed.write('xx@', changed.indexOf('u1@'), 'utf8')
    expect(await refusal(gzipSync(changed))).to.equal('EXPORT_DAMAGED')
    const strange = Buffer.from(tar.toString('latin1').replaceAll('tables/ledger/', 'tables/ledgex/'), 'latin1')
    expect(await refusal(gzipSync(strange))).to.equal('EXPORT_DAMAGED')
    expect(await rowsIn(url), 'no row is left').to.equal(0)
    writeFileSync(file, good)
    expect((await importStore(optionsFor(url), file)).tables.length).to.be.greaterThan(20)
  })

  it('says that the disk of the file is full, and leaves no half of it', async function () {
    const { store } = await filled()
    await using _ = store
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      // not root, or a container without the right to mount
      return this.skip()
    }
    try {
      const full = await errorOf(exportStore(store, join(disk, 'all.tar.gz')))
      expect([full.code, full.message]).to.deep.equal([
        'DISK_FULL',
        `the disk is full: ${join(disk, 'all.tar.gz')} was not written`,
      ])
      expect(readdirSync(disk)).to.deep.equal([])
    } finally {
      execFileSync('umount', [disk])
    }
  })

  it('goes into no database that holds anything', async () => {
    const { store } = await filled()
    await using _ = store
    const file = join(folder, 'all.tar.gz')
    await exportStore(store, file)
    const refused = await errorOf(importStore(optionsFor(store.url), file))
    expect(refused.code).to.equal('NOT_EMPTY')
    await using migrated = await openStore(optionsFor(await freshDatabase()))
    await importStore(optionsFor(migrated.db.config.connectionString!), file)
    const foreign = await freshDatabase('empty')
    const client = new pg.Client(foreign)
    await client.connect()
    await client.query('create table mine (x int)')
    await client.end()
    expect((await errorOf(importStore(optionsFor(foreign), file))).message).to.contain('mine')
    expect((await errorOf(exportStore(store, join(folder, 'no', 'such', 'folder')))).code).to.equal('FILE_NOT_WRITABLE')
    expect(existsSync(file)).to.equal(true)
  })

  it('says how large each table is and how fast it grows', async () => {
    const { store, clock } = await filled()
    await using _ = store
    const ledger = async () => (await storeStats(store)).tables.find(each => each.name === 'ledger')!.rows
    expect(await ledger(), 'before the server has looked').to.equal((await checkLedger(store)).entries)
    await store.db.pool.query('analyze')
    expect(await ledger()).to.equal((await checkLedger(store)).entries)
    clock.moveTo('2026-02-11T00:00:00Z')
    const stats = await storeStats(store)
    expect(stats.days).to.equal(30)
    const users = stats.tables.find(each => each.name === 'entity_version')!
    expect(users.sizeBytes).to.be.greaterThan(8000)
    expect(users.added, 'what the second snapshot began').to.equal(2)
    expect(users.bytesPerDay).to.be.greaterThan(0)
    expect(stats.bytesPerDay).to.be.at.least(users.bytesPerDay!)
    expect(stats.sizeBytes).to.be.greaterThan(stats.tables.reduce((sum, each) => sum + each.sizeBytes + each.indexBytes, 0))
    clock.moveTo('2026-01-01T10:00:00Z')
    expect(await storeStats(store)).to.include({ days: null, bytesPerDay: null })
  })
})

/** A store with a row in most tables, odd texts, a run that was never sealed, and bodies that are gone. */
async function filled() {
  const clock = clockAt('2026-01-01T00:00:00Z')
  const store = await freshStore({ now: clock.now })
  const refused = part({ dataset: 'sso.applications', coverage: 'denied', reason: 'no', gaps: [gap('sso.applications')] })
  for (const [i, at] of ['2026-01-01', '2026-02-01'].entries()) {
    clock.moveTo(`${at}T00:00:00Z`)
    await saveImport(store, {
      kind: 'roster',
      location: 'r.csv',
      digest: 'a'.repeat(64),
      rows: [{ personId: 'p1', name: 'tab\there \\N \\. ü' }],
    })
    await collectOnce(
      store,
      [
        part({
          dataset: 'identitystore.users',
          rows: [user('u1', { i, odd: 'a\tb\\c\nd"é\u{1f600}' }), ...(i === 0 ? [user('u0')] : [user('u2')])],
        }),
        part({ dataset: 'identitystore.groups', rows: [group('g1')] }),
        part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: [membership('g1', 'u1')] }),
        part({ dataset: 'sso.account_assignments', parent: `1|${set}`, rows: [assignment('1', set, 'GROUP', 'g1')] }),
        refused,
      ],
      { calls: [call('ListUsers')] },
    )
    await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail', reason: `in ${at}` }]))
  }
  const rule = { days: 1, because: 'test' }
  clock.moveTo('2026-02-10T00:00:00Z')
  await runRetention(store, { of: () => rule, imports: rule })
  return { store, clock }
}

function headOf(tar: Buffer): string {
  const size = Number.parseInt(tar.toString('latin1', 124, 136), 8)
  return tar.toString('utf8', 512, 512 + size)
}

async function tablesIn(url: string): Promise<number> {
  return count(url, `select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`)
}

async function rowsIn(url: string): Promise<number> {
  return count(
    url,
    'select (select count(*) from ledger)::int + (select count(*) from entity_version)::int + (select count(*) from source)::int as n',
  )
}

async function count(url: string, text: string): Promise<number> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<{ n: number }>(text)).rows[0]!.n
  } finally {
    await client.end()
  }
}
