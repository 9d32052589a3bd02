import { connectAlone } from './database.ts'
import { lockSpaces } from './locks.ts'
import type { Store } from './store.ts'

/**
 * Verifies the store while no other process does: the lock goes with the session, so with the process that dies.
 * @returns null, and nothing was done, when another process is at it
 */
export async function verifyingAlone<T>(store: Store, work: () => Promise<T>): Promise<T | null> {
  const client = await connectAlone(store.db)
  // losing the lock takes nothing from work that only reads
  client.on('error', () => {})
  try {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, 0) as taken', [
      lockSpaces.verification,
    ])
    return rows[0]!.taken ? await work() : null
  } finally {
    await client.end().catch(() => {})
  }
}
