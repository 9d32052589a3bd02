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

/** The first snapshot against a binary COPY of the same ready-made rows, each three times into a database of its own. */
export async function benchFirst(size: Size): Promise<object> {
  const all = [await firstOf(size), await firstOf(size), await firstOf(size)]
  const [{ first, base }] = all as [FirstTimed]
  // the first's time contains that of making the rows; the COPY's rows are ready-made
  const began = performance.now()
  for (const _ of partsOf(size, 0));
  const rowsMs = round(performance.now() - began)
  const firstAgainstCopy = median(all.map(each => ratio(each.first.ms, each.base.ms)))
  return {
    ...{ organization: size, rows: rowsIn(first.result), rowsMs },
    ...{ firstMs: median(all.map(each => each.first.ms)), copyMs: median(all.map(each => each.base.ms)), firstAgainstCopy },
    ...{ firstWalBytes: first.walBytes, copyWalBytes: base.walBytes },
    ofWhatIsAllowed: { firstAgainstCopy: ratio(firstAgainstCopy, 1.5) },
  }
}

/**
 * What comes after the first snapshot of an organization: unchanged ones, days with 0.5 % change, the questions that are asked of them, and the verification
 * of everything. Every figure but the first's is the median of three. Between the first snapshot and the next the database is vacuumed, as it is in the day
 * between them.
 */
export async function benchStore(size: Size): Promise<object> {
  return withStore(async (store, collect) => {
    const first = await collect(size, 0)
    const firstBytes = await sizeOf(store)
    await store.db.pool.query('vacuum analyze')
    const unchanged = [await collect(size, 0), await collect(size, 0), await collect(size, 0)]
    const days = [await collect(size, 1), await collect(size, 2), await collect(size, 3)]
    const last = days.at(-1)!.result
    const middle = (await readSnapshot(store, 'bench', { version: last.version - 1 }))!
    await store.db.pool.query('vacuum analyze')
    const asked = await questions(store, last, middle)
    const verified = await third(() => verifyStore(store, null))
    const unchangedAgainstFirst = ratio(median(unchanged.map(each => each.ms)), first.ms)
    const unchangedWalAgainstFirst = ratio(median(unchanged.map(each => each.walBytes)), first.walBytes)
    return {
      ...{ organization: size, rows: rowsIn(first.result), firstMs: first.ms, firstWalBytes: first.walBytes },
      ...{ unchangedMs: median(unchanged.map(each => each.ms)), unchangedAgainstFirst },
      ...{ unchangedWalBytes: median(unchanged.map(each => each.walBytes)), unchangedWalAgainstFirst },
      ...{ dayMs: median(days.map(each => each.ms)), dayWalBytes: median(days.map(each => each.walBytes)) },
      ...{ firstSizeBytes: firstBytes, sizeBytes: await sizeOf(store) },
      ...asked,
      ...{ verifyMs: verified.ms, verifyProblems: verified.result.problems.length, snapshotsVerified: verified.result.snapshots },
      ofWhatIsAllowed: {
        ...{ unchangedAgainstFirst: ratio(unchangedAgainstFirst, 0.45) },
        ...{ unchangedWalAgainstFirst: ratio(unchangedWalAgainstFirst, 0.001) },
        ...{
          accountMs: ratio(asked.accountMs, 60),
          accountIdsMs: ratio(asked.accountIdsMs, 10),
          userMs: ratio(asked.userMs, 10),
        },
        ...{ diffMs: ratio(asked.diffMs, asked.diffAllowedMs), verifyMs: ratio(verified.ms, 10_000) },
      },
    }
  })
}

/** Peak memory of a process that saves: the first snapshot, the same again, a day with changes. Each in a process of its own. */
export async function benchPeaks(size: Size): Promise<object> {
  return withFolder(async dataDir => {
    const first = await savedBy({ size, day: 0, dataDir, at: '2026-01-01T02:00:00Z', headsFolder: null })
    const unchanged = await savedBy({ size, day: 0, dataDir, at: '2026-01-02T02:00:00Z', headsFolder: null })
    const day = await savedBy({ size, day: 1, dataDir, at: '2026-01-03T02:00:00Z', headsFolder: null })
    const most = Math.max(first.peakMemoryMb, unchanged.peakMemoryMb, day.peakMemoryMb)
    return {
      ...{ organization: size, firstPeakMemoryMb: first.peakMemoryMb, firstBeforeSealMb: first.peakBeforeSealMb },
      ...{ unchangedPeakMemoryMb: unchanged.peakMemoryMb, dayPeakMemoryMb: day.peakMemoryMb },
      ofWhatIsAllowed: { peakMemoryMb: ratio(most, 300) },
    }
  })
}

/** The head of a first snapshot against its seal, in a process of its own; then the verification with it and without it, turn by turn. */
export async function benchHeads(size: Size): Promise<object> {
  return withFolder(async dataDir => {
    const headsFolder = join(dataDir, 'heads')
    const saved = await savedBy({ size, day: 0, dataDir, at: '2026-01-01T02:00:00Z', headsFolder })
    const { ms: headMs, peakBeforeMb, peakMb, publicKeyPem } = saved.heads!
    const verified = await verifyWithHeads(dataDir, headsFolder, publicKeyPem)
    const withMs = median(verified.map(each => each.withMs))
    const withoutMs = median(verified.map(each => each.withoutMs))
    return {
      ...{ organization: size, sealMs: round(saved.sealMs), headMs: round(headMs), headAgainstSeal: ratio(headMs, saved.sealMs) },
      ...{ peakBeforeHeadMb: peakBeforeMb, peakWithHeadMb: peakMb },
      ...{ verifyWithHeadsMs: withMs, verifyWithoutHeadsMs: withoutMs, withAgainstWithout: ratio(withMs, withoutMs) },
      verifyWithHeadsProblems: Math.max(...verified.map(each => each.problems)),
      ofWhatIsAllowed: { peakWithHeadMb: ratio(peakMb, 300), verifyWithHeadsMs: ratio(withMs, 10_000) },
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

type Size = 'S' | 'M' | 'L'
type Collect = (size: Size, day: number) => Promise<Timed<Snapshot>>

/** Works with a store in a database of its own; its clock goes on by a day with each collection. */
async function withStore<T>(work: (store: Store, collect: Collect) => Promise<T>): Promise<T> {
  return withFolder(async dataDir => {
    let at = Date.parse('2026-01-01T02:00:00Z')
    const now = () => new Date(at)
    await using store = await openStore({ url: null, dataDir, log: silent, now, softwareVersion: 'bench' })
    return await work(store, (size, day) => {
      at += 86_400_000
      return timed(store, () => save(store, size, day))
    })
  })
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  // the embedded server runs as another user when the bench runs as root
  chmodSync(folder, 0o755)
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface FirstTimed {
  readonly first: Timed<Snapshot>
  readonly base: { readonly ms: number; readonly walBytes: number }
}

async function firstOf(size: Size): Promise<FirstTimed> {
  return withStore(async (store, collect) => ({ first: await collect(size, 0), base: await copyBase(store) }))
}

function rowsIn({ datasets }: Snapshot): number {
  return datasets.reduce((total, dataset) => total + dataset.count, 0)
}

async function savedBy(task: SaverTask): Promise<SaverFigures> {
  const file = fileURLToPath(new URL('./saver-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(task)])
  return JSON.parse(stdout)
}

async function questions(store: Store, last: Snapshot, before: Snapshot) {
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
