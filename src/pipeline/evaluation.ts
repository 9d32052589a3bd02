import {
  buildEstate,
  classify,
  type Estate,
  type Explanation,
  evaluate,
  explainStatus,
  neededHistory,
  needsExceptions,
  needsKept,
  populationOf,
} from '../controls/index.ts'
import type {
  ControlOutcome,
  EstateRows,
  Evaluation,
  PermissionSetClass,
  Result,
  SavedEvaluation,
  Snapshot,
  SourceRows,
  Subject,
} from '../model.ts'
import { judgedResults, type Mask } from '../reports/index.ts'
import {
  type DueDays,
  latestEvaluation,
  readEstate,
  readExceptions,
  readHistory,
  readImports,
  readKept,
  readSnapshot,
  type Store,
  saveEvaluation,
  sourceRows,
} from '../store/index.ts'
import { leaveEvaluationHead } from './heads.ts'
import { evaluationOnRecord, type OnRecord } from './on-record.ts'
import { type Parts, PipelineError } from './parts.ts'

/** Judges the last snapshots as of an instant with the whole catalog, and keeps what it finds. @param options days until a finding is due, by severity */
export async function runEvaluation(
  parts: Pick<Parts, 'store' | 'catalog' | 'log' | 'heads'>,
  asOf: Date,
  options: { readonly dueDays?: DueDays } = {},
): Promise<SavedEvaluation> {
  const clock = parts.store.now()
  const behind = clockBehind(asOf, clock)
  const rows = { ...(await readEstate(parts.store, asOf)), ...behind }
  if (rows.sources.length === 0) {
    throw new PipelineError('NOTHING_COLLECTED', `no snapshot was sealed by ${asOf.toISOString()}`, {
      hint: 'run `evidenced collect` first, or name a later instant',
    })
  }
  const { judged, classes } = await judge(parts, rows)
  const evaluation = await saveEvaluation(
    parts.store,
    judged,
    classes,
    // the clock that was behind is kept, so that it can be judged again as it was
    behind.clock === undefined ? options : { ...options, evaluatedAt: clock },
  )
  parts.log.info('evaluated', { asOf, evaluation: evaluation.id, digest: evaluation.digest })
  await leaveEvaluationHead(parts)
  return evaluation
}

/** Apart from who saves it, so that the estate is gone by then. */
async function judge(
  parts: Pick<Parts, 'store' | 'catalog'>,
  rows: EstateRows,
): Promise<{ readonly judged: Evaluation; readonly classes: readonly PermissionSetClass[] }> {
  const estate = await buildEstate(await withEverything(parts, rows), parts.catalog.managedPolicies)
  const exceptions = await readExceptions(parts.store, rows.asOf)
  return { judged: evaluate(parts.catalog, estate, rows.asOf, exceptions), classes: [...classify(estate)] }
}

/**
 * Why one subject has its status as of an instant: judged anew, nothing is kept.
 * @throws {ControlsError} UNKNOWN_CONTROL, UNKNOWN_SUBJECT
 */
export async function explainSubject(
  parts: Pick<Parts, 'store' | 'catalog'>,
  asOf: Date,
  control: string,
  subject: string,
): Promise<readonly Explanation[]> {
  const rows = await withEverything(parts, {
    ...(await readEstate(parts.store, asOf)),
    ...clockBehind(asOf, parts.store.now()),
  })
  const exceptions = await readExceptions(parts.store, asOf)
  return explainStatus(parts.catalog, await buildEstate(rows, parts.catalog.managedPolicies), asOf, control, subject, exceptions)
}

/** What says that the judged instant lies ahead of the clock, as it does after a clock was ahead: nothing where it does not. */
function clockBehind(asOf: Date, clock: Date): Pick<EstateRows, 'clock'> {
  return asOf > clock ? { clock } : {}
}

/** An evaluation with everything it was judged on. */
export interface Judged {
  readonly evaluation: SavedEvaluation
  readonly snapshots: readonly Snapshot[]
  readonly estate: Estate
}

/**
 * The last saved evaluation (as of an instant), with the snapshots it rests on, linked again.
 * @param record only what stood in the ledger then; left out or null: everything
 * @throws {PipelineError} NOTHING_EVALUATED
 */
export async function readJudged(
  parts: Pick<Parts, 'store' | 'catalog'>,
  asOf: Date | null,
  record: OnRecord | null = null,
): Promise<Judged> {
  const evaluation = await (record === null
    ? latestEvaluation(parts.store, asOf === null ? {} : { asOf })
    : evaluationOnRecord(parts.store, record, asOf))
  if (evaluation === null) {
    const when = asOf === null ? '' : ` as of ${asOf.toISOString()}`
    throw new PipelineError('NOTHING_EVALUATED', `there is no evaluation${when}`, { hint: 'run `evidenced evaluate` first' })
  }
  const found = await Promise.all(
    evaluation.snapshots.map(({ source, version }) => readSnapshot(parts.store, source, { version })),
  )
  const snapshots = found.filter(snapshot => snapshot !== null)
  return {
    evaluation,
    snapshots,
    estate: await buildEstate(
      await withEverything(parts, judgedRows(parts.store, evaluation.asOf, snapshots)),
      parts.catalog.managedPolicies,
    ),
  }
}

/** The rows of the snapshots of an evaluation, read when they are asked for. */
function judgedRows(store: Store, asOf: Date, snapshots: readonly Snapshot[]): EstateRows {
  return { asOf, sources: snapshots.map(snapshot => sourceRows(store, snapshot)) }
}

/** The rows of snapshots with what is judged beside them: imports, and as much of the past as the catalog asks for. */
export async function withEverything(parts: Pick<Parts, 'store' | 'catalog'>, rows: EstateRows): Promise<EstateRows> {
  const sources = rows.sources.map(async each => ({ ...each, ...(await pastOf(parts, each.snapshot, rows.asOf)()) }))
  const exceptions = needsExceptions(parts.catalog) ? { exceptions: await readExceptions(parts.store, rows.asOf) } : {}
  return { ...rows, ...exceptions, sources: await Promise.all(sources), imports: await readImports(parts.store, rows.asOf) }
}

/** Reads as much of the past of a snapshot as the catalog asks for. */
export function pastOf(
  { store, catalog }: Pick<Parts, 'store' | 'catalog'>,
  snapshot: Snapshot,
  asOf: Date,
): () => Promise<Pick<SourceRows, 'history' | 'kept'>> {
  const needed = neededHistory(catalog)
  return async () => ({
    ...(needsKept(catalog) ? { kept: await readKept(store, snapshot, asOf) } : {}),
    ...(needed === null
      ? {}
      : { history: await readHistory(store, snapshot, new Date(asOf.getTime() - needed.days * 86_400_000), needed.datasets) }),
  })
}

/** What one control found on every subject, those with the implied status too, sorted by source and key. @throws {PipelineError} UNKNOWN_CONTROL */
export async function latestResults(
  parts: Pick<Parts, 'store' | 'catalog'>,
  control: string,
  asOf: Date | null,
): Promise<{ readonly evaluation: SavedEvaluation; readonly results: readonly Result[] }> {
  const { evaluation, estate } = await readJudged(parts, asOf)
  const outcomes = evaluation.outcomes.filter(outcome => outcome.control.id === control)
  if (outcomes.length === 0) {
    throw new PipelineError('UNKNOWN_CONTROL', `the evaluation holds no control ${control}`, {
      hint: 'see `evidenced controls list`, and evaluate again after adding one',
    })
  }
  const judged = { ...evaluation, outcomes }
  const results = [...judgedResults(judged, outcome => populationOf(estate, outcome.source, outcome.control.resource))].map(
    each => each.result,
  )
  return { evaluation, results }
}

/**
 * Spells out what an evaluation says of every member of its populations. Where so much was disposed of that nobody can say any more who
 * they were, it cannot.
 * @throws {PipelineError} DISPOSED
 */
export async function spelledOut<T>({ evaluation, estate }: Judged, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const disposed = estate.sources.flatMap(source => [...source.disposed])
    if ((cause as { readonly code?: unknown } | null)?.code !== 'TOTALS_DIFFER' || disposed.length === 0) throw cause
    const why = [...new Set(disposed)].join('; ')
    throw new PipelineError(
      'DISPOSED',
      `evaluation ${evaluation.id} of ${evaluation.asOf.toISOString()} rests on what is not kept any more: ${why}`,
      {
        hint: 'use the bundle that was issued before, or evidence of a later date',
        cause,
      },
    )
  }
}

/**
 * Every resource a control ranges over: what turns the kept results of an evaluation into all of them.
 * @param mask puts pseudonyms in place of people; null: none
 */
export function populationsOf({ estate }: Judged, mask: Mask | null = null): (outcome: ControlOutcome) => Iterable<Subject> {
  return outcome => {
    const population = populationOf(estate, outcome.source, outcome.control.resource)
    return mask === null ? population : Array.from(population, mask.subject)
  }
}
