import { canonicalJson } from '../digest.ts'
import type { Json, SignedHead } from '../model.ts'
import { signedHeadIn } from '../signed-head.ts'
import { query } from './database.ts'
import { StoreError } from './error.ts'
import type { Store } from './store.ts'

/** Heads of a stream as the database keeps them, in the order of their versions; null for what somebody made no head. */
export async function keptHeads(
  store: Store,
  stream: string,
  after = 0,
): Promise<{ readonly version: number; readonly head: SignedHead | null }[]> {
  const text = 'select version, head from signed_head where stream = $1 and version > $2 order by version'
  const rows = await query<{ version: number; head: string }>(store.db, text, [stream, after])
  return rows.map(({ version, head }) => ({ version, head: signedHeadIn(head) }))
}

/** The same to go on from. @throws {StoreError} NOT_FOUND for what is no head */
export async function readHeads(store: Store, stream: string, after = 0): Promise<SignedHead[]> {
  return (await keptHeads(store, stream, after)).map(({ version, head }) => checked(stream, version, head))
}

/** The newest of them; null when there is none. @throws {StoreError} NOT_FOUND for what is no head */
export async function lastHead(store: Store, stream: string): Promise<SignedHead | null> {
  const text = 'select version, head from signed_head where stream = $1 order by version desc limit 1'
  const [row] = await query<{ version: number; head: string }>(store.db, text, [stream])
  return row === undefined ? null : checked(stream, row.version, signedHeadIn(row.head))
}

function checked(stream: string, version: number, head: SignedHead | null): SignedHead {
  if (head !== null) return head
  throw new StoreError('NOT_FOUND', `what the database keeps as the head of ${stream} version ${version} is none`, {
    hint: 'somebody changed it: run evidenced verify-store',
  })
}

/** Streams that the database keeps heads of. */
export async function headStreams(store: Store): Promise<string[]> {
  return (await query<{ stream: string }>(store.db, 'select distinct stream from signed_head', [])).map(row => row.stream)
}

/** Keeps a head for good. @returns it as it is kept, its members in the order in which every sink has them */
export async function insertHead(store: Store, head: SignedHead): Promise<SignedHead> {
  const kept = canonicalJson(head as unknown as Json)
  await query(store.db, 'insert into signed_head (stream, version, head) values ($1, $2, $3)', [head.stream, head.version, kept])
  return JSON.parse(kept) as SignedHead
}
