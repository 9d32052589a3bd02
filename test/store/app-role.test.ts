import { expect } from 'chai'
import pg from 'pg'
import { sha256 } from '../../src/digest.ts'
import {
  claimSlot,
  migrate,
  noteFinding,
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
    await owner.query(`create role ${name} login`)
    const url = ownerUrl.replace('postgres@', `${name}@`)
    try {
      const stranger = await errorOf(openStore(optionsFor(url)))
      expect(`${stranger.code}: ${stranger.hint}`).to.match(/^DATABASE_REFUSED: .*member of evidenced_app/)
      await owner.query(`grant evidenced_app to ${name}`)
      await using store = await openStore(optionsFor(url))
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
        `update source set instance_arn = 'x'`,
        'delete from source',
        'update collection set started_at = now()',
        'delete from collection',
      ])
        expect((await errorOf(store.db.pool.query(statement))).code, statement).to.equal('42501')
    } finally {
      await owner.query(`drop owned by ${name}; drop role ${name}`)
      await owner.end()
    }
  })

  it('puts no table of its own before one of evidence where something runs as the owner', async () => {
    const ownerUrl = await freshDatabase()
    await migrate(optionsFor(ownerUrl))
    const owner = new pg.Client(ownerUrl)
    await owner.connect()
    const name = `shadower_${process.pid}`
    await owner.query(`create role ${name} login in role evidenced_app`)
    const role = new pg.Client(ownerUrl.replace('postgres@', `${name}@`))
    try {
      await role.connect()
      await using store = await openStore(optionsFor(ownerUrl.replace('postgres@', `${name}@`)))
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1', { UserName: 'jane@example.com' })] })])
      await saveEvaluation(store, evaluationOf([{ key: 'u2', status: 'fail' }]))
      await noteFinding(store, 1, 'grace', 'jane@example.com knows')
      await role.query(`
        create temp table redaction (like public.redaction);
        create temp table ran (as_user text);
        grant all on redaction, ran to public;
        create function pg_temp.run() returns trigger language plpgsql as $$ begin insert into pg_temp.ran values (current_user); return new; end $$;
        create trigger run before insert on redaction for each row execute function pg_temp.run()`)
      const body = (await role.query('select body from finding_note')).rows[0].body as string
      const start = body.indexOf('jane@') + 1
      const digest = sha256(body.replace('jane@example.com', '[x]'))
      const textsDigest = sha256(`${JSON.stringify(['finding_note', '1', digest])}\n`)
      await role.query('begin')
      const position = await role.query(
        `insert into public.ledger (position, at, kind, payload, previous_digest, digest)
         select max(position) + 1, now(), 'disposal', $1, '\\x00', '\\x00' from public.ledger returning position`,
        [JSON.stringify({ texts: 1, textsDigest })],
      )
      await role.query(`insert into redaction_choice values ('finding_note', '1', $1, 16)`, [start])
      await role.query('select redact($1, $2)', [position.rows[0].position, '[x]'])
      expect((await role.query('select as_user from ran')).rows).to.deep.equal([])
      expect((await role.query('select count(*)::int as count from public.redaction')).rows[0].count).to.equal(1)
      await role.query('rollback')
      await role.query(`create temp table ledger (like public.ledger including all); grant all on ledger to public;
        insert into ledger overriding system value select * from public.ledger`)
      await role.query('begin')
      await role.query(
        `insert into ledger (position, at, kind, payload, previous_digest, digest) values (999, now(), 'disposal', $1, '\\x00', '\\x00')`,
        [JSON.stringify({ texts: 1, textsDigest })],
      )
      await role.query(`insert into redaction_choice values ('finding_note', '1', $1, 16)`, [start])
      expect((await errorOf(role.query(`select redact(999, '[x]')`))).code).to.equal('23001')
    } finally {
      await role.end()
      await owner.query(`drop owned by ${name}; drop role ${name}`)
      await owner.end()
    }
  })

  it('finds every function with a path looking in temporary tables last, and those of the owner closed to others', async () => {
    const ownerUrl = await freshDatabase()
    await migrate(optionsFor(ownerUrl))
    const owner = new pg.Client(ownerUrl)
    await owner.connect()
    try {
      const { rows } = await owner.query<{ name: string; owners: boolean; config: string; everybody: boolean; ours: boolean }>(
        `select proname as name, prosecdef as owners, coalesce(array_to_string(proconfig, ';'), '') as config,
           has_function_privilege('evidenced_app', oid, 'execute') as ours,
           proacl is null or exists (select from aclexplode(proacl) where grantee = 0) as everybody
         from pg_proc where pronamespace = 'public'::regnamespace and (prosecdef or proconfig is not null)`,
      )
      const closed = rows.filter(({ owners }) => owners)
      expect(closed.map(({ name }) => name)).to.include.members(['dispose', 'dispose_calls', 'redact'])
      for (const { name, config } of rows) expect(config, name).to.equal('search_path=public, pg_temp')
      for (const each of closed) expect(each, each.name).to.include({ everybody: false, ours: true })
    } finally {
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
