import { canonicalJson, digestOf, setDigest } from '../../src/digest.ts'
import type { Facts, LedgerEntry } from '../../src/model.ts'
import { populationsOf } from '../../src/store/dataset-summary.ts'
import { listSnapshots, readLedger, type Store } from '../../src/store/index.ts'
import { snapshotDigest } from '../../src/store/snapshot.ts'

/** Runs statements as the owner of the database, who can switch every guard off. */
export async function asOwner(store: Store, ...statements: readonly string[]): Promise<void> {
  const guarded = (
    await rowsOf<{ name: string }>(store, `select tgrelid::regclass::text as name from pg_trigger where tgname = 'guard'`)
  ).map(row => row.name)
  for (const name of guarded) await store.db.pool.query(`alter table ${name} disable trigger all`)
  for (const statement of statements) await store.db.pool.query(statement)
  for (const name of guarded)
    await store.db.pool.query(
      `alter table ${name} enable always trigger guard; alter table ${name} enable always trigger guard_truncate`,
    )
}

/** Fixes every hash inside after a forgery: rows, parts (forgotten, so that they are compared row by row), datasets, snapshots with their chain, and the ledger. */
export async function fixAllHashes(store: Store): Promise<void> {
  const query = (text: string, values: unknown[] = []) => store.db.pool.query(text, values)
  await asOwner(
    store,
    `update entity_version v set digest = sha256(s.salt || convert_to(v.body, 'UTF8')) from entity_salt s where s.entity_id = v.entity_id`,
  )
  await query('delete from part_content')
  for (const table of ['dataset_summary', 'snapshot', 'ledger']) await query(`alter table ${table} disable trigger all`)
  const digests = new Map<string, string>()
  let previous: string | null = null
  for (const { version } of (await listSnapshots(store)).toReversed()) {
    const sourceId = (await rowsOf<{ id: number }>(store, 'select id from source'))[0]!.id
    const reader = {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await query(text, [...values])).rows as Row[],
    }
    await query('update dataset_summary set count = 0, digest = $2 where version = $1', [
      version,
      Buffer.from(setDigest([]), 'hex'),
    ])
    for (const { dataset, place, count, digest } of await populationsOf(reader, sourceId, version)) {
      await query(
        `update dataset_summary set count = $5, digest = $6 where version = $1 and dataset_id = (select id from dataset where name = $2)
           and place_id = (select id from place where account_id = $3 and region = $4)`,
        [version, dataset, place.accountId, place.region, count, Buffer.from(digest, 'hex')],
      )
    }
    const { digest: _, ...body } = (await listSnapshots(store)).find(each => each.version === version)!
    const digest = snapshotDigest({ ...body, previousDigest: previous })
    await query('update snapshot set digest = $2, previous_digest = $3 where version = $1', [
      version,
      Buffer.from(digest, 'hex'),
      previous === null ? null : Buffer.from(previous, 'hex'),
    ])
    digests.set(body.runId, digest)
    previous = digest
  }
  await fixLedger(store, digests)
  for (const table of ['dataset_summary', 'snapshot', 'ledger']) await query(`alter table ${table} enable always trigger guard`)
}

async function fixLedger(store: Store, digests: ReadonlyMap<string, string>): Promise<void> {
  let previous: string | null = null
  const entries: LedgerEntry[] = await Array.fromAsync(readLedger(store))
  for (const { digest: _, ...entry } of entries) {
    const right = digests.get(String(entry.payload.run))
    const payload: Facts = right === undefined ? entry.payload : { ...entry.payload, digest: right }
    const digest = digestOf({ ...entry, at: entry.at.toISOString(), payload, previousDigest: previous })
    await store.db.pool.query('update ledger set payload = $2, previous_digest = $3, digest = $4 where position = $1', [
      ...[
        entry.position,
        canonicalJson(payload),
        previous === null ? null : Buffer.from(previous, 'hex'),
        Buffer.from(digest, 'hex'),
      ],
    ])
    previous = digest
  }
}

async function rowsOf<Row>(store: Store, text: string): Promise<Row[]> {
  return (await store.db.pool.query(text)).rows as Row[]
}
