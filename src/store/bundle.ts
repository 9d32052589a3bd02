import type { BundleRecord } from '../model.ts'
import { query, transaction } from './database.ts'
import { appendTo } from './ledger.ts'
import type { Store } from './store.ts'

/** Keeps the record of an issued bundle, and its manifest's digest in the ledger. The file itself is elsewhere. */
export async function saveBundle(store: Store, bundle: BundleRecord): Promise<void> {
  const { id, issuedAt, asOf, framework, path, sizeBytes, manifestDigest, keyFingerprint, ledgerPosition, complete } = bundle
  await transaction(store.db, async on => {
    await on.execute(
      `insert into bundle (id, issued_at, as_of, framework, path, size_bytes, manifest_digest, key_fingerprint, ledger_position, complete)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [id, issuedAt, asOf, framework, path, sizeBytes, manifestDigest, keyFingerprint, ledgerPosition, complete],
    )
    await appendTo(on, store.now(), 'bundle', {
      bundle: id,
      framework,
      asOf: asOf.toISOString(),
      manifestDigest,
      keyFingerprint,
      complete,
    })
  })
}

/**
 * Issued bundles, newest first.
 * @param filter `limit` 1,000 when left out
 */
export async function listBundles(
  store: Store,
  filter: { readonly framework?: string; readonly limit?: number } = {},
): Promise<readonly BundleRecord[]> {
  // sizes and positions stay below 2^53, and float8 comes as a number
  const rows = await query<BundleRecord>(
    store.db,
    `select id, issued_at as "issuedAt", as_of as "asOf", framework, path, size_bytes::float8 as "sizeBytes", manifest_digest as "manifestDigest",
       key_fingerprint as "keyFingerprint", ledger_position::float8 as "ledgerPosition", complete
     from bundle where $1::text is null or framework = $1 order by issued_at desc, id limit $2`,
    [filter.framework ?? null, filter.limit ?? 1000],
  )
  return rows.map(row => ({ ...row }))
}
