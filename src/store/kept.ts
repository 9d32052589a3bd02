import type { Kept, KeptSnapshot, Snapshot } from '../model.ts'
import { query } from './database.ts'
import { appendLedger } from './ledger.ts'
import type { StoreProblem } from './problem.ts'
import { listSnapshots, snapshotDigest } from './snapshot.ts'
import { sourceLabel } from './source.ts'
import type { Store } from './store.ts'
import type { StoreVerification } from './verify-store.ts'

/** Problems that are kept with a verification; their number is always whole. */
const mostProblems = 1000

/** Keeps in the ledger that the whole store was computed again, and what was not as it was sealed. */
export async function saveVerification(store: Store, found: StoreVerification): Promise<void> {
  const wrong = found.problems.filter(({ kind }) => kind !== 'head_missing')
  await appendLedger(store, 'verification', {
    snapshots: found.snapshots,
    evaluations: found.evaluations,
    ledgerHead: found.ledgerHead,
    readAt: found.readAt.toISOString(),
    readTo: found.readTo,
    problems: wrong.length,
    headsMissing: found.problems.length - wrong.length,
    first: wrong.slice(0, mostProblems).map(({ kind, name, message }) => ({ kind, name, message })),
  })
}

/** What the last verification found. */
export interface KeptVerification {
  readonly at: Date
  readonly snapshots: number
  readonly evaluations: number
  /** what is not as it was sealed, heads that are missing outside not counted */
  readonly problems: number
  /** heads without a copy outside; null: it was made by a version that did not count them */
  readonly headsMissing: number | null
  /** the first 1,000 of the problems */
  readonly first: readonly Found[]
}

/** The last time that the whole store was computed again; null before the first. */
export async function lastVerification(store: Store): Promise<KeptVerification | null> {
  const [last] = await query<{ at: Date; payload: string }>(
    store.db,
    `select at, payload from ledger where kind = 'verification' order by position desc limit 1`,
  )
  if (last === undefined) return null
  const { snapshots, evaluations, problems, headsMissing = null, first } = JSON.parse(last.payload) as KeptVerification
  return { at: last.at, snapshots, evaluations, problems, headsMissing, first }
}

/**
 * The snapshots of a source up to one, with what is not as it was sealed: each is computed again from what it says, and held against the one
 * before and the ledger; its rows and calls as the last verification by an instant found them. What that one found and names no snapshot
 * that is there, and that it found more than is kept, counts against every one that it read.
 */
export async function readKept(store: Store, snapshot: Snapshot, asOf: Date): Promise<Kept> {
  const label = await sourceLabel(store, snapshot)
  const all = await listSnapshots(store, { source: label, limit: 1_000_000 })
  const snapshots = all.filter(({ version }) => version <= snapshot.version).sort((a, b) => a.version - b.version)
  const entries = await query<{ digest: string; position: number }>(
    store.db,
    `select payload::json->>'digest' as digest, position::float8 as position from ledger where kind = 'snapshot'`,
  )
  const inLedger = new Map(entries.map(({ digest, position }) => [digest, position]))
  const last = await lastReading(store, asOf)
  const names = await namesOfSnapshots(store)
  const isRead = ({ sealedAt, digest }: Snapshot) =>
    last !== null && sealedAt <= last.at && (inLedger.get(digest) ?? 0) <= (last.to ?? Number.POSITIVE_INFINITY)
  const kept = snapshots.map((each, index): KeptSnapshot => {
    const verified = isRead(each)
      ? last!.first.filter(problem => isAbout(problem, `${label} version ${each.version}`, names))
      : []
    return {
      version: each.version,
      sealedAt: each.sealedAt,
      problems: [
        ...problemsOf(each, snapshots[index - 1], inLedger),
        ...verified.map(({ name, message }) => `${name}: ${message}`),
        ...(isRead(each) && last!.unlisted > 0 ? [`the store: ${last!.unlisted} more problems, which are not listed`] : []),
      ],
    }
  })
  // sealed while the reading began: it names an instant before, and was not seen
  const missed = last === null ? undefined : snapshots.find(each => each.sealedAt <= last.at && !isRead(each))
  const verifiedAt = missed === undefined ? (last?.at ?? null) : new Date(missed.sealedAt.getTime() - 1)
  return { snapshots: kept, verifiedAt }
}

interface Found {
  readonly kind: string
  readonly name: string
  readonly message: string
}

/** What the last verification by an instant read, and found. */
interface KeptReading {
  readonly at: Date
  /** last entry of the ledger that was there before it; null: it was made by a version that did not note it */
  readonly to: number | null
  readonly first: readonly Found[]
  /** problems beyond those */
  readonly unlisted: number
}

async function lastReading(store: Store, asOf: Date): Promise<KeptReading | null> {
  const [last] = await query<{ at: Date; payload: string }>(
    store.db,
    `select at, payload from ledger where kind = 'verification' and at <= $1 order by position desc limit 1`,
    [asOf],
  )
  if (last === undefined) return null
  const { problems, first, readAt, readTo } = JSON.parse(last.payload) as {
    readonly problems: number
    readonly first: readonly Found[]
    readonly readAt?: string
    readonly readTo?: number
  }
  const at = readAt === undefined ? last.at : new Date(readAt)
  return { at, to: readTo ?? null, first, unlisted: problems - first.length }
}

async function namesOfSnapshots(store: Store): Promise<ReadonlySet<string>> {
  const rows = await query<{ name: string }>(
    store.db,
    `select s.label || ' version ' || n.version as name from snapshot n join source s on s.id = n.source_id`,
  )
  return new Set(rows.map(({ name }) => name))
}

/** Names of other kinds may end in what people wrote, a key for one. */
const kindsOfSnapshots: ReadonlySet<string> = new Set<StoreProblem['kind']>([
  'snapshot',
  'chain',
  'dataset',
  'calls',
  'ledger',
  'head',
])

/** @param names of every snapshot that is there */
function isAbout({ kind, name }: Found, snapshot: string, names: ReadonlySet<string>): boolean {
  const named = kindsOfSnapshots.has(kind) ? /\S+ version \d+$/.exec(name)?.[0] : undefined
  return named === undefined || !names.has(named) || named === snapshot
}

function problemsOf(snapshot: Snapshot, before: Snapshot | undefined, inLedger: ReadonlyMap<string, number>): readonly string[] {
  const { digest, ...body } = snapshot
  const computed = snapshotDigest(body)
  const problems: string[] = []
  if (computed !== digest) problems.push(`its digest is ${digest}, what it says gives ${computed}`)
  const isFirst = before === undefined && snapshot.version === 1
  const isFollowing = before !== undefined && before.version === snapshot.version - 1 && before.digest === snapshot.previousDigest
  // what came before the oldest that is kept was disposed of: the control asks whether it was old enough
  const isOldest = before === undefined && snapshot.version > 1 && snapshot.previousDigest !== null
  if (!isFollowing && !isOldest && !(isFirst && snapshot.previousDigest === null))
    problems.push(`it follows ${snapshot.previousDigest ?? 'nothing'}, the version before it is ${before?.digest ?? 'missing'}`)
  if (!inLedger.has(digest)) problems.push(`no entry of the ledger holds its digest ${digest}`)
  return problems
}
