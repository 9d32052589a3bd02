import { expect } from 'chai'
import type { BundleRecord, Place } from '../../src/model.ts'
import {
  claimSlot,
  health,
  listBundles,
  openRun,
  openStore,
  readLedger,
  type Store,
  saveBundle,
  saveParts,
  sealRun,
  sharedBudget,
} from '../../src/store/index.ts'
import { collectOnce, errorOf, identity, part, place, planOf, sourceNamed, until, user } from './collected.ts'
import { freshStore } from './fresh-store.ts'
import { migrationNames, optionsFor } from './store-options.ts'

describe('what processes share through the store', () => {
  it('gives each slot of a schedule to one process only, and for ever', async () => {
    await using one = await freshStore()
    await using two = await openStore(optionsFor(one.url))
    const slot = new Date('2026-03-01T02:00:00Z')
    const claims = await Promise.all(
      [one, two, one, two, two].map((store, i) => claimSlot(store, 'nightly', slot, `process ${i}`)),
    )
    expect(claims.filter(claimed => claimed)).to.have.lengthOf(1)
    expect(await claimSlot(one, 'nightly', new Date('2026-03-02T02:00:00Z'), 'p')).to.equal(true)
    expect(await claimSlot(one, 'weekly', slot, 'p')).to.equal(true)
    expect(await claimSlot(two, 'nightly', slot, 'p')).to.equal(false)
  })

  it('seals two sources at once that meet the same new dataset in the same new account', async () => {
    await using store = await freshStore()
    const other = { accountId: '444455556666', region: 'us-east-1' }
    const step = (dataset: string, at: Place) => ({ dataset, operation: 'List', action: 'iam:List', place: at, calls: null })
    const steps = [step('iam.users', place), step('iam.roles', other)]
    await using one = await openRun(store, sourceNamed('one'), planOf([], { source: 'one', steps }))
    await saveParts(one, { pieces: [part({ dataset: 'iam.users', rows: [user('u1')] })], calls: [] })
    const another = { source: 'two', identity: { ...identity, instanceArn: 'arn:aws:sso:::instance/ssoins-2' } }
    await using two = await openRun(store, sourceNamed('two'), planOf([], { ...another, steps: [step('iam.users', other)] }))
    const piece = part({ dataset: 'iam.users', rows: [user('u2')] })
    await saveParts(two, { pieces: [{ ...piece, part: { ...piece.part, place: other } }], calls: [] })
    const blocker = await store.db.pool.connect()
    await blocker.query('begin; lock table part in share mode')
    const isWaiting = (count: number) => async () =>
      (await store.db.pool.query(`select from pg_locks where not granted`)).rowCount === count
    const first = sealRun(one)
    await until(isWaiting(1), 'the first seal to wait for the table')
    const second = sealRun(two)
    await until(isWaiting(2), 'the second seal to wait for the first')
    await blocker.query('commit')
    blocker.release()
    expect((await Promise.all([first, second])).map(({ version }) => version)).to.deep.equal([1, 1])
  })

  it('keeps all processes together below one rate of calls', async () => {
    await using one = await freshStore()
    await using two = await openStore(optionsFor(one.url))
    const budgets = [sharedBudget(one), sharedBudget(two)]
    const started = performance.now()
    const waits = await Promise.all(Array.from({ length: 40 }, (_, i) => budgets[i % 2]!.reserve('o-1/sso', 5, 100)))
    const elapsedMs = performance.now() - started
    // 40 leases of 5 calls at 100 a second: each begins 50 ms after the one before, the last one 1,950 ms after the first
    const sorted = waits.toSorted((a, b) => a - b)
    expect(sorted.at(-1)).to.be.within(1950 - 100 - elapsedMs, 1950)
    for (const [i, wait] of sorted.entries()) expect(wait, `lease ${i}`).to.be.at.most(50 * i)
    expect(await budgets[0]!.reserve('o-2/sso', 1, 100), 'another key has its own rate').to.equal(0)
    expect((await errorOf(budgets[0]!.reserve('o-1/sso', 1, 0))).message).to.contain('0 a second')
  })

  it('tells all processes of the newest throttle that one of them met, and of none that a clock dated which was ahead', async () => {
    await using one = await freshStore()
    await using two = await openStore(optionsFor(one.url))
    const told = async (store: Store, mine: { secondsAgo: number; from: number } | null, key = 'o-1/sso') => {
      const heard: number[] = []
      const adopt = ({ secondsAgo, from }: { secondsAgo: number; from: number }) => heard.push(Math.round(secondsAgo), from)
      await sharedBudget(store).reserve(key, 1, 100, { mine, adopt })
      return heard
    }
    expect(await told(two, null)).to.deep.equal([])
    expect(await told(one, { secondsAgo: 30, from: 60 })).to.deep.equal([30, 60])
    expect(await told(two, null)).to.deep.equal([30, 60])
    expect(await told(two, { secondsAgo: 90, from: 80 }), 'an older one').to.deep.equal([30, 60])
    expect(await told(two, { secondsAgo: 10, from: 48 })).to.deep.equal([10, 48])
    expect(await told(one, null)).to.deep.equal([10, 48])
    expect(await told(one, null, 'o-2/sso')).to.deep.equal([])
    await one.db.pool.query('update call_budget set cut_at = cut_at + 86400')
    expect(await told(two, null)).to.deep.equal([])
    expect(await told(two, { secondsAgo: 5, from: 20 })).to.deep.equal([5, 20])
  })

  it('lets no burst build up over a pause', async () => {
    await using store = await freshStore()
    const budget = sharedBudget(store)
    await budget.reserve('k', 1, 10)
    await store.db.pool.query(`update call_budget set tat = tat - 3600`)
    expect(await budget.reserve('k', 10, 10)).to.equal(0)
    expect(await budget.reserve('k', 1, 10)).to.be.within(500, 1000)
  })

  it('waits for nothing that a clock reserved which was set back since', async () => {
    await using store = await freshStore()
    const budget = sharedBudget(store)
    await budget.reserve('k', 1, 10)
    await store.db.pool.query(`update call_budget set tat = tat + 86400`)
    expect(await budget.reserve('k', 10, 10)).to.equal(0)
    expect(await budget.reserve('k', 1, 10)).to.be.within(500, 1000)
  })

  it('paces calls that come more rarely than every ten minutes, too', async () => {
    await using store = await freshStore()
    const budget = sharedBudget(store)
    const waits = []
    for (let i = 0; i < 3; i++) waits.push(Math.round((await budget.reserve('k', 1, 0.001)) / 1e6))
    expect(waits).to.deep.equal([0, 1, 2])
  })

  it('keeps the records of bundles, and their digests in the ledger', async () => {
    await using store = await freshStore()
    const bundle: BundleRecord = {
      ...{
        id: 'b1',
        issuedAt: new Date('2026-03-01T00:00:00Z'),
        asOf: new Date('2026-02-28T00:00:00Z'),
        framework: 'soc2',
        path: '/x/b1.zip',
      },
      ...{
        sizeBytes: 5_000_000_000,
        manifestDigest: 'a'.repeat(64),
        keyFingerprint: 'b'.repeat(64),
        ledgerPosition: 7,
        complete: false,
      },
    }
    const later = { ...bundle, id: 'b2', framework: null, issuedAt: new Date('2026-03-02T00:00:00Z') }
    await saveBundle(store, bundle)
    await saveBundle(store, later)
    expect(await listBundles(store)).to.deep.equal([later, bundle])
    expect(await listBundles(store, { framework: 'soc2' })).to.deep.equal([bundle])
    const entries = await Array.fromAsync(readLedger(store))
    expect(entries.map(entry => [entry.kind, entry.payload.bundle])).to.deep.equal([
      ['bundle', 'b1'],
      ['bundle', 'b2'],
    ])
  })

  it('says how it is', async () => {
    await using store = await freshStore()
    const before = await health(store)
    expect(before).to.include({ kind: 'external', lastSealedAt: null, schema: migrationNames.at(-1) })
    expect(before.serverVersion).to.match(/^18\./)
    const { sealedAt } = await collectOnce(store, [part({ dataset: 'identitystore.users' })])
    expect((await health(store)).lastSealedAt).to.deep.equal(sealedAt)
  })
})
