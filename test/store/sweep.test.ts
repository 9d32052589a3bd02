import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import {
  migrate,
  noteFinding,
  openStore,
  pseudonymise,
  type Store,
  saveEvaluation,
  storeStats,
  sweepDisposed,
} from '../../src/store/index.ts'
import { collectOnce, part, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshDatabase, freshStore } from './fresh-store.ts'
import { optionsFor } from './store-options.ts'

const name = 'zebulon.quagmire'

describe('what a disposal leaves in the files of the database', () => {
  it('is gone once the tables are written anew, from rows and from what the server sampled of them', async () => {
    await using store = await freshStore()
    const people = Array.from({ length: 300 }, (_, i) => user(`u${i}`))
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [...people, user('u300', { UserName: name })] })])
    await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail' }]))
    await noteFinding(store, 1, name, 'said so')
    await store.db.pool.query('analyze')
    expect(await filesNaming(store, name)).to.have.lengthOf.at.least(1)
    const { ledgerPosition } = await pseudonymise(store, { source: 'acme', user: 'u300', isDryRun: false })
    expect(ledgerPosition).to.be.a('number')
    expect((await storeStats(store)).tables.find(each => each.name === 'entity_version')).to.include({ deadRows: 1 })
    expect(await filesNaming(store, name), 'before a vacuum').to.have.lengthOf.at.least(1)
    const { swept, left } = await sweepDisposed(store, 'rewrite')
    expect(left).to.deep.equal([])
    expect(swept).to.include.members(['entity_version', 'entity_salt', 'import_row', 'finding_note'])
    expect(await filesNaming(store, name)).to.deep.equal([])
    expect((await storeStats(store)).tables.find(each => each.name === 'entity_version')).to.include({ deadRows: 0 })
    expect(await filesNaming(store, 'u299@example.com'), 'what was not asked for').to.have.lengthOf.at.least(1)
  })

  it('is told where an open transaction may see it still, or the database user may not clear it', async () => {
    const url = await freshDatabase()
    await migrate(optionsFor(url))
    const owner = new pg.Client(url)
    await owner.connect()
    const role = `reader_${process.pid}`
    await owner.query(`create role ${role} login in role evidenced_app`)
    try {
      await using store = await openStore(optionsFor(url.replace('postgres@', `${role}@`)))
      expect((await sweepDisposed(store, 'reuse')).swept, 'who was granted maintenance').to.include.members([
        'entity_version',
        'call_chunk',
      ])
      await owner.query('revoke maintain on entity_version from evidenced_app')
      const { left } = await sweepDisposed(store, 'reuse')
      expect(left.map(each => each.table)).to.deep.equal(['entity_version'])
      expect(left[0]!.why).to.match(/may not vacuum it/)
      await using owned = await openStore(optionsFor(url))
      await owner.query('begin isolation level repeatable read')
      await owner.query('select from entity_version')
      const held = await sweepDisposed(owned, 'reuse')
      await owner.query('rollback')
      expect(held.swept).to.deep.equal([])
      expect(held.left[0]).to.deep.include({
        table: 'entity_version',
        why: 'another transaction was open that may still see them',
      })
    } finally {
      await owner.query(`drop owned by ${role}; drop role ${role}`)
      await owner.end()
    }
  })
})

/** Files of the database that hold a text. */
async function filesNaming(store: Store, text: string): Promise<string[]> {
  await store.db.pool.query('checkpoint')
  const { rows } = await store.db.pool.query(
    `select current_setting('data_directory') as folder, oid from pg_database where datname = current_database()`,
  )
  try {
    const found = execFileSync('grep', ['-rlaF', text, join(rows[0].folder, 'base', String(rows[0].oid))])
    return found.toString().trim().split('\n')
  } catch (error) {
    if ((error as { status?: number }).status === 1) return []
    throw error
  }
}
