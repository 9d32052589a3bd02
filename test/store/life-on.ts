import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import {
  exportStore,
  importStore,
  migrate,
  openStore,
  pseudonymise,
  type Store,
  saveEvaluation,
  sweepDisposed,
  verifyStore,
} from '../../src/store/index.ts'
import type { AnyServer } from './any-server.ts'
import { call, collectOnce, gap, group, membership, part, until, user } from './collected.ts'
import { evaluationOf } from './evaluated.ts'
import { optionsFor } from './store-options.ts'

/** Two snapshots, an evaluation, a finding and a disposal in a migrated database. */
export async function fill(url: string): Promise<Store> {
  await migrate(optionsFor(url))
  const store = await openStore(optionsFor(url))
  const refused = part({ dataset: 'sso.applications', coverage: 'denied', reason: 'no', gaps: [gap('sso.applications')] })
  for (const title of ['a', 'b']) {
    await collectOnce(
      store,
      [
        part({
          dataset: 'identitystore.users',
          rows: [user('u1', { title, odd: 'ü\t\\' }), ...(title === 'a' ? [user('u2')] : [])],
        }),
        part({ dataset: 'identitystore.groups', rows: [group('g1')] }),
        part({ dataset: 'identitystore.group_memberships', parent: 'g1', rows: [membership('g1', 'u1')] }),
        refused,
      ],
      { calls: [call('ListUsers')] },
    )
    await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail', reason: title }]))
  }
  await pseudonymise(store, { source: 'acme', user: 'u2', isDryRun: false })
  expect((await sweepDisposed(store, 'rewrite')).left).to.deep.equal([])
  expect((await verifyStore(store, null)).problems).to.deep.equal([])
  return store
}

/** What a verification found, but for when it was made. */
export async function verified(store: Store) {
  const { readAt: _, ...found } = await verifyStore(store, null)
  return found
}

/** Holds that a database has everything that another has, that all of it verifies, and that it goes on. */
export async function expectSame(url: string, store: Store): Promise<void> {
  await using copy = await openStore(optionsFor(url))
  expect(await verified(copy)).to.deep.equal(await verified(store))
  const next = await collectOnce(copy, [part({ dataset: 'identitystore.users', rows: [user('u3')] })])
  expect(next.version).to.equal(3)
  await saveEvaluation(copy, evaluationOf([{ key: 'u3', status: 'fail' }]))
  expect((await verifyStore(copy, null)).problems).to.deep.equal([])
  const refused = await copy.db.pool.query('delete from ledger').catch(error => error.code)
  expect(refused).to.equal('23001')
}

/** pg_dump and pg_restore of the same version, into another database. */
export async function dumpAndRestore(server: AnyServer, bin: string, database: string): Promise<string> {
  const file = join(server.folder, `${database}.dump`)
  const restored = `${database}_restored`
  const url = await server.url(restored)
  execFileSync(join(bin, 'pg_dump'), ['-h', server.folder, '-U', 'owner', '-Fc', '-f', file, database], { stdio: 'pipe' })
  execFileSync(join(bin, 'pg_restore'), ['-h', server.folder, '-U', 'owner', '--exit-on-error', '-d', restored, file], {
    stdio: 'pipe',
  })
  return url
}

/** An export of one database, imported into a new one. */
export async function exportAndImport(store: Store, file: string, url: string): Promise<string> {
  await exportStore(store, file)
  await importStore(optionsFor(url), file)
  return url
}

/** Publishes a database and subscribes to it from another server; resolves when the subscriber has it all. */
export async function replicate(from: { readonly server: AnyServer; readonly database: string }, to: string): Promise<void> {
  await migrate(optionsFor(to))
  const source = new pg.Client(await from.server.url(from.database))
  const target = new pg.Client(to)
  await source.connect()
  await target.connect()
  try {
    // the program's own list of migrations is made by the migration of the subscriber
    const { rows } = await source.query<{ name: string }>(
      `select quote_ident(relname) as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relpersistence = 'p'
         and relname not like 'schema_migration%'`,
    )
    await source.query(`create publication evidenced for table ${rows.map(row => row.name).join(', ')}`)
    await target.query(
      `create subscription evidenced connection 'host=${from.server.folder} user=owner dbname=${from.database}' publication evidenced`,
    )
    const said = `select count(*)::int as n from ledger`
    const wanted = (await source.query<{ n: number }>(said)).rows[0]!.n
    await until(
      async () => {
        const { rows: left } = await target.query(`select from pg_subscription_rel where srsubstate <> 'r'`)
        return left.length === 0 && (await target.query<{ n: number }>(said)).rows[0]!.n === wanted
      },
      'the subscriber has everything',
      60_000,
    )
  } finally {
    await target.end()
    await source.end()
  }
}

/** What was written and disposed of on the publisher since is applied on the subscriber too. */
export async function follows(store: Store, to: string): Promise<void> {
  await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('u1', { title: 'c' })] })])
  await saveEvaluation(store, evaluationOf([{ key: 'u1', status: 'fail', reason: 'c' }]))
  await pseudonymise(store, { source: 'acme', user: 'u1', isDryRun: false })
  const head = (await verifyStore(store, null)).ledgerHead
  await using copy = await openStore(optionsFor(to))
  await until(async () => (await verifyStore(copy, null)).ledgerHead === head, 'the subscriber follows', 60_000)
  expect(await verified(copy)).to.deep.equal(await verified(store))
}
