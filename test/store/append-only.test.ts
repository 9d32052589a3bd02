import { expect } from 'chai'
import {
  assignFinding,
  pseudonymise,
  requestException,
  type Store,
  saveEvaluation,
  saveExceptionFile,
} from '../../src/store/index.ts'
import { call, collectOnce, gap, group, membership, part, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshStore } from './fresh-store.ts'

const evidence = [
  ...['dataset', 'place', 'part', 'resource_key', 'call_chunk', 'entity', 'entity_salt', 'entity_version', 'membership_version'],
  ...['gap_version', 'open_part_version', 'entity_unseen', 'snapshot', 'dataset_summary', 'evaluation', 'control_definition'],
  ...['outcome_version', 'result_version', 'ledger', 'run'],
  ...['exception_event', 'exception_file', 'exception_register', 'finding', 'finding_version', 'finding_note', 'redaction'],
]

describe('evidence in the database', () => {
  it('can neither be deleted nor truncated, not even as a replica would', async () => {
    await using store = await filled()
    for (const table of evidence) {
      expect(await countOf(store, table), table).to.be.greaterThan(0)
      for (const statement of [`delete from ${table}`, `truncate ${table} cascade`]) {
        expect(await codeOf(store, statement), statement).to.equal('23001')
        expect(await codeOf(store, `set session_replication_role = replica; ${statement}`), `as replica: ${statement}`).to.equal(
          '23001',
        )
      }
      expect(await countOf(store, table), table).to.be.greaterThan(0)
    }
  })

  it('can be changed in no column', async () => {
    await using store = await filled()
    for (const table of evidence) {
      const { rows } = await store.db.pool.query<{ name: string; type: string }>(
        `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attnum > 0 and attidentity = ''`,
        [table],
      )
      for (const { name, type } of rows) {
        const changed = /text/.test(type)
          ? `coalesce(${name}, '') || 'x'`
          : type === 'bytea'
            ? `'\\x00'::bytea`
            : type === 'uuid'
              ? 'gen_random_uuid()'
              : null
        const numbers = /int|float|double|numeric/.test(type) ? `coalesce(${name}, 0) - 1` : `'2020-01-01'`
        const statement = `update ${table} set ${name} = ${changed ?? numbers}`
        expect(await codeOf(store, statement), statement).to.equal('23001')
      }
    }
  })

  it('lets a version end with the next snapshot only, and never open again', async () => {
    await using store = await filled()
    expect(await codeOf(store, `update entity_version set to_version = 1000 where to_version > 1000`)).to.equal('23001')
    expect(await codeOf(store, `update entity_version set to_version = 2147483647 where to_version < 1000`)).to.equal('23001')
    expect(await codeOf(store, `begin; update entity_version set to_version = 4, body = 'x' where to_version > 1000`)).to.equal(
      '23001',
    )
    expect(await codeOf(store, `begin; update entity_version set to_version = 4 where to_version > 1000; rollback`)).to.equal(
      null,
    )
  })
})

/** A store with a row in every table of evidence. */
async function filled(): Promise<Store> {
  const store = await freshStore()
  const refused = part({ dataset: 'sso.applications', coverage: 'denied', reason: 'no', gaps: [gap('sso.applications')] })
  const groups = part({ dataset: 'identitystore.groups', rows: [group('g1')] })
  const members = part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: [membership('g1', 'u1')] })
  const users = (title: string) => part({ dataset: 'identitystore.users', rows: [user('u1', { title })] })
  await collectOnce(store, [users('a'), groups, members, refused], { calls: [call('ListUsers')] })
  await collectOnce(store, [users('b'), groups, members, refused])
  await collectOnce(store, [part({ dataset: 'identitystore.users', coverage: 'denied', reason: 'no' }), groups, members, refused])
  const scope = { source: null, subjects: null, match: null, when: null }
  const request = { controls: ['C-1'], scope, reason: 'r', ticket: null, requestedBy: 'a', expiresAt: '2026-12-31T00:00:00.000Z' }
  await requestException(store, request)
  await saveExceptionFile(store, { location: 'f', digest: 'd', exceptions: [], problems: [] })
  await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail' }], { exceptions: [] }))
  await assignFinding(store, 1, 'a', { owner: 'u1@example.com' })
  await pseudonymise(store, { source: 'acme', user: 'u1', names: ['u1@example.com'], isDryRun: false })
  return store
}

async function countOf(store: Store, table: string): Promise<number> {
  return (await store.db.pool.query(`select count(*)::int as count from ${table}`)).rows[0].count
}

/** SQLSTATE that a statement is refused with; null when it goes through. */
async function codeOf(store: Store, statement: string): Promise<string | null> {
  const client = await store.db.pool.connect()
  try {
    await client.query(statement)
    return null
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    client.release(true)
  }
}
