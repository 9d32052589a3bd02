import { expect } from 'chai'
import { digestOf } from '../../src/digest.ts'
import { appendLedger, checkLedger, readLedger } from '../../src/store/index.ts'
import { clockAt } from './collected.ts'
import { freshStore } from './fresh-store.ts'

describe('the ledger', () => {
  it('chains its entries by digests that anybody can compute again', async () => {
    const clock = clockAt('2026-03-01T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const made = [
      await appendLedger(store, 'config', { digest: 'a', 'ä"\u0001': [1, null, { deep: true }] }),
      await appendLedger(store, 'key', {}),
      await appendLedger(store, 'download', { path: '/x' }),
    ]
    expect(await Array.fromAsync(readLedger(store))).to.deep.equal(made)
    expect(await Array.fromAsync(readLedger(store, { from: 3 }))).to.deep.equal([made[2]])
    for (const [i, { digest, at, ...body }] of made.entries()) {
      expect(body).to.include({ position: i + 1, previousDigest: made[i - 1]?.digest ?? null })
      expect(digestOf({ ...body, at: at.toISOString() })).to.equal(digest)
    }
    expect(await checkLedger(store)).to.deep.equal({ entries: 3, head: made[2]!.digest, problems: [] })
  })

  it('has no gap and no fork when many append at once', async () => {
    await using store = await freshStore()
    await Promise.all(Array.from({ length: 30 }, (_, i) => appendLedger(store, 'download', { i })))
    const { entries, problems } = await checkLedger(store)
    expect(entries).to.equal(30)
    expect(problems).to.deep.equal([])
  })

  const spoilings: readonly (readonly [what: string, statement: string, positions: readonly number[]])[] = [
    ['a changed payload', `update ledger set payload = '{"i":9}' where position = 3`, [3]],
    ['a changed time', `update ledger set at = at + interval '1 ms' where position = 1`, [1]],
    ['a changed kind', `update ledger set kind = 'key' where position = 5`, [5]],
    ['a removed entry', `delete from ledger where position = 2`, [3, 3]],
    ['a removed first entry', `delete from ledger where position = 1`, [2, 2]],
    [
      'two entries that changed places',
      `update ledger set position = -position where position in (2, 3); update ledger set position = 5 + position where position < 0`,
      [2, 2, 3, 3, 4],
    ],
  ]
  for (const [what, statement, positions] of spoilings) {
    it(`shows ${what}`, async () => {
      await using store = await freshStore()
      for (let i = 0; i < 5; i++) await appendLedger(store, 'download', { i })
      await store.db.pool.query(
        `alter table ledger disable trigger user; alter table ledger drop constraint ledger_position_check; ${statement}`,
      )
      expect((await checkLedger(store)).problems.map(problem => problem.position)).to.deep.equal(positions)
    })
  }
})
