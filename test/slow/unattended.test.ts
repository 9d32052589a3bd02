import { join } from 'node:path'
import { expect } from 'chai'
import { silent } from '../../src/log.ts'
import { openStore, type Store, saveEvaluation } from '../../src/store/index.ts'
import { type Running, until, type Workplace, workplace } from '../cli/program.ts'
import { startSmallS3 } from '../sources/small-s3.ts'
import { collectOnce, part, user } from '../store/collected.ts'
import { evaluationOf } from '../store/evaluated.ts'
import { asOwner } from '../store/forger.ts'

/** Two years of history of the source that the configuration names, made with a clock of its own. */
async function oldHistory(place: Workplace): Promise<Store> {
  let at = new Date('2024-01-01T00:00:00Z')
  const store = await openStore({
    ...{ url: null, dataDir: join(place.folder, 'data'), log: silent, now: () => at, softwareVersion: '0.1.0' },
  })
  for (const [day, name] of [
    ['2024-01-01', 'jane@example.com'],
    ['2024-06-01', 'jane.roe@example.com'],
    ['2025-01-01', 'bob@example.com'],
  ] as const) {
    at = new Date(`${day}T00:00:00Z`)
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user(name.slice(0, 4), { UserName: name })] })])
    await saveEvaluation(store, evaluationOf([{ key: name.slice(0, 4), status: 'fail', reason: `${name} has no MFA` }]))
  }
  return store
}

/** What a daemon logged under a message, once it did. */
async function logged(daemon: Running, message: string) {
  const find = () =>
    daemon
      .stderr()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line))
      .find(entry => entry.message === message)
  await until(() => find() !== undefined)
  return find()
}

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
    expect(found.first.join('\n')).to.match(/IDC-USER-001 acme bob@/)
    const { address } = await logged(next, 'listening')
    const page = await (await fetch(address)).text()
    expect(page).to.contain('THE STORE IS NOT AS IT WAS SEALED').and.to.contain('IDC-USER-001 acme bob@')
    await ended(next)
    const ledger = await place.run('ledger', 'list', '--kind', 'disposal', 'verification', '--json')
    expect(ledger.json.entries.map((entry: { kind: string }) => entry.kind).sort()).to.deep.equal(['disposal', 'verification'])
    expect(ledger.json.entries.find((entry: { kind: string }) => entry.kind === 'verification').payload).to.include({
      snapshots: 3,
    })
  })

  it('says on its page and in its log why it could not verify', async () => {
    await using place = await workplace()
    await using _ = await oldHistory(place)
    const bucket = { name: 'heads', region: 'eu-west-1', endpoint: 'http://127.0.0.1:9' }
    place.configure({ more: { server: { port: 0 }, heads: { bucket } } })
    const daemon = place.start('run')
    const failure = await logged(daemon, 'verification failed')
    expect(failure.level).to.equal('error')
    const { address } = await logged(daemon, 'listening')
    expect(await (await fetch(address)).text()).to.contain('The store could not be verified')
    await ended(daemon)
  })
})

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
