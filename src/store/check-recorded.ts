import type { LedgerEntry } from '../model.ts'
import { query } from './database.ts'
import { readLedger } from './ledger.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

/** What is said of one thing, by its number or name. */
type Said = ReadonlyMap<string, string>

/** Imports, bundles and runs that failed: one row and one entry of the ledger each. Whose row says something else, or which has only one of the two, is named. */
export async function* checkRecorded(store: Store): AsyncGenerator<StoreProblem> {
  // rows first: an entry that came meanwhile is asked for again
  const found = new Map<Kind, Said>()
  for (const kind of Object.keys(rowsOf) as Kind[]) found.set(kind, await readRows(store, kind))
  const said = new Map<Kind, Map<string, string>>()
  for await (const entry of readLedger(store)) {
    const kind = entry.kind as Kind
    if (!(kind in rowsOf)) continue
    const [name, text] = entryOf(kind, entry)
    said.set(kind, (said.get(kind) ?? new Map()).set(name, text))
  }
  for (const [kind, rows] of found) {
    const entries = said.get(kind) ?? new Map<string, string>()
    const what = names[kind]
    for (const [name, text] of rows) {
      const entry = entries.get(name)
      if (entry === text) continue
      const message = entry === undefined ? 'no entry of the ledger knows it' : 'it is not what the ledger says of it'
      yield { kind: kind === 'import' ? 'import' : 'ledger', name: `${what} ${name}`, message }
    }
    const missing = [...entries.keys()].filter(name => !rows.has(name))
    const now = missing.length === 0 ? rows : await readRows(store, kind)
    for (const name of missing)
      if (!now.has(name))
        yield {
          kind: kind === 'import' ? 'import' : 'ledger',
          name: `${what} ${name}`,
          message: 'the ledger names it, and it is not there',
        }
  }
}

const names = { import: 'import', bundle: 'bundle', run_failed: 'failed run' } as const
type Kind = keyof typeof names

/** Columns `name` and whatever the entry has too. */
const rowsOf: Record<Kind, string> = {
  import: `select id::text as name, kind, location, encode(digest, 'hex') as digest, imported_at as at from import_file`,
  bundle: `select id as name, framework, as_of as at, manifest_digest as digest, key_fingerprint as key, complete from bundle`,
  run_failed: `select id::text as name, error_code as code from run where outcome = 'failed'`,
}

async function readRows(store: Store, kind: Kind): Promise<Said> {
  const rows = await query<{ name: string }>(store.db, rowsOf[kind])
  return new Map(rows.map(({ name, ...said }) => [name, JSON.stringify(Object.values(said))]))
}

/** In the order of the columns. */
function entryOf(kind: Kind, { at, payload }: LedgerEntry): readonly [name: string, said: string] {
  const { location, digest, framework, asOf, manifestDigest, keyFingerprint, complete, code } = payload
  if (kind === 'import') return [String(payload.import), JSON.stringify([payload.kind, location, digest, at])]
  if (kind === 'run_failed') return [String(payload.run), JSON.stringify([code])]
  return [String(payload.bundle), JSON.stringify([framework, asOf, manifestDigest, keyFingerprint, complete])]
}
