import { canonicalJson } from '../digest.ts'
import type { ControlInfo, ControlOutcome, Evaluation, Json, PermissionSetClass, Result, SavedEvaluation } from '../model.ts'
import { classificationDigest, writeClassifications } from './classification.ts'
import { query, streamRows, transaction } from './database.ts'
import { type DisposalEntry, disposedText, readDisposals } from './disposal.ts'
import { registeredDigest, resultsDigests, seriesKey } from './evaluation-digest.ts'
import { readRegister, writeRegister } from './exceptions.ts'
import type { DueDays } from './finding-states.ts'
import { appendTo } from './ledger.ts'
import { lockSpaces } from './locks.ts'
import type { Store } from './store.ts'
import { writeFindings } from './write-findings.ts'
import { inKeyOrder, writeOutcomes } from './write-outcomes.ts'

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
  const sorted: Evaluation = { ...evaluation, outcomes: evaluation.outcomes.map(inKeyOrder) }
  return transaction(store.db, async on => {
    await on.query('select pg_advisory_xact_lock($1, 0)', [lockSpaces.evaluation])
    const [last] = await on.query<{ id: number }>('select max(id) as id from evaluation having max(id) is not null')
    const id = (last?.id ?? 0) + 1
    const evaluatedAt = options.evaluatedAt ?? store.now()
    await writeOutcomes(on, id, sorted.outcomes)
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
