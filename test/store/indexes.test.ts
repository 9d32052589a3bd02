import { expect } from 'chai'
import type pg from 'pg'
import {
  access,
  diff,
  latestEvaluation,
  listSnapshots,
  publishEvaluationHeads,
  publishHeads,
  readEstate,
  readSnapshot,
  type Store,
  saveEvaluation,
} from '../../src/store/index.ts'
import { assignment, collectOnce, group, membership, part, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { freshStore } from './fresh-store.ts'

const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'
/** Tables that grow with the organization and with time. */
const large = /^(.*_version|.*_unseen|entity|entity_salt|part|part_content|resource_key|ledger|call_chunk|dataset_summary)$/

type Statement = readonly [text: string, values: readonly unknown[]]

describe('reading', () => {
  const reads: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
    'who reaches an account': store => paths(store, { account: '111122223333' }),
    'what a user reaches': store => paths(store, { user: 'u1' }),
    'where a permission set is given': store => paths(store, { permissionSet: set }),
    'what a user named by name reached in a period': store =>
      paths(store, { user: 'u1@example.com' }, { from: new Date('2020-01-01'), to: new Date('2100-01-01') }),
    'what differs between two snapshots': async store =>
      Array.fromAsync(
        (await diff(store, (await readSnapshot(store, 'acme', { version: 1 }))!, (await readSnapshot(store, 'acme', 'latest'))!))
          .changes,
      ),
    'the estate': async store => {
      for (const source of (await readEstate(store, new Date('2100-01-01'))).sources) {
        await Array.fromAsync(source.resources)
        await Array.fromAsync(source.edges!)
      }
    },
    'the list of snapshots': listSnapshots,
    'the last evaluation': store => latestEvaluation(store),
    'heads and their change sets': async store => {
      const signer = { fingerprint: 'f', sign: async () => new Uint8Array(64) }
      await publishHeads(store, 'acme', [], signer)
      await publishEvaluationHeads(store, [], signer)
    },
    'an unchanged snapshot': store => collectOnce(store, organization('c')),
  }
  for (const [what, read] of Object.entries(reads)) {
    it(`finds ${what} by an index, and reads no large table from end to end`, async () => {
      await using store = await freshStore()
      for (const title of ['a', 'b', 'c']) await collectOnce(store, organization(title))
      await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail' }]))
      await store.db.pool.query('analyze')
      const statements = await statementsOf(store, () => read(store))
      const plans = await Promise.all(statements.map(async statement => [statement, await planOf(store, statement)] as const))
      expect(plans.filter(([, plan]) => plan !== null)).to.have.lengthOf.at.least(1)
      for (const [[text], plan] of plans) if (plan !== null) expect(wholeReads(plan), text).to.deep.equal([])
    })
  }

  it('would show a table that has no index for what is asked', async () => {
    await using store = await freshStore()
    const plan = await planOf(store, [`select from membership_version where membership_id = $1`, ['m']])
    expect(wholeReads(plan!)).to.deep.equal(['Seq Scan on membership_version'])
  })
})

function organization(title: string): ReturnType<typeof part>[] {
  return [
    part({ dataset: 'identitystore.users', rows: ['u1', 'u2'].map(id => user(id, { Title: title })) }),
    part({ dataset: 'identitystore.groups', rows: [group('g1')] }),
    part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: [membership('g1', title === 'a' ? 'u1' : 'u2')] }),
    part({
      dataset: 'sso.account_assignments',
      parent: `111122223333|${set}`,
      rows: [assignment('111122223333', set, 'GROUP', 'g1'), assignment('111122223333', set, 'USER', 'u1')],
    }),
  ]
}

async function paths(store: Store, question: object, when: object = { asOf: new Date('2100-01-01') }): Promise<unknown> {
  return [...(await access(store, { ...question, when } as Parameters<typeof access>[1])).paths]
}

/** What the pool's connections are asked while some work goes on. */
async function statementsOf(store: Store, work: () => Promise<unknown>): Promise<Statement[]> {
  const found: Statement[] = []
  const { pool } = store.db
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>
  const heard = async () => {
    const client = await connect()
    const query = client.query
    const release = client.release
    client.query = ((asked: string | { readonly text: string }, values: unknown[] = []) => {
      found.push([typeof asked === 'string' ? asked : asked.text, values])
      return (query as unknown as (...all: unknown[]) => unknown).call(client, asked, values)
    }) as typeof client.query
    client.release = (...all) => {
      client.query = query
      client.release = release
      release.apply(client, all)
    }
    return client
  }
  pool.connect = heard as typeof pool.connect
  try {
    await work()
  } finally {
    pool.connect = connect as typeof pool.connect
  }
  return found
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Cond'?: string
  readonly Plans?: readonly Plan[]
}

/** How the server reads when a sequential scan costs more than anything else; null for what has no plan. */
async function planOf(store: Store, [text, values]: Statement): Promise<Plan | null> {
  const asked = text.replace(/^declare batch no scroll cursor for /, '')
  if (!/^\s*(select|with)\b/i.test(asked) || /pg_advisory|nextval/.test(asked)) return null
  const client = await store.db.pool.connect()
  try {
    await client.query('set enable_seqscan = off')
    const { rows } = await client.query(`explain (format json) ${asked}`, [...values])
    return rows[0]['QUERY PLAN'][0].Plan as Plan
  } finally {
    client.release(true)
  }
}

function wholeReads(plan: Plan): string[] {
  const table = plan['Relation Name'] ?? ''
  const isWhole = plan['Node Type'] === 'Seq Scan'
  return [
    ...(isWhole && large.test(table) ? [`${plan['Node Type']} on ${table}`] : []),
    ...(plan.Plans ?? []).flatMap(wholeReads),
  ]
}
