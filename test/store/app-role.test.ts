import { expect } from 'chai'
import pg from 'pg'
import {
  claimSlot,
  migrate,
  openStore,
  refuseSuperuser,
  saveEvaluation,
  sharedBudget,
  verifyStore,
} from '../../src/store/index.ts'
import { call, collectOnce, errorOf, gap, group, membership, part, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshDatabase } from './fresh-store.ts'
import { optionsFor } from './store-options.ts'

describe('the application role', () => {
  it('is enough to collect, evaluate and verify, and not enough to change any evidence', async () => {
    const ownerUrl = await freshDatabase()
    expect((await migrate(optionsFor(ownerUrl))).role).to.equal('evidenced_app')
    const owner = new pg.Client(ownerUrl)
    await owner.connect()
    const name = `collector_${process.pid}`
    await owner.query(`create role ${name} login in role evidenced_app`)
    try {
      await using store = await openStore(optionsFor(ownerUrl.replace('postgres@', `${name}@`)))
      await refuseSuperuser(store)
      const refused = part({ dataset: 'sso.applications', coverage: 'denied', reason: 'no', gaps: [gap('sso.applications')] })
      const members = (...ids: string[]) =>
        part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: ids.map(id => membership('g1', id)) })
      for (const title of ['a', 'b']) {
        const users = part({ dataset: 'identitystore.users', rows: [user('u1', { title })] })
        const groups = part({ dataset: 'identitystore.groups', rows: [group('g1')] })
        await collectOnce(store, [users, groups, members(`u-${title}`), refused], { calls: [call('ListUsers')] })
        await saveEvaluation(store, evaluationOf([{ key: title, status: 'fail' }]))
      }
      expect(await claimSlot(store, 'collect', new Date(), 'me')).to.equal(true)
      await sharedBudget(store).reserve('sso', 1, 1000)
      expect((await verifyStore(store, null)).problems).to.deep.equal([])
      const { rows } = await owner.query<{ name: string }>(
        `select tgrelid::regclass::text as name from pg_trigger where tgname = 'guard'`,
      )
      expect(rows.length).to.be.greaterThan(20)
      for (const { name: table } of rows) {
        for (const statement of [
          `delete from ${table}`,
          `truncate ${table}`,
          `alter table ${table} disable trigger all`,
          `drop table ${table}`,
        ]) {
          const error = await errorOf(store.db.pool.query(statement))
          expect(error.code, statement).to.equal('42501')
        }
      }
      for (const statement of [
        'update entity_version set body = null',
        'update snapshot set digest = null',
        `update schema_migration set name = 'x'`,
      ])
        expect((await errorOf(store.db.pool.query(statement))).code, statement).to.equal('42501')
    } finally {
      await owner.query(`drop owned by ${name}; drop role ${name}`)
      await owner.end()
    }
  })

  it('is what a daemon is told about that would run as a superuser', async () => {
    await using store = await openStore(optionsFor(await freshDatabase()))
    const refused = await errorOf(refuseSuperuser(store))
    expect(refused.code).to.equal('DATABASE_SUPERUSER')
    expect(refused.hint).to.contain('evidenced_app').and.to.contain('database.allowSuperuser')
  })
})
