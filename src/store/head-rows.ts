import { canonicalJson } from '../digest.ts'
import type { Json, SignedHead } from '../model.ts'
import { query } from './database.ts'
import type { Store } from './store.ts'

/** Heads of a stream as the database keeps them, in the order of their versions. */
export async function readHeads(store: Store, stream: string, after = 0): Promise<SignedHead[]> {
  const text = 'select head from signed_head where stream = $1 and version > $2 order by version'
  const rows = await query<{ head: string }>(store.db, text, [stream, after])
  return rows.map(row => JSON.parse(row.head) as SignedHead)
}

/** The newest of them; null when there is none. */
export async function lastHead(store: Store, stream: string): Promise<SignedHead | null> {
  const text = 'select head from signed_head where stream = $1 order by version desc limit 1'
  const [row] = await query<{ head: string }>(store.db, text, [stream])
  return row === undefined ? null : (JSON.parse(row.head) as SignedHead)
}

/** Keeps a head for good. @returns it as it is kept, its members in the order in which every sink has them */
export async function insertHead(store: Store, head: SignedHead): Promise<SignedHead> {
  const kept = canonicalJson(head as unknown as Json)
  await query(store.db, 'insert into signed_head (stream, version, head) values ($1, $2, $3)', [head.stream, head.version, kept])
  return JSON.parse(kept) as SignedHead
}
