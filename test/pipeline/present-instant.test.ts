import { expect } from 'chai'
import { loadCatalog } from '../../src/controls/index.ts'
import { silent } from '../../src/log.ts'
import { presentInstant, runEvaluation } from '../../src/pipeline/index.ts'
import { collectOnce, part, user } from '../store/collected.ts'
import { freshStore } from '../store/fresh-store.ts'

describe('judging when a clock was ahead and was set back', () => {
  it('judges the last snapshot all the same, and moves findings', async () => {
    let now = new Date('2026-11-01T00:00:00Z')
    await using store = await freshStore({ now: () => now })
    const parts = { store, catalog: loadCatalog(), log: silent }
    const collected = async (day: string) => {
      now = new Date(day)
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user(day.slice(0, 10))] })])
      return runEvaluation(parts, await presentInstant(store, now))
    }
    expect((await collected('2026-11-01T00:00:00Z')).asOf).to.deep.equal(new Date('2026-11-01T00:00:00Z'))
    await collected('2027-11-01T00:00:00Z')
    const back = await collected('2026-11-02T00:00:00Z')
    expect([back.snapshots[0]!.version, back.asOf]).to.deep.equal([3, new Date('2027-11-01T00:00:00Z')])
    const { rows } = await store.db.pool.query('select findings is not null as moved from evaluation order by id')
    expect(rows.map(row => row.moved)).to.deep.equal([true, true, true])
  })
})
