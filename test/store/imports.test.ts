import { expect } from 'chai'
import { checkLedger, listImports, readImports, saveImport } from '../../src/store/index.ts'
import { freshStore } from './fresh-store.ts'

const digest = 'a'.repeat(64)

describe('imports', () => {
  it('are kept whole, and the last of its kind by an instant counts', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using store = await freshStore({ now: () => now })
    await saveImport(store, { kind: 'roster', location: 'a.csv', digest, rows: [{ personId: 'p1', status: 'active' }] })
    now = new Date('2026-02-01T00:00:00Z')
    await saveImport(store, { kind: 'roster', location: 'b.csv', digest, rows: [] })
    await saveImport(store, { kind: 'attestations', location: 'c.csv', digest, rows: [] })

    const january = await readImports(store, new Date('2026-01-15T00:00:00Z'))
    expect(january).to.deep.equal([
      {
        kind: 'roster',
        location: 'a.csv',
        digest,
        importedAt: new Date('2026-01-01T00:00:00Z'),
        rows: [{ personId: 'p1', status: 'active' }],
      },
    ])
    const february = await readImports(store, new Date('2026-02-15T00:00:00Z'))
    expect(february.map(({ kind, location }) => `${kind} ${location}`)).to.have.members(['roster b.csv', 'attestations c.csv'])
    expect(await readImports(store, new Date('2025-12-31T00:00:00Z'))).to.deep.equal([])
    expect((await listImports(store)).map(({ id }) => id)).to.deep.equal([3, 2, 1])
    expect(await checkLedger(store)).to.include({ entries: 3 })
  })
})
