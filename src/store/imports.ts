import { canonicalJson } from '../digest.ts'
import type { Facts, ImportedRows, ImportFile, ImportKind, Json } from '../model.ts'
import { query, transaction } from './database.ts'
import { appendTo } from './ledger.ts'
import type { Store } from './store.ts'

/** One import without its rows. */
export interface ImportRecord {
  readonly id: number
  readonly kind: ImportKind
  readonly location: string
  readonly digest: string
  readonly importedAt: Date
}

/**
 * Keeps a file that was read, whole and for good, and its digest in the ledger. The next of its kind takes its place from then on.
 * @returns the record; `importedAt` is the store's clock
 */
export async function saveImport(store: Store, file: ImportFile): Promise<ImportRecord> {
  const importedAt = store.now()
  const { kind, location, digest, rows } = file
  return transaction(store.db, async on => {
    await on.execute('lock table import_file in share row exclusive mode')
    const [last] = await on.query<{ id: number }>('select coalesce(max(id), 0)::float8 as id from import_file')
    const id = last!.id + 1
    await on.execute('insert into import_file (id, kind, location, digest, imported_at, rows) values ($1, $2, $3, $4, $5, $6)', [
      id,
      kind,
      location,
      Buffer.from(digest, 'hex'),
      importedAt,
      canonicalJson(rows as Json),
    ])
    await appendTo(on, importedAt, 'import', { import: id, kind, location, digest, rows: rows.length })
    return { id, kind, location, digest, importedAt }
  })
}

/** Imports, newest first. */
export async function listImports(store: Store): Promise<readonly ImportRecord[]> {
  return query<ImportRecord>(
    store.db,
    `select id::float8 as id, kind, location, encode(digest, 'hex') as digest, imported_at as "importedAt" from import_file order by id desc`,
  )
}

/** Of each kind the last import by an instant, with its rows. */
export async function readImports(store: Store, asOf: Date): Promise<readonly ImportedRows[]> {
  const rows = await query<Omit<ImportedRows, 'rows'> & { readonly rows: string }>(
    store.db,
    `select distinct on (kind) kind, location, encode(digest, 'hex') as digest, imported_at as "importedAt", rows
     from import_file where imported_at <= $1 order by kind, id desc`,
    [asOf],
  )
  return rows.map(row => ({ ...row, rows: JSON.parse(row.rows) as readonly Facts[] }))
}
