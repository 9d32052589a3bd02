import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type Connection, connectAlone, connection, type Database, transactionOn } from './database.ts'
import { StoreError } from './error.ts'
import { type ExportedTable, type ExportHead, type ExportManifest, headFile, manifestFile } from './export.ts'
import { applyMigrations, executedMigrations, knownMigrations } from './migrations.ts'
import { connectTo, type StoreOptions } from './store.ts'
import { type StoredTable, tablesOf } from './tables.ts'
import { readTar, type TarEntry } from './tar.ts'

/** What was imported. */
export interface ImportedStore {
  readonly head: ExportHead
  readonly tables: readonly ExportedTable[]
  readonly ledgerHead: string | null
}

/**
 * Fills an empty database with an export: makes the schema that it was made with, loads every table in one transaction, compares rows and
 * digests with the export's own, and brings the schema to this program's version. What is interrupted or wrong leaves no row.
 * @throws {StoreError} EXPORT_FOREIGN, EXPORT_NEWER, EXPORT_DAMAGED, NOT_EMPTY, and what `openStore` throws
 */
export async function importStore(
  options: StoreOptions,
  path: string,
  onTable: (table: string, done: number, total: number) => void = () => {},
): Promise<ImportedStore> {
  const entries = readTar(unpacked(path))
  const head = await readHead(entries, path)
  const known = await knownMigrations()
  const unknown = head.schema.filter(name => !known.includes(name))
  if (unknown.length > 0)
    throw new StoreError(
      'EXPORT_NEWER',
      `${path} was made by evidenced ${head.softwareVersion}, whose schema has ${unknown.join(', ')}; this program ends at ${known.at(-1)}`,
      {
        hint: 'import it with that version of evidenced, or a newer one',
      },
    )
  const { db, close } = await connectTo(options)
  const client = await connectAlone(db)
  try {
    await prepare(db, client, head)
    const manifest = await transactionOn(db, client, on => load(on, client, head, entries, path, onTable))
    await applyMigrations(db)
    await client.query('analyze')
    return { head, tables: manifest.tables, ledgerHead: manifest.ledgerHead }
  } finally {
    await entries.return(undefined)
    await client.end().catch(() => {})
    await close()
  }
}

async function* unpacked(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path)
  const unzip = createGunzip()
  file.on('error', error => unzip.destroy(error))
  try {
    yield* file.pipe(unzip) as AsyncIterable<Buffer>
  } finally {
    file.destroy()
  }
}

async function readHead(entries: AsyncGenerator<TarEntry>, path: string): Promise<ExportHead> {
  const foreign = (cause?: unknown) =>
    new StoreError(
      'EXPORT_FOREIGN',
      `${path} is no export of an evidenced database${cause instanceof Error ? `: ${cause.message}` : ''}`,
      {
        hint: 'make one with `evidenced db export FILE`',
        cause,
      },
    )
  try {
    const first = await entries.next()
    if (first.done === true || first.value.name !== headFile || first.value.sizeBytes > 1 << 20) throw foreign()
    const head = JSON.parse(await textOf(first.value)) as ExportHead
    if (head.format !== 'evidenced database export' || !Array.isArray(head.schema) || !Array.isArray(head.tables)) throw foreign()
    if (head.formatVersion === 1) return head
    throw new StoreError('EXPORT_NEWER', `${path} has the format ${head.formatVersion}, this program reads format 1`, {
      hint: `import it with evidenced ${head.softwareVersion} or newer`,
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new StoreError('EXPORT_FOREIGN', `there is no file ${path}`, {
        hint: 'name what `evidenced db export FILE` wrote',
        cause: error,
      })
    }
    throw error instanceof StoreError ? error : foreign(error)
  }
}

/** Makes the schema of the export, in a database that has none or the same and not a single row. */
async function prepare(db: Database, client: pg.Client, head: ExportHead): Promise<void> {
  const on = connection(db, client)
  const [found] = await on.query<{ present: boolean }>(`select to_regclass('schema_migration') is not null as present`)
  if (!found!.present) {
    const [other] = await on.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') limit 1`,
    )
    if (other !== undefined) throw notEmpty(db, `it holds the table ${other.name}`)
    await applyMigrations(db, head.schema)
    return
  }
  for (const { name } of await tablesOf(on)) {
    if ((await on.query(`select from "${name}" limit 1`)).length > 0) throw notEmpty(db, `it has rows in ${name}`)
  }
  const executed = await executedMigrations(on)
  if (executed.length !== head.schema.length || executed.some((name, i) => name !== head.schema[i]))
    throw notEmpty(db, `its schema stands at ${executed.at(-1)}, and the export at ${head.schema.at(-1)}`)
}

function notEmpty(db: Database, why: string): StoreError {
  return new StoreError('NOT_EMPTY', `the database at ${db.where} cannot take an import: ${why}`, {
    hint: 'import into a database (or a dataDir) that is new',
  })
}

async function load(
  on: Connection,
  client: pg.Client,
  head: ExportHead,
  entries: AsyncGenerator<TarEntry>,
  path: string,
  onTable: (table: string, done: number, total: number) => void,
): Promise<ExportManifest> {
  const known = new Map((await tablesOf(on)).map(table => [table.name, table]))
  const loaded = new Map<string, ExportedTable>()
  let next: IteratorResult<TarEntry, unknown>
  try {
    next = await entries.next()
    while (next.done !== true && next.value.name !== manifestFile) {
      const { name, columns } = tableIn(next.value, head, known, path)
      onTable(name, loaded.size, head.tables.length)
      if (loaded.has(name)) throw damaged(path, `the rows of ${name} do not stand together`)
      const table = new TableReader(entries, next.value)
      const list = columns.map(column => `"${column}"`).join(', ')
      await pipeline(Readable.from(table.read()), client.query(copyFrom(`copy "${name}" (${list}) from stdin`)))
      loaded.set(name, { name, ...table.total() })
      next = table.following!
    }
    if (next.done === true) throw damaged(path, 'it has no manifest at its end')
    const manifest = JSON.parse(await textOf(next.value)) as ExportManifest
    checkTotals(manifest, loaded, path)
    if ((await entries.next()).done !== true) throw damaged(path, 'something follows its manifest')
    await numberOn(on, known)
    return manifest
  } catch (error) {
    if (error instanceof StoreError || (error as { code?: unknown }).code?.toString().match(/^[0-9A-Z]{5}$/)) throw error
    throw damaged(path, (error as Error).message, error)
  }
}

/** The files of one table, one after the other, and the first that is none of them. */
class TableReader {
  following: IteratorResult<TarEntry, unknown> | null = null
  readonly #entries: AsyncGenerator<TarEntry>
  readonly #first: TarEntry
  readonly #sum = createHash('sha256')
  #rows = 0
  #sizeBytes = 0

  constructor(entries: AsyncGenerator<TarEntry>, first: TarEntry) {
    this.#entries = entries
    this.#first = first
  }

  async *read(): AsyncGenerator<Buffer> {
    let at: IteratorResult<TarEntry, unknown> = { done: false, value: this.#first }
    const folder = folderOf(this.#first.name)
    while (at.done !== true && folderOf(at.value.name) === folder) {
      for await (const bytes of at.value.bytes) {
        this.#sum.update(bytes)
        this.#sizeBytes += bytes.length
        for (let line = bytes.indexOf(10); line !== -1; line = bytes.indexOf(10, line + 1)) this.#rows++
        yield bytes
      }
      at = await this.#entries.next()
    }
    this.following = at
  }

  total(): Omit<ExportedTable, 'name'> {
    return { rows: this.#rows, sizeBytes: this.#sizeBytes, sha256: this.#sum.digest('hex') }
  }
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'))
}

/** Names of the file are only used once this program's own schema has them. */
function tableIn(
  entry: TarEntry,
  head: ExportHead,
  known: ReadonlyMap<string, StoredTable>,
  path: string,
): { readonly name: string; readonly columns: readonly string[] } {
  const name = /^tables\/([a-z0-9_]+)\/\d+\.copy$/.exec(entry.name)?.[1]
  const table = name === undefined ? undefined : known.get(name)
  const said = head.tables.find(each => each.name === name)
  if (table === undefined || said === undefined) throw damaged(path, `it holds ${entry.name}, which the schema does not know`)
  const strange = said.columns.find(column => !table.columns.includes(column))
  if (strange !== undefined) throw damaged(path, `${table.name} has no column ${strange}`)
  return said
}

function checkTotals(manifest: ExportManifest, loaded: ReadonlyMap<string, ExportedTable>, path: string): void {
  for (const said of manifest.tables) {
    const found = loaded.get(said.name)
    if (said.rows === 0 && found === undefined) continue
    if (found?.sha256 !== said.sha256 || found.rows !== said.rows)
      throw damaged(path, `the rows of ${said.name} are not those that its manifest names`)
  }
  const strange = [...loaded.keys()].find(name => !manifest.tables.some(table => table.name === name))
  if (strange !== undefined) throw damaged(path, `its manifest does not name ${strange}`)
}

/** The next row gets the number after the last. */
async function numberOn(on: Connection, tables: ReadonlyMap<string, StoredTable>): Promise<void> {
  for (const { name, identities } of tables.values())
    for (const column of identities)
      await on.query(
        `select setval(pg_get_serial_sequence('"${name}"', '${column}'), greatest(coalesce((select max("${column}") from "${name}"), 0), 1),
           (select count(*) > 0 from "${name}"))`,
      )
}

function damaged(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError('EXPORT_DAMAGED', `${path} is damaged: ${why}; nothing was imported`, {
    hint: 'copy it again, or make it again with `evidenced db export FILE`',
    cause,
  })
}

async function textOf({ bytes }: TarEntry): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString('utf8')
}
