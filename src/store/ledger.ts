import { canonicalJson, digestOf } from '../digest.ts'
import type { Facts, LedgerEntry } from '../model.ts'
import { type Connection, streamRows, transaction } from './database.ts'
import { StoreError } from './error.ts'
import { lockSpaces } from './locks.ts'
import type { Store } from './store.ts'

/** One thing that is wrong with the ledger. */
export interface LedgerProblem {
  readonly position: number
  readonly message: string
}

/** What was found in the ledger. */
export interface LedgerCheck {
  readonly entries: number
  /** digest of the last entry; null for an empty ledger */
  readonly head: string | null
  /** empty: every entry is as it was written, none is missing and their order is right */
  readonly problems: readonly LedgerProblem[]
}

/**
 * Appends one entry to the hash chain of everything that matters.
 * @returns the entry; its digest is SHA-256 of the canonical JSON of its other members
 */
export async function appendLedger(store: Store, kind: LedgerEntry['kind'], payload: Facts): Promise<LedgerEntry> {
  return transaction(store.db, on => appendTo(on, store.now(), kind, payload))
}

/** The same inside a transaction. Comes last in it: entries of others wait until it ends. */
export async function appendTo(on: Connection, at: Date, kind: LedgerEntry['kind'], payload: Facts): Promise<LedgerEntry> {
  await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.ledger])
  const [last] = await on.query<{ position: string; digest: Buffer }>(
    'select position, digest from ledger order by position desc limit 1',
  )
  const body = {
    position: last === undefined ? 1 : Number(last.position) + 1,
    at,
    kind,
    payload,
    previousDigest: last?.digest.toString('hex') ?? null,
  }
  const entry: LedgerEntry = { ...body, digest: entryDigest(body) }
  await on.execute('insert into ledger (position, at, kind, payload, previous_digest, digest) values ($1, $2, $3, $4, $5, $6)', [
    entry.position,
    at,
    kind,
    canonicalPayload(payload),
    last?.digest ?? null,
    Buffer.from(entry.digest, 'hex'),
  ])
  return entry
}

/**
 * Entries in order.
 * @param options `from` first position, 1 when left out
 */
export async function* readLedger(store: Store, options: { readonly from?: number } = {}): AsyncGenerator<LedgerEntry> {
  const text = 'select position, at, kind, payload, previous_digest, digest from ledger where position >= $1 order by position'
  for await (const batch of streamRows<LedgerRow>(store.db, text, [options.from ?? 1])) {
    for (const row of batch) yield entryOf(row)
  }
}

/** Computes the whole chain again. It shows every change but one of the newest entries by somebody who can rewrite them all: hold the head elsewhere. */
export async function checkLedger(store: Store): Promise<LedgerCheck> {
  const problems: LedgerProblem[] = []
  let before: LedgerEntry | null = null
  let entries = 0
  for await (const entry of readLedger(store)) {
    entries++
    const { digest, ...body } = entry
    const expected = before === null ? 1 : before.position + 1
    const say = (message: string) => problems.push({ position: entry.position, message })
    if (entry.position !== expected) say(`entries from ${expected} to ${entry.position - 1} are missing`)
    if (entryDigest(body) !== digest)
      say(`entry ${entry.position} (${entry.kind}) was changed: its digest is ${digest}, its contents give ${entryDigest(body)}`)
    if (entry.previousDigest !== (before?.digest ?? null)) {
      say(
        `entry ${entry.position} (${entry.kind}) follows ${entry.previousDigest}, the entry before it is ${before?.digest ?? 'none'}`,
      )
    }
    before = entry
  }
  return { entries, head: before?.digest ?? null, problems }
}

interface LedgerRow {
  readonly position: string
  readonly at: Date
  readonly kind: LedgerEntry['kind']
  readonly payload: string
  readonly previous_digest: Buffer | null
  readonly digest: Buffer
}

function entryOf(row: LedgerRow): LedgerEntry {
  return {
    position: Number(row.position),
    at: row.at,
    kind: row.kind,
    payload: JSON.parse(row.payload) as Facts,
    previousDigest: row.previous_digest?.toString('hex') ?? null,
    digest: row.digest.toString('hex'),
  }
}

function entryDigest(body: Omit<LedgerEntry, 'digest'>): string {
  return digestOf({ ...body, at: body.at.toISOString() })
}

function canonicalPayload(payload: Facts): string {
  try {
    return canonicalJson(payload)
  } catch (cause) {
    throw new StoreError('NOT_STORABLE', `the payload of a ledger entry has no canonical form: ${(cause as Error).message}`, {
      cause,
    })
  }
}
