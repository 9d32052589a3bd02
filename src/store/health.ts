import { query } from './database.ts'
import type { Store } from './store.ts'

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
  const [row] = await query<{ version: string; last: Date | null }>(
    store.db,
    `select current_setting('server_version') as version, (select max(sealed_at) from snapshot) as last`,
  )
  const { kind, schema } = store
  return { kind, serverVersion: row!.version, schema, roundTripMs: performance.now() - started, lastSealedAt: row!.last }
}
