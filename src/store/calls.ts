import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, gunzip } from 'node:zlib'
import { canonicalJson } from '../digest.ts'
import type { CallRecord, Json, Snapshot } from '../model.ts'
import { type Connection, type Database, query } from './database.ts'
import { pack, unpackAside } from './packed.ts'
import type { Store } from './store.ts'

const unzipOld = promisify(gunzip)

/** Lines of one chunk of the ledger. */
const linesAChunk = 4000
/** Level 12 takes 60 MB for tables that fit any input; of these 20 MB, a chunk becomes no larger. */
const densely = {
  [constants.ZSTD_c_compressionLevel]: 12,
  [constants.ZSTD_c_windowLog]: 19,
  [constants.ZSTD_c_hashLog]: 17,
  [constants.ZSTD_c_chainLog]: 17,
}
/** @see https://www.rfc-editor.org/rfc/rfc1952 chunks of the first versions are gzip */
const gzipMagic = 0x1f8b

/** One line of the call ledger: canonical JSON of the record, its time as RFC 3339. */
function callLine(call: CallRecord): string {
  return `${canonicalJson({ ...call, at: call.at.toISOString(), place: { ...call.place } } as unknown as Json)}\n`
}

/** Calls of a collection in their order, as they are staged. */
export async function encodeCalls(calls: readonly CallRecord[]): Promise<Buffer> {
  return pack(calls.map(callLine).join(''))
}

/** Folds the staged calls of a collection that ends into its ledger, where they take a tenth of the room, and adds them up. */
export async function foldCalls(on: Connection, collectionId: number): Promise<CallTotals> {
  const sum = new CallSum()
  let lines: string[] = []
  const write = async () => {
    const body = await pack(lines.map(line => `${line}\n`).join(''), densely)
    await on.execute('insert into call_chunk (collection_id, lines, body) values ($1, $2, $3)', [
      collectionId,
      lines.length,
      body,
    ])
    lines = []
  }
  for await (const text of chunks(([sql, values]) => on.query(sql, values), 'staged_calls', collectionId)) {
    sum.add(text)
    lines.push(...text.split('\n').slice(0, -1))
    if (lines.length >= linesAChunk) await write()
  }
  if (lines.length > 0) await write()
  await on.execute('delete from staged_calls where collection_id = $1', [collectionId])
  return sum.totals()
}

/** The calls that a snapshot rests on, in the order in which they were saved: those of interrupted attempts as well. */
export async function* readCalls(store: Store, snapshot: Snapshot): AsyncGenerator<CallRecord> {
  const [found] = await query<{ collection_id: number }>(store.db, 'select collection_id from snapshot where run_id = $1', [
    snapshot.runId,
  ])
  if (found === undefined) return
  for await (const text of chunks(text => query(store.db, ...text), 'call_chunk', found.collection_id)) {
    for (const line of text.split('\n')) {
      if (line === '') continue
      const call = JSON.parse(line) as CallRecord & { at: string }
      yield { ...call, at: new Date(call.at) }
    }
  }
}

/** What a ledger of calls says as a whole. */
export interface CallTotals {
  readonly calls: number
  readonly throttles: number
  /** SHA-256 over the lines in order, lower-case hexadecimal */
  readonly root: string
  /** calls by `countKey`, those that name their dataset by `datasetCountKey` */
  readonly counts: ReadonlyMap<string, number>
}

/** Reads a collection's ledger once and adds it up. */
export async function addUpCalls(on: Pick<Connection, 'query'>, collectionId: number): Promise<CallTotals> {
  const sum = new CallSum()
  for await (const text of chunks(([sql, values]) => on.query(sql, values), 'call_chunk', collectionId)) sum.add(text)
  return sum.totals()
}

/** Adds up lines of a ledger, in their order. */
class CallSum {
  readonly #root = createHash('sha256')
  readonly #counts = new Map<string, number>()
  #calls = 0
  #throttles = 0

  add(text: string): void {
    this.#root.update(text)
    for (const line of text.split('\n')) {
      if (line === '') continue
      const { dataset, service, operation, place, throttles } = JSON.parse(line) as CallRecord
      this.#calls++
      this.#throttles += throttles
      const key = dataset === undefined ? countKey(service, operation, place) : datasetCountKey(dataset, place)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
  }

  totals(): CallTotals {
    return { calls: this.#calls, throttles: this.#throttles, root: this.#root.digest('hex'), counts: this.#counts }
  }
}

/** Calls of one operation in one place; `service` is the IAM prefix, as before the colon of an action. */
export function countKey(
  service: string,
  operation: string,
  place: { readonly accountId: string; readonly region: string },
): string {
  return `${service} ${operation} ${place.accountId} ${place.region}`
}

/** Calls that were made for one dataset in one place. */
export function datasetCountKey(dataset: string, place: { readonly accountId: string; readonly region: string }): string {
  return `${dataset} ${place.accountId} ${place.region}`
}

/** For reading through a pool as well as inside a transaction. */
export function reader(db: Database): Pick<Connection, 'query'> {
  return { query: (text, values) => query(db, text, values) }
}

function unzipped(body: Buffer): Promise<Buffer> | Buffer {
  if (body.readUInt16BE(0) === gzipMagic) return unzipOld(body)
  return unpackAside(body)
}

type Ask = <Row extends object>(statement: [text: string, values: readonly unknown[]]) => Promise<Row[]>

/** Rows that are read at once: staged ones hold a few calls each, folded ones `linesAChunk`. */
const rowsAtOnce = { staged_calls: 400, call_chunk: 8 } as const

/** Lines as text, a few chunks at a time. */
async function* chunks(ask: Ask, table: 'call_chunk' | 'staged_calls', collectionId: number): AsyncGenerator<string> {
  let last = '0'
  for (;;) {
    const rows = await ask<{ id: string; body: Buffer }>([
      `select id, body from ${table} where collection_id = $1 and id > $2 order by id limit ${rowsAtOnce[table]}`,
      [collectionId, last],
    ])
    for (const row of rows) yield (await unzipped(row.body)).toString('utf8')
    if (rows.length < rowsAtOnce[table]) return
    last = rows.at(-1)!.id
  }
}
