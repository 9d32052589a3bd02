import { createHash, type Hash, randomFillSync } from 'node:crypto'
import { canonicalJson, compareBytes, digestOf, sha256 } from '../digest.ts'
import type { ControlInfo, ControlOutcome, Evaluation, Json, PermissionSetClass, Result, SavedEvaluation } from '../model.ts'
import { classificationDigest, writeClassifications } from './classification.ts'
import type { CopyValue } from './copy.ts'
import { type Connection, query, streamRows, transaction } from './database.ts'
import { type DisposalEntry, disposedText, readDisposals } from './disposal.ts'
import { StoreError } from './error.ts'
import { readRegister, writeRegister } from './exceptions.ts'
import type { DueDays } from './finding-states.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import { outside } from './outside.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'
import { writeFindings } from './write-findings.ts'

/** What is told of an evaluation without its outcomes. */
export interface EvaluationHead {
  readonly id: number
  readonly evaluatedAt: Date
  readonly asOf: Date
  readonly catalogDigest: string
  readonly digest: string
  readonly snapshots: Evaluation['snapshots']
}

/**
 * Keeps an evaluation. Outcomes and results are versions that hold from evaluation to evaluation: only what differs from the one before
 * is written. Results are brought into the order of their subjects' keys (UTF-8 bytes, then kind and type).
 * @param classes of the permission sets of its snapshots, kept beside it; left out, "who was admin" cannot be answered for them
 * @param options days until a finding is due, by severity: 7, 30, 90 and 180 when left out; and the clock it was judged by: now when left out
 * @returns the evaluation as it will be read; its digest is `registeredDigest`
 * @throws {StoreError} NOT_STORABLE when one subject has two results for one control and source
 */
export async function saveEvaluation(
  store: Store,
  evaluation: Evaluation,
  classes: readonly PermissionSetClass[] | null = null,
  options: { readonly dueDays?: DueDays; readonly evaluatedAt?: Date } = {},
): Promise<SavedEvaluation> {
  const sorted: Evaluation = { ...evaluation, outcomes: evaluation.outcomes.map(sortResults) }
  return transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.evaluation])
    const [last] = await on.query<{ id: number }>('select max(id) as id from evaluation having max(id) is not null')
    const id = (last?.id ?? 0) + 1
    const evaluatedAt = options.evaluatedAt ?? store.now()
    await writeDefinitions(on, sorted.outcomes)
    await writeOutcomes(on, id, sorted.outcomes)
    await writeResults(on, id, sorted.outcomes)
    const register = await writeRegister(on, sorted)
    const digest = registeredDigest(sorted, await resultsDigests(on, id), register)
    const findings = await writeFindings(on, id, sorted, options.dueDays)
    const { asOf, catalogDigest, snapshots } = sorted
    await on.execute(
      `insert into evaluation (id, evaluated_at, as_of, catalog_digest, snapshots, digest, digest_version, exceptions, findings)
       values ($1, $2, $3, $4, $5, $6, 3, $7, $8)`,
      [
        ...[id, evaluatedAt, asOf, catalogDigest, canonicalJson(snapshots as unknown as Json), Buffer.from(digest, 'hex')],
        register,
        findings === null ? null : Buffer.from(findings, 'hex'),
      ],
    )
    if (classes !== null) await writeClassifications(on, id, sorted, classes)
    const classification = classes === null ? {} : { classification: classificationDigest(classes) }
    await appendTo(on, evaluatedAt, 'evaluation', {
      ...{
        evaluation: id,
        asOf: asOf.toISOString(),
        catalogDigest,
        digest,
        ...classification,
        ...(findings === null ? {} : { findings }),
      },
    })
    return { ...sorted, id, evaluatedAt, digest }
  })
}

/**
 * The evaluation that judged the latest instant (with `asOf`: at or before it); of two that judged the same, the newer. Judging an older
 * instant again does not make it the last.
 * @returns null when there is none
 */
export async function latestEvaluation(store: Store, options: { readonly asOf?: Date } = {}): Promise<SavedEvaluation | null> {
  const [found] = await query<{ id: number }>(
    store.db,
    `select id from evaluation where $1::timestamptz is null or as_of <= $1 order by as_of desc, id desc limit 1`,
    [options.asOf ?? null],
  )
  return found === undefined ? null : readEvaluation(store, found.id)
}

/** One evaluation with every result that is not implied; null when there is none with this number. */
export async function readEvaluation(store: Store, id: number): Promise<SavedEvaluation | null> {
  const [head] = await heads(store, 'where id = $1', [id])
  if (head === undefined) return null
  const results = new Map<string, Result[]>()
  const text = `select control_id, source, subject_key, subject_kind, subject_type, status, disposed::float8 as disposed, body
    from result_version where from_evaluation <= $1 and to_evaluation > $1
    order by control_id, source, subject_key, subject_kind, subject_type`
  let disposals: Awaited<ReturnType<typeof readDisposals>> | null = null
  for await (const batch of streamRows<ResultRow>(store.db, text, [id])) {
    for (const row of batch) {
      if (row.disposed !== null) disposals ??= await readDisposals(store)
      const result = row.body === null ? disposedResult(row, disposals) : (JSON.parse(row.body) as Result)
      const key = seriesKey(row.control_id, row.source)
      const known = results.get(key)
      if (known === undefined) results.set(key, [result])
      else known.push(result)
    }
  }
  const rows = await query<{ control_id: string; source: string; body: string; definition: string }>(
    store.db,
    `select o.control_id, o.source, o.body, c.body as definition
     from outcome_version o join control_definition c on c.digest = o.definition
     where o.from_evaluation <= $1 and o.to_evaluation > $1 order by o.position`,
    [id],
  )
  const outcomes = rows.map(
    (row): ControlOutcome => ({
      ...(JSON.parse(row.body) as Omit<ControlOutcome, 'control' | 'results'>),
      control: JSON.parse(row.definition) as ControlInfo,
      results: results.get(seriesKey(row.control_id, row.source)) ?? [],
    }),
  )
  return { ...head, outcomes, ...(await readRegister(store, id)) }
}

/**
 * Evaluations, newest first.
 * @param filter `limit` 1,000 when left out
 */
export async function listEvaluations(
  store: Store,
  filter: { readonly limit?: number } = {},
): Promise<readonly EvaluationHead[]> {
  return heads(store, 'order by id desc limit $1', [filter.limit ?? 1000])
}

async function heads(store: Store, rest: string, values: readonly unknown[]): Promise<EvaluationHead[]> {
  const rows = await query<{
    id: number
    evaluated_at: Date
    as_of: Date
    catalog_digest: string
    snapshots: string
    digest: Buffer
  }>(store.db, `select id, evaluated_at, as_of, catalog_digest, snapshots, digest from evaluation ${rest}`, values)
  return rows.map(row => ({
    id: row.id,
    evaluatedAt: row.evaluated_at,
    asOf: row.as_of,
    catalogDigest: row.catalog_digest,
    digest: row.digest.toString('hex'),
    snapshots: JSON.parse(row.snapshots) as Evaluation['snapshots'],
  }))
}

interface ResultRow {
  readonly control_id: string
  readonly source: string
  readonly subject_key: string
  readonly subject_kind: string
  readonly subject_type: string
  readonly status: Result['status'] | null
  readonly disposed: number | null
  readonly body: string | null
}

/** What is left of a result: whom it was about by key, and its status. */
function disposedResult(row: ResultRow, disposals: ReadonlyMap<number, DisposalEntry> | null): Result {
  const { source, subject_key: key, subject_kind: kind, subject_type: type, status, disposed } = row
  const why = disposed === null ? 'gone, and no disposal is on record' : disposedText(disposed, disposals ?? new Map())
  return {
    subject: { kind: kind as Result['subject']['kind'], source, type, key, name: key },
    status: status ?? 'unknown',
    reason: `what was found was ${why}`,
    facts: {},
    gaps: [],
  }
}

/**
 * Digest of an evaluation since its register of exceptions has a salt: as `saltedDigest`, with `exceptionsDigest`, the salted digest of the
 * register, in the place of its exceptions. So names in it can be redacted.
 */
export function registeredDigest(
  { exceptions: _, ...evaluation }: Evaluation,
  digests: ReadonlyMap<string, string>,
  register: Buffer | null,
): string {
  const said = register === null ? {} : { exceptionsDigest: register.toString('hex') }
  return saltedDigest({ ...evaluation, ...said }, digests)
}

/**
 * Digest of an evaluation as its rows give it, by the version of digest that it was made with.
 * @returns null when it was made over bodies of which one was disposed of or redacted since: then nobody can compute it
 */
export async function computedDigest(
  store: Store,
  { id, evaluatedAt: _, digest: __, ...evaluation }: SavedEvaluation,
): Promise<string | null> {
  const [kept] = await query<{ version: number; exceptions: Buffer | null; redacted: boolean; disposed: boolean }>(
    store.db,
    `select e.digest_version as version, e.exceptions, coalesce(r.redacted is not null, false) as redacted,
       exists (select from result_version v where v.from_evaluation <= e.id and v.to_evaluation > e.id and v.disposed is not null) as disposed
     from evaluation e left join exception_register r on r.digest = e.exceptions where e.id = $1`,
    [id],
  )
  const { version, exceptions, redacted, disposed } = kept!
  if (version === 1) return disposed || redacted ? null : unsaltedDigest(evaluation)
  const digests = await resultsDigests({ query: (text, values) => query(store.db, text, values) }, id)
  if (version > 2) return registeredDigest(evaluation, digests, exceptions)
  return redacted ? null : saltedDigest(evaluation, digests)
}

/**
 * Digest of an evaluation since its results have salts: SHA-256 of the canonical JSON of everything it says, where each outcome has
 * `resultsDigest` in the place of its results. So it can be computed again when bodies were disposed of.
 * @param digests of `resultsDigests`
 */
export function saltedDigest(evaluation: Evaluation, digests: ReadonlyMap<string, string>): string {
  const outcomes = evaluation.outcomes.map(({ results: _, ...outcome }) => ({
    ...outcome,
    resultsDigest: digests.get(seriesKey(outcome.control.id, outcome.source)) ?? sha256(''),
  }))
  return digestOf(outside({ ...evaluation, outcomes }))
}

/**
 * Of each outcome of an evaluation, by `seriesKey`: SHA-256 over one line per result, in the order of the results,
 * `[kind, type, key, status, digest of the salted result]` as canonical JSON and a line feed.
 */
export async function resultsDigests(on: Pick<Connection, 'query'>, id: number): Promise<ReadonlyMap<string, string>> {
  const rows = await on.query<{ control_id: string; source: string; digest: string }>(
    `select control_id, source, encode(sha256(convert_to(string_agg('["' || subject_kind || '",' || to_json(subject_type)::text || ','
       || to_json(subject_key)::text || ',"' || status || '","' || encode(digest, 'hex') || '"]' || E'\n', ''
       order by subject_key, subject_kind, subject_type), 'UTF8')), 'hex') as digest
     from result_version where from_evaluation <= $1 and to_evaluation > $1 group by control_id, source`,
    [id],
  )
  return new Map(rows.map(row => [seriesKey(row.control_id, row.source), row.digest]))
}

/** Digest of an evaluation whose results have no salts yet: SHA-256 of the canonical JSON of a whole evaluation, put together piece by piece: as one string it could be longer than a string may be. */
export function unsaltedDigest(evaluation: Evaluation): string {
  const sum = createHash('sha256')
  addCanonical(sum, outside({ ...evaluation, outcomes: [] }) as { [member: string]: Json }, 'outcomes', () => {
    for (const [i, outcome] of evaluation.outcomes.entries()) {
      if (i > 0) sum.update(',')
      addCanonical(sum, outside({ ...outcome, results: [] }) as { [member: string]: Json }, 'results', () => {
        for (const [j, result] of outcome.results.entries()) sum.update(`${j > 0 ? ',' : ''}${canonicalJson(outside(result))}`)
      })
    }
  })
  return sum.digest('hex')
}

/** Adds a record's canonical JSON, with one member's list written by `addItems`. Member names here are ASCII, so any order of theirs is one. */
function addCanonical(sum: Hash, record: { readonly [member: string]: Json }, list: string, addItems: () => void): void {
  for (const [i, name] of Object.keys(record).sort().entries()) {
    sum.update(`${i === 0 ? '{' : ','}${canonicalJson(name)}:`)
    if (name !== list) sum.update(canonicalJson(record[name]!))
    else {
      sum.update('[')
      addItems()
      sum.update(']')
    }
  }
  sum.update('}')
}

function sortResults(outcome: ControlOutcome): ControlOutcome {
  const results = [...outcome.results].sort(
    ({ subject: a }, { subject: b }) =>
      compareBytes(a.key, b.key) || compareBytes(a.kind, b.kind) || compareBytes(a.type, b.type),
  )
  for (const [i, { subject }] of results.entries()) {
    const before = results[i - 1]?.subject
    if (before?.key === subject.key && before.kind === subject.kind && before.type === subject.type) {
      throw new StoreError(
        'NOT_STORABLE',
        `${outcome.control.id} has two results for ${subject.type} ${subject.key} of ${outcome.source}`,
      )
    }
  }
  return { ...outcome, results }
}

async function writeDefinitions(on: Connection, outcomes: readonly ControlOutcome[]): Promise<void> {
  const bodies = [...new Set(outcomes.map(outcome => canonicalJson(outside(outcome.control))))]
  await on.execute(
    `insert into control_definition (digest, body) select n.digest, n.body from unnest($1::bytea[], $2::text[]) as n (digest, body)
     on conflict do nothing`,
    [bodies.map(body => `\\x${sha256(body)}`), bodies],
  )
}

async function writeOutcomes(on: Connection, id: number, outcomes: readonly ControlOutcome[]): Promise<void> {
  const rows = outcomes.map(({ results: _, control, ...body }, position) => {
    const definition = digestOf(outside(control))
    const text = canonicalJson(outside(body))
    return {
      id: control.id,
      source: body.source,
      position,
      definition,
      text,
      digest: sha256(`${position} ${definition} ${text}`),
    }
  })
  const values = [
    ...[id, rows.map(row => row.id), rows.map(row => row.source), rows.map(row => row.position)],
    ...[rows.map(row => `\\x${row.definition}`), rows.map(row => row.text), rows.map(row => `\\x${row.digest}`)],
  ]
  await on.execute(
    `create temporary table new_outcome on commit drop as
     select $1::int as evaluation, n.* from unnest($2::text[], $3::text[], $4::int[], $5::bytea[], $6::text[], $7::bytea[])
       as n (control_id, source, position, definition, body, digest)`,
    values,
  )
  await mergeVersions(on, id, 'outcome', ['control_id', 'source'], ['position', 'definition', 'body', 'digest'])
}

async function writeResults(on: Connection, id: number, outcomes: readonly ControlOutcome[]): Promise<void> {
  const columns = ['control_id', 'source', 'subject_key', 'subject_kind', 'subject_type', 'digest', 'salt', 'status', 'body']
  await on.execute(
    `create temporary table new_result (control_id text, source text, subject_key text, subject_kind text, subject_type text, digest bytea, salt bytea,
       status text, body text) on commit drop`,
  )
  await on.copy('new_result', columns, resultRows(outcomes))
  await on.execute('analyze new_result')
  // a salt is the row's own: equal bodies are one result that still holds; one without a salt gets it with its next version
  await mergeVersions(on, id, 'result', columns.slice(0, 5), columns.slice(5), 'n.body = v.body and v.salt is not null')
}

function* resultRows(outcomes: readonly ControlOutcome[]): Generator<CopyValue[]> {
  for (const { control, source, results } of outcomes) {
    for (const result of results) {
      const body = canonicalJson(outside(result))
      const { key, kind, type } = result.subject
      const salt = randomFillSync(Buffer.allocUnsafe(16))
      const digest = createHash('sha256').update(salt).update(body).digest()
      yield [control.id, source, key, kind, type, digest, salt, result.status, body]
    }
  }
}

/**
 * Ends the versions that no longer hold and begins those that are new, from the temporary table `new_…`. Without nested loops: what is
 * known of the versions may be older than the last evaluation, and to look among all that hold for each of many thousand takes hours.
 */
async function mergeVersions(
  on: Connection,
  id: number,
  kind: 'outcome' | 'result',
  identity: readonly string[],
  content: readonly string[],
  sameContent = 'n.digest = v.digest',
): Promise<void> {
  const same = [...identity.map(column => `n.${column} = v.${column}`), sameContent].join(' and ')
  await on.execute('set local enable_nestloop = off')
  await on.execute(
    `update ${kind}_version v set to_evaluation = $1
     where v.to_evaluation = ${stillHolds} and not exists (select from new_${kind} n where ${same})`,
    [id],
  )
  const columns = [...identity, ...content].join(', ')
  await on.execute(
    `insert into ${kind}_version (from_evaluation, ${columns}) select $1, ${columns} from new_${kind} n
     where not exists (select from ${kind}_version v where v.to_evaluation = ${stillHolds} and ${same})`,
    [id],
  )
  await on.execute('set local enable_nestloop = on')
}

/** Names one outcome of an evaluation. */
function seriesKey(controlId: string, source: string): string {
  return `${controlId} ${source}`
}
