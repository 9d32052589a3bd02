import { canonicalJson, compareBytes } from '../digest.ts'
import type { Artifact, ControlOutcome, Evaluation, Json, Result, Status, Subject } from '../model.ts'
import { type Cell, csvMediaType, csvOf } from './csv.ts'
import { ReportsError } from './reports-error.ts'
import { actionsOf } from './source-section.ts'
import { checkOutcome } from './standing.ts'

/** Columns of results.csv and what they hold. */
export const resultColumns: readonly { readonly name: string; readonly meaning: string }[] = [
  { name: 'control', meaning: 'id of the control' },
  { name: 'controlVersion', meaning: 'version of its definition' },
  { name: 'severity', meaning: 'critical, high, medium or low' },
  { name: 'source', meaning: 'label of the source' },
  { name: 'subjectType', meaning: 'what was judged: user, group, …; "dataset" when the population itself could not be listed' },
  { name: 'subjectKey', meaning: "AWS's id or ARN of it" },
  { name: 'subjectName', meaning: 'its name, for people' },
  { name: 'status', meaning: 'pass, fail, unknown or not_applicable' },
  { name: 'reason', meaning: 'what was found; for unknown, what could not be read' },
  { name: 'missingActions', meaning: 'IAM actions to grant, separated by spaces' },
  { name: 'exceptions', meaning: 'ids of the approved exceptions beside a fail, separated by spaces; they change no status' },
  { name: 'definitionDigest', meaning: 'digest of the control as it was judged with' },
  { name: 'parametersDigest', meaning: 'digest of the parameters it was judged with' },
  { name: 'catalogDigest', meaning: 'digest of the whole catalog' },
  { name: 'facts', meaning: 'the facts the result rests on, as JSON' },
]

/**
 * Every result of an evaluation, passes included, sorted by control, source and subject key.
 * @param populationOf every resource a control ranges over on a source, in any order: the evaluation keeps only those whose status is not
 * the implied one, and here all are named
 * @returns the artifact; reading it throws {ReportsError} TOTALS_DIFFER when the rows of a control are not as many, status by status, as the evaluation counts
 */
export function resultsArtifact(evaluation: Evaluation, populationOf: (outcome: ControlOutcome) => Iterable<Subject>): Artifact {
  return {
    path: 'results.csv',
    mediaType: csvMediaType,
    title: 'Every result of every control, passes included',
    read: () =>
      csvOf(
        resultColumns.map(({ name }) => name),
        resultRows(evaluation, populationOf),
      ),
  }
}

/** A result with what it was judged by. */
export interface JudgedResult {
  readonly outcome: ControlOutcome
  readonly result: Result
}

/** Rows of results.csv: see `resultsArtifact`. @throws {ReportsError} TOTALS_DIFFER */
export function* resultRows(
  evaluation: Evaluation,
  populationOf: (outcome: ControlOutcome) => Iterable<Subject>,
): Generator<readonly Cell[]> {
  for (const { outcome, result } of judgedResults(evaluation, populationOf))
    yield rowOf(outcome, result, evaluation.catalogDigest)
}

/**
 * Every result of an evaluation spelled out, those with the implied status too, sorted by control, source and subject key.
 * @throws {ReportsError} TOTALS_DIFFER after the last result of a control whose results are not as many, status by status, as counted
 */
export function* judgedResults(
  evaluation: Evaluation,
  populationOf: (outcome: ControlOutcome) => Iterable<Subject>,
): Generator<JudgedResult> {
  const outcomes = [...evaluation.outcomes].sort(
    (a, b) => compareBytes(a.control.id, b.control.id) || compareBytes(a.source, b.source),
  )
  for (const outcome of outcomes) {
    checkOutcome(outcome)
    const counted = { pass: 0, fail: 0, unknown: 0, not_applicable: 0 }
    for (const result of allResults(outcome, populationOf(outcome))) {
      counted[result.status]++
      yield { outcome, result }
    }
    compareCounts(outcome, counted)
  }
}

/**
 * Every result as JSON lines, canonical JSON each, sorted like results.csv: what `reperform` compares with, gaps and facts included.
 * @returns the artifact; reading it throws like `resultsArtifact`
 */
export function resultLinesArtifact(
  evaluation: Evaluation,
  populationOf: (outcome: ControlOutcome) => Iterable<Subject>,
): Artifact {
  return {
    path: 'results.jsonl',
    mediaType: 'application/x-ndjson; charset=utf-8',
    title: 'Every result of every control, passes included, one JSON document a line',
    async *read() {
      let lines = ''
      for (const { outcome, result } of judgedResults(evaluation, populationOf)) {
        lines += `${resultLine({ outcome, result })}\n`
        if (lines.length < 1 << 16) continue
        yield Buffer.from(lines)
        lines = ''
      }
      if (lines !== '') yield Buffer.from(lines)
    },
  }
}

/** Results about datasets first, then the whole population by key. */
function allResults(outcome: ControlOutcome, population: Iterable<Subject>): Result[] {
  const kept = new Map(
    outcome.results.filter(({ subject }) => subject.kind === 'resource').map(result => [result.subject.key, result]),
  )
  const all = outcome.results.filter(({ subject }) => subject.kind === 'dataset')
  for (const subject of population) {
    all.push(kept.get(subject.key) ?? { subject, status: outcome.implied, reason: '', facts: {}, gaps: [] })
    kept.delete(subject.key)
  }
  all.push(...kept.values())
  return all.sort((a, b) => compareBytes(a.subject.kind, b.subject.kind) || compareBytes(a.subject.key, b.subject.key))
}

/** One result as results.jsonl holds it: canonical JSON. */
export function resultLine({ outcome: { control, source, parametersDigest }, result }: JudgedResult): string {
  const judgedBy = {
    ...{ control: control.id, controlVersion: control.version, definitionDigest: control.digest, parametersDigest, source },
  }
  return canonicalJson({ ...judgedBy, ...result } as unknown as Json)
}

function rowOf(
  { control, source, parametersDigest }: ControlOutcome,
  { subject, status, reason, facts, gaps, exceptions = [] }: Result,
  catalogDigest: string,
): readonly Cell[] {
  const about = [control.id, control.version, control.severity, source, subject.type, subject.key, subject.name]
  return [
    ...[...about, status, reason, actionsOf(gaps).join(' ')],
    ...[exceptions.join(' '), control.digest, parametersDigest, catalogDigest, canonicalJson(facts)],
  ]
}

function compareCounts(outcome: ControlOutcome, counted: { readonly [status in Status]: number }): void {
  const { control, source, pass, fail, unknown, notApplicable } = outcome
  const expected = { pass, fail, unknown, not_applicable: notApplicable }
  for (const status of ['pass', 'fail', 'unknown', 'not_applicable'] as const) {
    if (counted[status] === expected[status]) continue
    const found = `control ${control.id} on ${source}: the evaluation counts ${expected[status]} ${status}, its population gives ${counted[status]}`
    throw new ReportsError('TOTALS_DIFFER', found, { hint: 'give the population of the same snapshots and the same parameters' })
  }
}
