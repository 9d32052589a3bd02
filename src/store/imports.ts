import { createHash, randomFillSync } from 'node:crypto'
import { canonicalJson, sha256 } from '../digest.ts'
import type { Facts, ImportedRows, ImportFile, ImportKind, Json } from '../model.ts'
import { query, transaction } from './database.ts'
import { disposedText, readDisposals } from './disposal.ts'
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
    await on.execute('insert into import_file (id, kind, location, digest, imported_at) values ($1, $2, $3, $4, $5)', [
      id,
      kind,
      location,
      Buffer.from(digest, 'hex'),
      importedAt,
    ])
    const salted = rows.map(saltedRow)
    await on.execute(
      `insert into import_row (import_id, n, digest, salt, body)
       select $1, w.n, w.digest, w.salt, w.body from unnest($2::bytea[], $3::bytea[], $4::text[]) with ordinality w (digest, salt, body, n)`,
      [id, salted.map(row => `\\x${row.digest}`), salted.map(row => `\\x${row.salt}`), salted.map(row => row.body)],
    )
    const rowsDigest = sha256(salted.map(row => `${row.digest}\n`).join(''))
    await appendTo(on, importedAt, 'import', { import: id, kind, location, digest, rows: rows.length, rowsDigest })
    return { id, kind, location, digest, importedAt }
  })
}

/** A row as it is kept: a salt of its own, so that the digest that stays when it is disposed of cannot be guessed from. */
function saltedRow(row: Facts): { readonly body: string; readonly salt: string; readonly digest: string } {
  const body = canonicalJson(row as Json)
  const salt = randomFillSync(Buffer.allocUnsafe(16))
  return { body, salt: salt.toString('hex'), digest: createHash('sha256').update(salt).update(body).digest('hex') }
}

/** Imports, newest first. */
export async function listImports(store: Store): Promise<readonly ImportRecord[]> {
  return query<ImportRecord>(
    store.db,
    `select id::float8 as id, kind, location, encode(digest, 'hex') as digest, imported_at as "importedAt" from import_file order by id desc`,
  )
}

/** Of each kind the last import by an instant, with its rows; `disposed` says what of it is not kept any more. */
export async function readImports(store: Store, asOf: Date): Promise<readonly ImportedRows[]> {
  const files = await query<ImportRecord>(
    store.db,
    `select distinct on (kind) id::float8 as id, kind, location, encode(digest, 'hex') as digest, imported_at as "importedAt"
     from import_file where imported_at <= $1 order by kind, id desc`,
    [asOf],
  )
  return Promise.all(files.map(file => withRows(store, file)))
}

async function withRows(store: Store, { id, ...file }: ImportRecord): Promise<ImportedRows> {
  const rows = await query<{ body: string | null; disposed: number | null }>(
    store.db,
    'select body, disposed::float8 as disposed from import_row where import_id = $1 order by n',
    [id],
  )
  const kept = rows.flatMap(({ body }) => (body === null ? [] : [JSON.parse(body) as Facts]))
  const gone = rows.filter(row => row.body === null)
  if (gone.length === 0) return { ...file, rows: kept }
  const entries = await readDisposals(store)
  const reasons = new Set(gone.map(({ disposed }) => disposedText(disposed ?? 0, entries)))
  return { ...file, rows: kept, disposed: { rows: gone.length, reason: [...reasons].join('; ') } }
}
