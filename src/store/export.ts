import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { type Connection, connectAlone, connection } from './database.ts'
import { StoreError, storeError } from './error.ts'
import { executedMigrations } from './migrations.ts'
import type { Store } from './store.ts'
import { type StoredTable, tablesOf } from './tables.ts'
import { tarEnd, tarFile } from './tar.ts'

/** The first file of an export: what an import must know before it reads on. */
export interface ExportHead {
  readonly format: 'evidenced database export'
  readonly formatVersion: 1
  readonly softwareVersion: string
  readonly exportedAt: string
  /** version of the server it was made from */
  readonly server: string
  /** names of the migrations, oldest first */
  readonly schema: readonly string[]
  /** in the order in which they stand, parents before children */
  readonly tables: readonly { readonly name: string; readonly columns: readonly string[] }[]
}

/** The last file: without it an export is not whole. */
export interface ExportManifest {
  readonly tables: readonly ExportedTable[]
  /** digest of the ledger's last entry; null for an empty one */
  readonly ledgerHead: string | null
}

export interface ExportedTable {
  readonly name: string
  readonly rows: number
  readonly sizeBytes: number
  /** over its rows as COPY wrote them */
  readonly sha256: string
}

export const headFile = 'evidenced-export.json'
export const manifestFile = 'manifest.json'

/** Rows come in files of about this size, so that memory does not grow with a table. */
const fileBytes = 1 << 22

/**
 * Writes the whole database into one file: a compressed tar of COPY's text form, table by table, as of one instant, while others go on
 * working. The file is there whole or not at all.
 * @throws {StoreError} DISK_FULL, and what the database says; FILE_NOT_WRITABLE
 */
export async function exportStore(
  store: Store,
  path: string,
  onTable: (table: string, done: number, total: number) => void = () => {},
): Promise<ExportManifest & { readonly sizeBytes: number }> {
  // a process that was killed leaves its half, and another may have its number by now
  const half = `${path}.${randomUUID()}.part`
  const client = await connectAlone(store.db)
  try {
    await client.query('begin isolation level repeatable read read only')
    const exported: { manifest: ExportManifest | null } = { manifest: null }
    const out = createWriteStream(half, { flags: 'wx', mode: 0o600, flush: true })
    await pipeline(Readable.from(filesOf(store, client, onTable, exported)), createGzip({ level: 6 }), out)
    await rename(half, path)
    return { ...exported.manifest!, sizeBytes: (await stat(path)).size }
  } catch (error) {
    await rm(half, { force: true })
    throw fileError(error, path) ?? storeError(error, store.db.where)
  } finally {
    await client.end().catch(() => {})
  }
}

async function* filesOf(
  store: Store,
  client: pg.Client,
  onTable: (table: string, done: number, total: number) => void,
  exported: { manifest: ExportManifest | null },
): AsyncGenerator<Buffer> {
  const on = connection(store.db, client)
  const tables = await tablesOf(on)
  yield tarFile(headFile, json(await headOf(on, store, tables)))
  const written: ExportedTable[] = []
  for (const [i, table] of tables.entries()) {
    onTable(table.name, i, tables.length)
    const sum = createHash('sha256')
    let rows = 0
    let sizeBytes = 0
    let number = 0
    for await (const content of copied(client, table)) {
      sum.update(content)
      sizeBytes += content.length
      for (let at = content.indexOf(10); at !== -1; at = content.indexOf(10, at + 1)) rows++
      yield tarFile(`tables/${table.name}/${String(++number).padStart(6, '0')}.copy`, content)
    }
    written.push({ name: table.name, rows, sizeBytes, sha256: sum.digest('hex') })
  }
  const [last] = await on.query<{ digest: string }>(
    `select encode(digest, 'hex') as digest from ledger order by position desc limit 1`,
  )
  exported.manifest = { tables: written, ledgerHead: last?.digest ?? null }
  yield tarFile(manifestFile, json(exported.manifest))
  yield tarEnd
}

async function headOf(on: Connection, store: Store, tables: readonly StoredTable[]): Promise<ExportHead> {
  const [server] = await on.query<{ version: string }>(`select current_setting('server_version') as version`)
  return {
    ...{ format: 'evidenced database export', formatVersion: 1, softwareVersion: store.softwareVersion },
    ...{ exportedAt: store.now().toISOString(), server: server!.version, schema: await executedMigrations(on) },
    tables: tables.map(({ name, columns }) => ({ name, columns })),
  }
}

/** A table's rows in COPY's text form, in pieces of whole or broken lines. */
async function* copied(client: pg.Client, { name, columns }: StoredTable): AsyncGenerator<Buffer> {
  const list = columns.map(column => `"${column}"`).join(', ')
  const stream = client.query(copyTo(`copy (select ${list} from "${name}") to stdout`))
  let pieces: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    pieces.push(chunk)
    size += chunk.length
    if (size < fileBytes) continue
    yield Buffer.concat(pieces)
    pieces = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(pieces)
}

function json(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}

function fileError(error: unknown, path: string): StoreError | null {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError('DISK_FULL', `the disk is full: ${path} was not written`, {
      hint: 'free space, or name a file on another disk; the database was not touched',
      cause: error,
    })
  if (!['EACCES', 'ENOENT', 'EROFS', 'EISDIR', 'ENOTDIR', 'EEXIST', 'EPERM'].includes(code)) return null
  const hint = 'name a file in a folder that this user may write'
  return new StoreError('FILE_NOT_WRITABLE', `cannot write ${path}: ${(error as Error).message}`, { hint, cause: error })
}
