import { query } from './database.ts'
import { StoreError } from './error.ts'
import type { Store } from './store.ts'

/** How the database is. */
export interface StoreHealth {
  readonly kind: 'embedded' | 'external'
  /** e.g. `18.4` */
  readonly serverVersion: string
  /** name of the newest migration */
  readonly schema: string
  readonly roundTripMs: number
  /** when the last snapshot of any source was sealed; null before the first */
  readonly lastSealedAt: Date | null
}

/** @throws {StoreError} DATABASE_UNREACHABLE and the like when the store is not healthy */
export async function health(store: Store): Promise<StoreHealth> {
  const started = performance.now()
  const [row] = await query<{ version: string; last: Date | null; is_read_only: boolean }>(
    store.db,
    `select current_setting('server_version') as version, (select max(sealed_at) from snapshot) as last,
       current_setting('transaction_read_only')::boolean as is_read_only`,
  )
  if (row!.is_read_only)
    throw new StoreError('DATABASE_REFUSED', `the database at ${store.db.where} is read-only: nothing can be recorded`, {
      hint: 'check that it is the primary, and default_transaction_read_only',
    })
  const { kind, schema } = store
  return { kind, serverVersion: row!.version, schema, roundTripMs: performance.now() - started, lastSealedAt: row!.last }
}
