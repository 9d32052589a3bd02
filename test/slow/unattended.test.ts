import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import { logged, type Running, until, workplace } from '../cli/program.ts'
import { startSmallS3 } from '../sources/small-s3.ts'
import { asOwner } from '../store/forger.ts'
import { freshDatabase } from '../store/fresh-store.ts'
import { oldHistory } from './old-history.ts'

async function ended(daemon: Running): Promise<void> {
  daemon.child.kill('SIGTERM')
  expect((await daemon.ended).code).to.equal(0)
}

describe('a daemon that nobody looks at', function () {
  this.timeout(180_000)

  it('disposes under retention once a day and keeps what is held, verifies the store when that is due, and shows what it found', async () => {
    await using place = await workplace()
    await using store = await oldHistory(place)
    const never = { schedule: { verify: '0 0 29 2 *' }, server: { port: 0 }, retention: { days: 90 } }
    const bodies = async () => (await store.db.pool.query('select count(body)::int as n from entity_version')).rows[0].n as number

    place.configure({ more: never })
    const hold = await place.run('hold', 'add', '--source', 'acme', '--reason', 'case 7', '--json')
    const held = place.start('run')
    expect((await logged(held, 'kept by holds')).heldBy).to.deep.equal([`hold ${hold.json.id} on source acme`])
    await logged(held, 'listening')
    await ended(held)
    expect(await bodies()).to.equal(3)
    expect(held.stderr()).not.to.contain('disposed of').and.not.to.contain('verified')

    expect((await place.run('hold', 'release', String(hold.json.id), '--reason', 'closed')).code).to.equal(0)
    const sameDay = place.start('run')
    await logged(sameDay, 'listening')
    await ended(sameDay)
    expect(await bodies(), 'once a day').to.equal(3)

    // the next day, on which somebody changed what was kept
    await asOwner(
      store,
      `delete from schedule_slot where schedule = 'retention'`,
      `update result_version set body = replace(body, 'bob', 'eve') where body like '%bob%'`,
    )
    place.configure({ more: { ...never, schedule: {} } })
    const next = place.start('run')
    expect(await logged(next, 'disposed of what is older than it is kept')).to.include({ source: 'acme', resources: 2 })
    expect(await bodies()).to.equal(1)
    const found = await logged(next, 'the store is not as it was sealed')
    expect(found.level).to.equal('error')
    expect(found.first.join('\n')).to.match(/IDC-USER-001 acme u-bob/)
    const { address } = await logged(next, 'listening')
    const page = await (await fetch(address)).text()
    expect(page).to.contain('THE STORE IS NOT AS IT WAS SEALED').and.to.contain('IDC-USER-001 acme u-bob')
    await ended(next)
    const ledger = await place.run('ledger', 'list', '--kind', 'disposal', 'verification', '--json')
    expect(ledger.json.entries.map((entry: { kind: string }) => entry.kind).sort()).to.deep.equal(['disposal', 'verification'])
    expect(ledger.json.entries.find((entry: { kind: string }) => entry.kind === 'verification').payload).to.include({
      snapshots: 3,
    })
  })

  it('says on its page and in its log that nobody outside vouches for what it verified', async () => {
    await using place = await workplace()
    await using _ = await oldHistory(place)
    const bucket = { name: 'heads', region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' }
    place.configure({ more: { server: { port: 0 }, heads: { bucket } } })
    const daemon = place.start('run')
    const verified = await logged(daemon, 'verified; heads are missing outside')
    expect(verified.level).to.equal('warn')
    expect(verified.first.join('\n')).to.contain('the bucket heads')
    const { address } = await logged(daemon, 'listening')
    expect(await (await fetch(address)).text()).to.match(/heads? (is|are) missing outside/)
    await ended(daemon)
  })
})

describe('what happens to a machine', function () {
  this.timeout(240_000)

  it('the database server is killed with kill -9 below a running daemon, which goes on', async () => {
    await using place = await workplace()
    place.configure({ more: { server: { port: 0 } } })
    const daemon = place.start('run')
    const { address } = await logged(daemon, 'listening')
    await logged(daemon, 'evaluated')
    const lock = join(place.folder, 'data', 'postgres', 'postmaster.pid')
    const pidOf = () => Number(readFileSync(lock, 'utf8').split('\n')[0])
    const killed = pidOf()
    process.kill(killed, 'SIGKILL')
    await until(async () => {
      const health = await fetch(`${address}/healthz`).catch(() => null)
      return health?.status === 200 && pidOf() !== killed
    })
    expect((await fetch(address)).status).to.equal(200)
    expect((await place.run('collect')).code).to.equal(0)
    expect((await place.run('verify-store', '--json')).json.problems.filter(isWrong)).to.deep.equal([])
    const second = await place.run('run')
    expect(second.stderr, 'it is the daemon again').to.contain(`process ${daemon.child.pid}`)
    await ended(daemon)
  })

  it('the disk is full in the middle of a collection: it says so, nothing is lost, and with room again it goes on', async function () {
    if (process.getuid?.() !== 0) return this.skip()
    await using place = await workplace()
    const disk = join(place.folder, 'data')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=0755', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      // a container without the right to mount
      return this.skip()
    }
    try {
      expect((await place.run('collect')).code).to.equal(0)
      const { bavail, bsize } = statfsSync(disk)
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize - 100_000))
      const full = await place.run('collect')
      expect(full.code, full.stderr).to.equal(1)
      expect(full.stderr).to.match(/nothing that was sealed is lost/)
      rmSync(join(disk, 'ballast'))
      expect((await place.run('collect')).code).to.equal(0)
      const verified = await place.run('verify-store', '--json')
      expect(verified.json.problems.filter(isWrong)).to.deep.equal([])
      expect(verified.json.snapshots).to.be.oneOf([2, 3])
    } finally {
      execFileSync('umount', [disk])
    }
  })
})

describe('a database of your own, by the commands', function () {
  this.timeout(240_000)

  it('is migrated once by twenty processes at once, refused when it is newer, and served by no superuser unless that is wanted', async () => {
    await using place = await workplace()
    const url = await freshDatabase('empty')
    const configure = (more: object) => place.configure({ more: { database: { url, ...more }, server: { port: 0 } } })
    configure({})
    const older = await place.run('collect')
    expect([older.code, older.stderr.includes('evidenced migrate')]).to.deep.equal([1, true])
    const migrated = await Promise.all(Array.from({ length: 20 }, () => place.run('migrate', '--json')))
    expect(migrated.map(each => each.code)).to.deep.equal(Array.from({ length: 20 }, () => 0))
    const applied = migrated.flatMap(each => each.json.applied as string[])
    expect(applied)
      .to.deep.equal([...new Set(applied)])
      .and.to.have.length.above(10)

    const refused = await place.run('run')
    expect([refused.code, refused.stderr.includes('evidenced_app')]).to.deep.equal([1, true])
    configure({ allowSuperuser: true })
    const daemon = place.start('run')
    await logged(daemon, 'evaluated')
    await ended(daemon)

    const client = new pg.Client(url)
    await client.connect()
    await client.query(`insert into schema_migration (name, timestamp) values ('9999_from_the_future', 'now')`)
    await client.end()
    for (const command of ['migrate', 'collect', 'run', 'verify-store']) {
      const newer = await place.run(command)
      expect([command, newer.code]).to.deep.equal([command, 1])
      expect(newer.stderr).to.contain('9999_from_the_future')
    }
  })
})

function isWrong({ kind }: { readonly kind: string }): boolean {
  return kind !== 'head_missing'
}

describe('heads in a bucket, through the commands', function () {
  this.timeout(180_000)

  it('are written by collecting and judging, and what is missing, changed or too much is found by verify-store', async () => {
    await using place = await workplace()
    await using s3 = await startSmallS3('heads', place.env)
    const bucket = { name: 'heads', region: 'eu-west-1', endpoint: s3.endpoint, prefix: 'acme/', lockDays: 7 }
    place.configure({ more: { heads: { bucket } } })
    expect((await place.run('collect')).code).to.equal(0)
    await place.run('evaluate')
    const verify = async () => {
      const { code, json } = await place.run('verify-store', '--json')
      return { code, said: json.problems.map(({ kind, name, message }: Record<string, string>) => `${kind} ${name}: ${message}`) }
    }
    expect(await verify()).to.deep.equal({ code: 0, said: [] })
    expect([...s3.puts.values()].every(headers => headers['x-amz-object-lock-mode'] === 'COMPLIANCE')).to.equal(true)

    const head = [...s3.objects.keys()].find(key => !key.includes('evaluations') && key.endsWith('.json'))!
    const kept = s3.objects.get(head)!
    s3.objects.delete(head)
    const missing = await verify()
    expect(missing.code).to.equal(3)
    expect(missing.said).to.deep.equal(['head_missing acme version 1: it has no head outside the database'])

    s3.objects.set(head, Buffer.from(kept.toString().replace(/"ledgerPosition":\d+/, '"ledgerPosition":1')))
    const changed = await verify()
    expect(changed.code).to.equal(4)
    expect(changed.said.join('\n')).to.match(/^head acme version 1: /)

    s3.objects.set(head, kept)
    s3.objects.set(
      head.replace(/0*1(?=\.json$)/, found => found.replace('1', '2')),
      kept,
    )
    const extra = await verify()
    expect(extra.code, s3.objects.keys().toArray().join(' ')).to.equal(4)
    expect(extra.said.join('\n')).to.match(/^head acme version /)
  })
})
