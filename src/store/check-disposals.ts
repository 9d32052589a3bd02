import { sha256 } from '../digest.ts'
import { checkRedactions } from './check-redactions.ts'
import { query } from './database.ts'
import { disposedRows, disposedText, readDisposals } from './disposal.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

export interface DisposalCheck {
  readonly disposals: readonly {
    readonly position: number
    readonly rows: number
    /** texts from which a person's names were taken out */
    readonly texts: number
    readonly text: string
  }[]
  readonly problems: readonly StoreProblem[]
}

/**
 * Holds every row without a body against the entry of the ledger that it names: the entry says how many rows went and the digest of what
 * stays of them. Imports are computed again from their rows.
 */
export async function checkDisposals(store: Store): Promise<DisposalCheck> {
  const entries = await readDisposals(store)
  const problems: StoreProblem[] = []
  for (const { position, rows, digest } of entries.values()) {
    const found = await disposedRows(store, position)
    if (found.count === rows && found.digest === digest) continue
    const message =
      found.count === rows
        ? `the rows that name it are not those that it disposed of`
        : `it disposed of ${rows} rows, and ${found.count} name it`
    problems.push({ kind: 'disposal', name: `entry ${position}`, message })
  }
  for (const { name, disposed } of await query<{ name: string; disposed: number }>(store.db, disposedNames)) {
    if (entries.has(disposed)) continue
    problems.push({ kind: 'disposal', name, message: `its body is gone, and the ledger has no disposal at ${disposed}` })
  }
  for (const { name, body } of await query<{ name: string; body: string }>(store.db, bodiesThatShouldBeGone))
    problems.push({ kind: 'disposal', name, message: `it is marked as disposed of, and has ${body}` })
  problems.push(...(await checkImports(store)), ...(await checkRedactions(store, entries)))
  const disposals = [...entries.values()].map(({ position, rows, redaction }) => ({
    ...{ position, rows, texts: redaction?.texts ?? 0, text: disposedText(position, entries) },
  }))
  return { disposals, problems }
}

const named = `select d.name || ' ' || l.account_id || ' ' || l.region || ' ' || k.key as name, v.disposed::float8 as disposed, v.body
  from entity_version v join entity e on e.id = v.entity_id join dataset d on d.id = e.dataset_id join place l on l.id = e.place_id
  join resource_key k on k.id = e.key_id where v.disposed is not null
  union all
  select r.control_id || ' ' || r.source || ' ' || r.subject_key, r.disposed::float8, r.body from result_version r where r.disposed is not null
  union all
  select 'import ' || i.import_id || ' row ' || i.n, i.disposed::float8, i.body from import_row i where i.disposed is not null
  union all
  select 'finding F-' || f.finding_id, f.disposed::float8, f.words from finding_version f where f.disposed is not null`

const disposedNames = `select distinct on (disposed) name, disposed from (${named}) w order by disposed, name`
const bodiesThatShouldBeGone = `select name, 'a body' as body from (${named}) w where body is not null order by name`

/** Imports since their rows stand one by one: the entry of the ledger has the digest over them. */
async function checkImports(store: Store): Promise<StoreProblem[]> {
  const rows = await query<{ id: number; said: string; found: string | null }>(
    store.db,
    `select f.id::float8 as id, g.said, encode(sha256(convert_to(w.lines, 'UTF8')), 'hex') as found
     from (select (payload::json->>'import')::bigint as id, payload::json->>'rowsDigest' as said from ledger where kind = 'import') g
     left join import_file f on f.id = g.id
     left join lateral (select string_agg(encode(i.digest, 'hex') || E'\\n', '' order by i.n) as lines from import_row i where i.import_id = g.id) w on true
     where g.said is not null`,
  )
  return rows.flatMap(({ id, said, found }) =>
    said === (found ?? sha256('')) && id !== null
      ? []
      : [
          {
            kind: 'import' as const,
            name: `import ${id ?? 'that is missing'}`,
            message: `the ledger says that its rows give ${said}, they give ${found ?? 'nothing'}`,
          },
        ],
  )
}
