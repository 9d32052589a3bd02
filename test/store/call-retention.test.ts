import { expect } from 'chai'
import {
  addHold,
  disposeCalls,
  previewCallDisposal,
  readCalls,
  readLedger,
  readSnapshot,
  releaseHold,
  verifyStore,
} from '../../src/store/index.ts'
import { call, clockAt, collectOnce, part } from './collected.ts'
import { asOwner } from './forger.ts'
import { freshStore } from './fresh-store.ts'

describe('the ledger of calls', () => {
  it('has a retention of its own, which a hold stops, and whose root stays', async () => {
    const clock = clockAt('2026-01-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    for (const day of ['01', '11', '21']) {
      clock.moveTo(`2026-01-${day}T00:00:00Z`)
      await collectOnce(store, [part({ dataset: 'identitystore.users' })], { calls: [call('ListUsers'), call('ListUsers')] })
    }
    const hold = await addHold(store, { kind: 'source', source: 'acme' }, 'a court', 'counsel')
    expect(await previewCallDisposal(store, 5)).to.include({ collections: 0 })
    await releaseHold(store, hold.id, 'over', 'counsel')
    expect(await previewCallDisposal(store, 15)).to.include({ collections: 1, calls: 2, ledgerPosition: null })
    const gone = await disposeCalls(store, 15)
    expect(gone).to.include({ collections: 1, calls: 2 })
    expect(gone.sizeBytes).to.be.greaterThan(0)
    const entries = await Array.fromAsync(readLedger(store))
    expect(entries.at(-1)).to.deep.include({ kind: 'disposal', position: gone.ledgerPosition })
    expect(entries.at(-1)!.payload).to.include({ calls: 2, because: 'retention.callLedgerDays' })
    const [first, second] = [1, 2].map(version => readSnapshot(store, 'acme', { version }))
    expect(await Array.fromAsync(readCalls(store, (await first)!))).to.deep.equal([])
    expect((await first)!.calls).to.equal(2)
    expect(await Array.fromAsync(readCalls(store, (await second)!))).to.have.lengthOf(2)
    expect(await disposeCalls(store, 15)).to.include({ collections: 0, ledgerPosition: null })
    expect(await disposeCalls(store, 1), 'the newest stays').to.include({ collections: 1 })
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
    await asOwner(store, 'delete from call_chunk')
    expect((await verifyStore(store, null)).problems.map(each => each.name)).to.deep.equal(['calls of acme version 3'])
  })

  it('loses nothing without an entry of the ledger that names it', async () => {
    await using store = await freshStore()
    await collectOnce(store, [part({ dataset: 'identitystore.users' })], { calls: [call('ListUsers')] })
    const refused = await store.db.pool.query('delete from call_chunk').catch((error: { code: string }) => error.code)
    expect(refused).to.equal('23001')
    await store.db.pool.query('select dispose_calls(1)')
    expect((await store.db.pool.query('select from call_chunk')).rowCount).to.equal(1)
  })
})
