import { sha256 } from '../digest.ts'
import type { Facts, LedgerEntry } from '../model.ts'
import { type Connection, query } from './database.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import type { Redaction } from './redaction.ts'
import type { Store } from './store.ts'

/** What a disposal removed, or would remove. */
export interface Disposal {
  /** bodies of resources, over all their versions */
  readonly resources: number
  /** bodies of results of evaluations */
  readonly results: number
  readonly importRows: number
  /** names and reasons of states of findings */
  readonly findings: number
  /** of the bodies as they are stored */
  readonly sizeBytes: number
}

/** Rows to dispose of, put into `disposal_choice` inside the transaction; each is a statement with its values. */
export type Choice = readonly [text: string, values: readonly unknown[]]

/**
 * One line for each row that can be disposed of, over what stays of it: what the digest of a disposal is computed over. The rows are `v` of
 * `entity_version`, `r` of `result_version`, `f` of `finding_version` and `i` of `import_row`.
 */
const disposalLines = {
  version: `encode(sha256(convert_to('["version",' || v.source_id || ',' || v.entity_id || ',' || v.from_version || ',"' || encode(v.digest, 'hex') || '"]', 'UTF8')), 'hex')`,
  result: `encode(sha256(convert_to('["result",' || to_json(r.control_id)::text || ',' || to_json(r.source)::text || ',' || to_json(r.subject_kind)::text || ','
    || to_json(r.subject_type)::text || ',' || to_json(r.subject_key)::text || ',' || r.from_evaluation || ','
    || to_json(coalesce(r.status, r.body::json->>'status'))::text || ',"' || encode(r.digest, 'hex') || '"]', 'UTF8')), 'hex')`,
  finding: `encode(sha256(convert_to('["finding",' || f.finding_id || ',' || f.from_evaluation || ',"' || encode(f.digest, 'hex') || '"]', 'UTF8')), 'hex')`,
  import: `encode(sha256(convert_to('["import",' || i.import_id || ',' || i.n || ',"' || encode(i.digest, 'hex') || '"]', 'UTF8')), 'hex')`,
}

/** Begins a statement that chooses versions `v` of resources; a condition follows. */
export const chooseVersions = `insert into disposal_choice (kind, entity_id, n, leaf)
  select 'version', v.entity_id, v.from_version, ${disposalLines.version} from entity_version v where v.body is not null and `
/** The same for results `r`. */
export const chooseResults = `insert into disposal_choice (kind, control_id, source, subject_key, subject_kind, subject_type, n, leaf)
  select 'result', r.control_id, r.source, r.subject_key, r.subject_kind, r.subject_type, r.from_evaluation, ${disposalLines.result}
  from result_version r where r.body is not null and `
/** The same for rows `i` of imports. */
export const chooseImports = `insert into disposal_choice (kind, import_id, n, leaf)
  select 'import', i.import_id, i.n, ${disposalLines.import} from import_row i where i.body is not null and `

/** The same for states `f` of findings. */
export const chooseFindings = `insert into disposal_choice (kind, entity_id, n, leaf)
  select 'finding', f.finding_id, f.from_evaluation, ${disposalLines.finding} from finding_version f where f.words is not null and `

/** Takes the locks that a disposal needs: nobody adds to the ledger (and so no hold), and no evaluation is saved meanwhile. */
export async function lockForDisposal(on: Connection): Promise<void> {
  await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.evaluation])
  await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.ledger])
}

/** Chooses rows and counts them; nothing is removed. */
export async function choose(on: Connection, choices: readonly Choice[]): Promise<Disposal> {
  await on.execute('delete from disposal_choice')
  for (const [text, values] of choices) await on.execute(text, values)
  const [sum] = await on.query<Disposal>(
    `select count(*) filter (where c.kind = 'version')::int as resources, count(*) filter (where c.kind = 'result')::int as results,
       count(*) filter (where c.kind = 'import')::int as "importRows", count(*) filter (where c.kind = 'finding')::int as findings,
       coalesce(sum(coalesce(pg_column_size(v.body), pg_column_size(r.body), pg_column_size(i.body), pg_column_size(f.words))), 0)::float8 as "sizeBytes"
     from disposal_choice c
     left join entity_version v on c.kind = 'version' and v.entity_id = c.entity_id and v.from_version = c.n
     left join result_version r on c.kind = 'result' and r.control_id = c.control_id and r.source = c.source and r.subject_key = c.subject_key
       and r.subject_kind = c.subject_kind and r.subject_type = c.subject_type and r.from_evaluation = c.n
     left join finding_version f on c.kind = 'finding' and f.finding_id = c.entity_id and f.from_evaluation = c.n
     left join import_row i on c.kind = 'import' and i.import_id = c.import_id and i.n = c.n`,
  )
  return { ...sum! }
}

/**
 * Removes what was chosen: first the entry of the ledger, then bodies and salts, in one transaction.
 * @param why goes into the entry, beside the counts and the digest of what went; no personal data
 * @param redaction of texts that the caller redacts next; null: none
 * @returns null when nothing was chosen: then there is no entry either
 */
export async function dispose(
  on: Connection,
  at: Date,
  why: Facts,
  chosen: Disposal,
  redaction: Redaction | null = null,
): Promise<LedgerEntry | null> {
  const { resources, results, importRows, findings } = chosen
  const rows = resources + results + importRows + findings
  if (rows === 0 && redaction === null) return null
  const [leaves] = await on.query<{ digest: string | null }>(
    `select encode(sha256(convert_to(string_agg(leaf || E'\\n', '' order by leaf collate "C"), 'UTF8')), 'hex') as digest from disposal_choice`,
  )
  const entry = await appendTo(on, at, 'disposal', {
    ...why,
    rows,
    resources,
    results,
    importRows,
    findings,
    digest: leaves!.digest ?? sha256(''),
    ...(redaction ?? {}),
  })
  await on.query('select dispose($1)', [entry.position])
  // else the server counts the dead rows only after the vacuum that takes them away
  await on.query('select pg_stat_force_next_flush()')
  return entry
}

/** What the ledger says of one disposal. */
export interface DisposalEntry {
  readonly position: number
  readonly at: Date
  readonly reason: 'retention' | 'privacy'
  readonly rows: number
  readonly digest: string
  /** of texts that people wrote and that were redacted; null: none */
  readonly redaction: Redaction | null
}

/** Every disposal, by position. */
export async function readDisposals(store: Store): Promise<ReadonlyMap<number, DisposalEntry>> {
  return readDisposalsOn({ query: (text, values) => query(store.db, text, values) })
}

/** The same inside a transaction. */
export async function readDisposalsOn(on: Pick<Connection, 'query'>): Promise<ReadonlyMap<number, DisposalEntry>> {
  const rows = await on.query<{ position: number; at: Date; payload: string }>(
    `select position::float8 as position, at, payload from ledger where kind = 'disposal' order by position`,
  )
  return new Map(
    rows.map(({ position, at, payload }) => {
      const said = JSON.parse(payload) as Omit<DisposalEntry, 'position' | 'at'> & Partial<Redaction>
      const { reason, rows: count, digest, texts, textsDigest } = said
      const redaction = texts === undefined || textsDigest === undefined ? null : { texts, textsDigest }
      return [position, { position, at, reason, rows: count, digest, redaction }]
    }),
  )
}

/** Why a body is not there, for people: `disposed of under retention on 2026-03-01 (ledger entry 17)`. */
export function disposedText(position: number, entries: ReadonlyMap<number, DisposalEntry>): string {
  const entry = entries.get(position)
  if (entry === undefined) return `gone, and the ledger has no disposal at ${position}`
  const why = entry.reason === 'retention' ? 'under retention' : "on a person's request"
  return `disposed of ${why} on ${entry.at.toISOString().slice(0, 10)} (ledger entry ${position})`
}

/** Digest over the lines of all rows that name one entry, as the entry has it; `count` of them. */
export async function disposedRows(store: Store, position: number): Promise<{ readonly count: number; readonly digest: string }> {
  const [found] = await query<{ count: number; digest: string | null }>(
    store.db,
    `select count(*)::int as count, encode(sha256(convert_to(string_agg(w.leaf || E'\\n', '' order by w.leaf collate "C"), 'UTF8')), 'hex') as digest from (
       select ${disposalLines.version} as leaf from entity_version v where v.disposed = $1
       union all select ${disposalLines.result} from result_version r where r.disposed = $1
       union all select ${disposalLines.import} from import_row i where i.disposed = $1
       union all select ${disposalLines.finding} from finding_version f where f.disposed = $1) w`,
    [position],
  )
  return { count: found!.count, digest: found!.digest ?? sha256('') }
}
