import type { Facts, LedgerEntry } from '../model.ts'
import { transaction } from './database.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import type { Store } from './store.ts'

/**
 * Puts what the program works with into the ledger when it is not what the last entry of that kind says: a configuration or a catalog that
 * changed stands there once, however many processes start.
 * @param payload.digest what tells one from another
 * @returns null when nothing changed
 */
export async function recordChange(
  store: Store,
  kind: 'config' | 'catalog',
  payload: Facts & { readonly digest: string },
): Promise<LedgerEntry | null> {
  const { rows } = await store.db.pool.query<{ digest: string }>(lastOfKind, [kind])
  if (rows[0]?.digest === payload.digest) return null
  return transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.ledger])
    const [last] = await on.query<{ digest: string }>(lastOfKind, [kind])
    if (last?.digest === payload.digest) return null
    return appendTo(on, store.now(), kind, { ...payload, before: last?.digest ?? null })
  })
}

const lastOfKind = `select payload::json->>'digest' as digest from ledger where kind = $1 order by position desc limit 1`
