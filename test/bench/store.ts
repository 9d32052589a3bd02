import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { silent } from '../../src/log.ts'
import type { Snapshot } from '../../src/model.ts'
import { access, diff, openStore, readSnapshot, type Store, sealRun, verifyStore } from '../../src/store/index.ts'
import type { SaverFigures, SaverTask } from './saver-process.ts'
import { account12, openRunOfBench, partsOf, saveDay, uuid } from './store-days.ts'
import { verifyWithHeads } from './store-heads.ts'

/**
 * Saves an organization of some size into the embedded database: the first snapshot against a binary COPY of the same ready-made rows, each
 * three times into a database of its own; then unchanged ones, days with 0.5 % change, and the questions that are asked of them. Every figure
 * is the median of three. Between the first snapshot and the next the database is vacuumed, as it is in the day between them.
 */
export async function benchStore(size: 'S' | 'M' | 'L' = 'M'): Promise<object> {
  const firsts = [await firstOf(size), await firstOf(size)]
  const peaks = await peaksOf(size)
  return withStore(async (store, collect) => {
    const first = await collect(size, 0)
    const base = await copyBase(store)
    const all = [...firsts, { first, base }]
    const firstBytes = await sizeOf(store)
    await store.db.pool.query('vacuum analyze')
    const unchanged = [await collect(size, 0), await collect(size, 0), await collect(size, 0)]
    const days = [await collect(size, 1), await collect(size, 2), await collect(size, 3)]
    const last = days.at(-1)!.result
    const middle = (await readSnapshot(store, 'bench', { version: last.version - 1 }))!
    await store.db.pool.query('vacuum analyze')
    const asked = await questions(store, last, middle)
    const verified = await timed(store, () => verifyStore(store, null))
    const withHeads = await verifyWithHeads(store, 'bench')
    const making = await timed(store, async () => {
      for (const _ of partsOf(size, 0));
    })
    const rows = first.result.datasets.reduce((total, dataset) => total + dataset.count, 0)
    const firstMs = median(all.map(each => each.first.ms))
    return {
      // the first's time, and the unchanged one's, contain that of making the rows; the COPY's rows are ready-made
      ...{ organization: size, rows, rowsMs: making.ms, firstMs, copyMs: median(all.map(each => each.base.ms)) },
      firstAgainstCopy: median(all.map(each => ratio(each.first.ms, each.base.ms))),
      ...{ firstWalBytes: first.walBytes, copyWalBytes: base.walBytes },
      ...{ unchangedMs: median(unchanged.map(each => each.ms)) },
      unchangedAgainstFirst: ratio(median(unchanged.map(each => each.ms)), firstMs),
      unchangedWalBytes: median(unchanged.map(each => each.walBytes)),
      unchangedWalAgainstFirst: ratio(median(unchanged.map(each => each.walBytes)), first.walBytes),
      ...{ dayMs: median(days.map(each => each.ms)), dayWalBytes: median(days.map(each => each.walBytes)) },
      ...{ firstSizeBytes: firstBytes, sizeBytes: await sizeOf(store) },
      ...peaks,
      ...asked,
      ...{ verifyMs: verified.ms, verifyProblems: verified.result.problems.length, snapshotsVerified: verified.result.snapshots },
      ...{ verifyWithHeadsMs: withHeads.ms, verifyWithHeadsProblems: withHeads.problems },
    }
  })
}

/** A year of daily snapshots with 0.5 % change a day, really run: what it costs against the first of them. */
export async function benchStoreYear(size: 'S' | 'M' = 'M', days = 365): Promise<object> {
  return withStore(async (store, collect) => {
    const began = performance.now()
    await collect(size, 0)
    await store.db.pool.query('vacuum')
    const firstBytes = await sizeOf(store)
    for (let day = 1; day < days; day++) {
      await collect(size, day)
      // what autovacuum does in the night between two of them
      if (day % 7 === 0) await store.db.pool.query('vacuum')
      if (day % 28 === 0) process.stderr.write(`day ${day}: ${await sizeOf(store)} bytes of ${firstBytes}\n`)
    }
    await store.db.pool.query('vacuum')
    const sizeBytes = await sizeOf(store)
    const seconds = round((performance.now() - began) / 1000)
    return { organization: size, days, firstBytes, sizeBytes, yearAgainstFirst: ratio(sizeBytes, firstBytes), seconds }
  })
}

type Collect = (size: 'S' | 'M' | 'L', day: number) => Promise<Timed<Snapshot>>

/** Works with a store in a database of its own; its clock goes on by a day with each collection. */
async function withStore<T>(work: (store: Store, collect: Collect) => Promise<T>): Promise<T> {
  const folder = emptyFolder()
  try {
    let at = Date.parse('2026-01-01T02:00:00Z')
    const now = () => new Date(at)
    await using store = await openStore({ url: null, dataDir: folder, log: silent, now, softwareVersion: 'bench' })
    return await work(store, (size, day) => {
      at += 86_400_000
      return timed(store, () => save(store, size, day))
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  // the embedded server runs as another user when the bench runs as root
  chmodSync(folder, 0o755)
  return folder
}

async function firstOf(size: 'S' | 'M' | 'L'): Promise<{ first: Timed<Snapshot>; base: { ms: number; walBytes: number } }> {
  return withStore(async (store, collect) => ({ first: await collect(size, 0), base: await copyBase(store) }))
}

/** Peak memory of a process that saves: the first snapshot, the same again, a day with changes. Each in a process of its own. */
async function peaksOf(size: 'S' | 'M' | 'L'): Promise<object> {
  const dataDir = emptyFolder()
  try {
    const first = await savedBy({ size, day: 0, dataDir, at: '2026-01-01T02:00:00Z' })
    const unchanged = await savedBy({ size, day: 0, dataDir, at: '2026-01-02T02:00:00Z' })
    const day = await savedBy({ size, day: 1, dataDir, at: '2026-01-03T02:00:00Z' })
    return {
      ...{ firstPeakMemoryMb: first.peakMemoryMb, firstBeforeSealMb: first.peakBeforeSealMb },
      ...{ unchangedPeakMemoryMb: unchanged.peakMemoryMb, dayPeakMemoryMb: day.peakMemoryMb },
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function savedBy(task: SaverTask): Promise<SaverFigures> {
  const file = fileURLToPath(new URL('./saver-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(task)])
  return JSON.parse(stdout)
}

async function questions(store: Store, last: Snapshot, before: Snapshot): Promise<object> {
  const when = { asOf: last.sealedAt }
  const count = async (question: object) => [...(await access(store, { when, ...question })).paths].length
  const account = await third(() => count({ account: account12(7) }))
  const user = await third(() => count({ user: uuid('u', 42) }))
  const accountIds = await third(() => count({ account: account12(7), isIdsOnly: true }))
  const changes = await third(async () => (await Array.fromAsync((await diff(store, before, last)).changes)).length)
  return {
    ...{
      accountPaths: account.result,
      accountMs: account.ms,
      accountIdsMs: accountIds.ms,
      userPaths: user.result,
      userMs: user.ms,
    },
    ...{ diffRows: changes.result, diffMs: changes.ms, diffAllowedMs: round(20 + changes.result * 0.005) },
  }
}

/** The median of three, after one that brings pages into memory. */
async function third<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  let result = await work()
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    result = await work()
    times.push(round(performance.now() - began))
  }
  return { ms: median(times), result }
}

async function save(store: Store, size: 'S' | 'M' | 'L', day: number): Promise<Snapshot> {
  await using run = await openRunOfBench(store)
  await saveDay(run, size, day)
  return sealRun(run)
}

/** A binary COPY of the stored rows, ready-made, into a table with its primary key: what no program of ours can beat. */
async function copyBase(store: Store): Promise<{ ms: number; walBytes: number }> {
  const pool = store.db.pool
  const folder = (await pool.query('show data_directory')).rows[0].data_directory
  const rows = `
    select e.dataset_id as type, k.key, v.digest, v.body
      from entity_version v join entity e on e.id = v.entity_id join resource_key k on k.id = e.key_id
    union all select p.dataset_id, p.parent || '|' || k.key, v.digest, '{"GroupId":"' || p.parent || '","IdentityStoreId":"d-bench","MemberId":{"UserId":"' || k.key || '"},"MembershipId":"' || v.membership_id || '"}'
      from membership_version v join part p on p.id = v.part_id join resource_key k on k.id = v.user_id
    union all select p.dataset_id, p.parent || '|GROUP|' || k.key, v.digest, '{"AccountId":"' || split_part(p.parent, '|', 1) || '","PermissionSetArn":"' || split_part(p.parent, '|', 2) || '","PrincipalId":"' || k.key || '","PrincipalType":"GROUP"}'
      from assignment_version v join part p on p.id = v.part_id join resource_key k on k.id = v.principal_id`
  await pool.query(`copy (${rows}) to '${folder}/base.bin' (format binary)`)
  const found: Timed<unknown>[] = []
  for (let i = 0; i < 3; i++) {
    await pool.query('create table base (type int, key text collate "C", digest bytea, body text, primary key (type, key))')
    found.push(await timed(store, () => pool.query(`copy base from '${folder}/base.bin' (format binary)`)))
    await pool.query('drop table base')
  }
  return { ms: median(found.map(each => each.ms)), walBytes: median(found.map(each => each.walBytes)) }
}

interface Timed<T> {
  readonly ms: number
  readonly walBytes: number
  readonly result: T
}

async function timed<T>(store: Store, work: () => Promise<T>): Promise<Timed<T>> {
  const position = async () => Number((await store.db.pool.query(`select pg_current_wal_insert_lsn() - '0/0' as at`)).rows[0].at)
  await store.db.pool.query('checkpoint')
  const from = await position()
  const began = performance.now()
  const result = await work()
  const ms = round(performance.now() - began)
  return { ms, walBytes: (await position()) - from, result }
}

async function sizeOf(store: Store): Promise<number> {
  return Number((await store.db.pool.query('select pg_database_size(current_database()) as bytes')).rows[0].bytes)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function ratio(a: number, b: number): number {
  return Math.round((a / b) * 10_000) / 10_000
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
