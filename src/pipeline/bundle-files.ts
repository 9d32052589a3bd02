import { type Catalog, controlTexts } from '../controls/index.ts'
import { canonicalJson } from '../digest.ts'
import type { Artifact, ControlOutcome, Finding, Framework, Json, SavedEvaluation, Snapshot, Subject } from '../model.ts'
import {
  exceptionArtifacts,
  type FrameworkFormat,
  type FrameworkReportView,
  findingsArtifact,
  frameworkArtifact,
  historyArtifact,
  importArtifact,
  type Look,
  type Mask,
  type PeriodReportView,
  periodArtifacts,
  periodFormats,
  populationArtifacts,
  populationWorkbook,
  resultLinesArtifact,
  resultsArtifact,
  snapshotArtifact,
  tableArtifacts,
} from '../reports/index.ts'
import { readImports, readLedger, type Store } from '../store/index.ts'
import { type Judged, pastOf } from './evaluation.ts'
import type { Parts } from './parts.ts'
import type { Reading } from './reading.ts'
import type { Proof } from './table-reports.ts'

/** Every resource a control ranges over. */
type Populations = (outcome: ControlOutcome) => Iterable<Subject>

/** The framework's report in the chosen formats. */
export function reportFiles(made: {
  readonly view: FrameworkReportView
  readonly judged: Judged
  readonly populations: Populations
  readonly formats: readonly FrameworkFormat[]
  readonly look: Look | undefined
  /** null: the evaluation moved none */
  readonly findings: readonly Finding[] | null
}): readonly Artifact[] {
  const { view, judged, populations, formats, look, findings } = made
  return formats.map(format => frameworkArtifact(format, view, judged.evaluation, populations, look, findings))
}

/** The period's report in the chosen formats it has, and its tables as CSV always. */
export function periodFiles(view: PeriodReportView, formats: readonly FrameworkFormat[], look?: Look): readonly Artifact[] {
  return periodFormats
    .filter(format => format === 'csv' || formats.includes(format))
    .flatMap(format => periodArtifacts(view, format, look))
}

/** Every result, passes included, as a table and as JSON lines. */
export function resultFiles(evaluation: SavedEvaluation, populations: Populations): readonly Artifact[] {
  return [resultsArtifact(evaluation, populations), resultLinesArtifact(evaluation, populations)]
}

/** The register of exceptions and the findings, as they stood with the evaluation. @param findings null: it moved none */
export function registerFiles(evaluation: SavedEvaluation, findings: readonly Finding[] | null): readonly Artifact[] {
  return [
    ...(evaluation.exceptions === undefined ? [] : exceptionArtifacts(evaluation.exceptions)),
    ...(findings === null ? [] : [findingsArtifact(findings)]),
  ]
}

/** Effective access, tie-out and the call ledger of one snapshot as tables; the tie-out sheet as a workbook too. */
export function proofFiles({ reports }: Proof, formats: readonly FrameworkFormat[], look?: Look): readonly Artifact[] {
  const isSheet = (path: string) => formats.includes('xlsx') && path.startsWith('tie-out/')
  return reports.flatMap(report => [
    ...tableArtifacts(report, 'csv'),
    ...(isSheet(report.path) ? tableArtifacts(report, 'xlsx', look === undefined ? {} : { look }) : []),
  ])
}

/** What stands in a bundle of one snapshot: its populations, the snapshot itself, and every call. */
export function sourceFiles(
  reading: Reading,
  snapshot: Snapshot,
  formats: readonly FrameworkFormat[],
  look?: Look,
): readonly Artifact[] {
  const read = (dataset: string) => reading.resources(snapshot, dataset)
  return [
    ...populationArtifacts(snapshot, read),
    ...(formats.includes('xlsx') ? [populationWorkbook(snapshot, read, look)] : []),
    snapshotArtifact(snapshot, () => reading.resources(snapshot)),
    callsArtifact(reading, snapshot),
  ]
}

/** The ledger of every call, one canonical JSON line each: SHA-256 over the lines is the snapshot's `callLedgerRoot`. */
function callsArtifact({ calls }: Reading, snapshot: Snapshot): Artifact {
  return {
    path: `calls/${snapshot.source}-v${snapshot.version}.jsonl`,
    mediaType: 'application/x-ndjson; charset=utf-8',
    title: `Every call made for snapshot ${snapshot.version} of ${snapshot.source}`,
    async *read() {
      for await (const call of calls(snapshot))
        yield Buffer.from(`${canonicalJson({ ...call, at: call.at.toISOString(), place: { ...call.place } })}\n`)
    },
  }
}

/**
 * The controls as they were judged and the framework they are read by, and the file of each control. One whose file has been changed since
 * is left out: its definition stands in controls.json.
 */
export function controlFiles(catalog: Catalog, evaluation: SavedEvaluation, framework: Framework): readonly Artifact[] {
  return [controlsArtifact(evaluation, framework), ...textsOf(catalog, evaluation)]
}

function controlsArtifact(evaluation: SavedEvaluation, framework: Framework): Artifact {
  const controls = new Map(evaluation.outcomes.map(outcome => [outcome.control.id, outcome.control]))
  const judgedWith = evaluation.outcomes.map(({ control: { id, parameters, parametersByTag = [] }, source }) => ({
    ...{ control: id, source, parameters, parametersByTag },
  }))
  const text = `${JSON.stringify({ catalog: evaluation.catalogDigest, framework, controls: [...controls.values()], judgedWith } as unknown as Json, null, 2)}\n`
  return {
    path: 'controls.json',
    mediaType: 'application/json',
    title: 'The controls as evaluated, with their parameters, and the framework',
    async *read() {
      yield Buffer.from(text)
    },
  }
}

function textsOf(catalog: Catalog, evaluation: SavedEvaluation): readonly Artifact[] {
  const judged = new Map(evaluation.outcomes.map(({ control }) => [control.id, control.digest]))
  return controlTexts(catalog)
    .filter(({ id, digest }) => judged.get(id) === digest)
    .map(({ id, text }) => ({
      path: `controls/${id}.yaml`,
      mediaType: 'application/yaml',
      title: `Control ${id} as it was judged with, and its cases`,
      async *read() {
        yield Buffer.from(text)
      },
    }))
}

/** What stands in the ledger of keys by then: rotated, revoked. */
export async function keysFile(store: Store, ledgerPosition: number): Promise<Artifact> {
  const events: Json[] = []
  for await (const { position, at, kind, payload } of readLedger(store))
    if (kind === 'key' && position <= ledgerPosition) events.push({ position, at: at.toISOString(), ...payload })
  const text = `${JSON.stringify({ ledgerPosition, events }, null, 2)}\n`
  return {
    path: 'keys.json',
    mediaType: 'application/json',
    title:
      'Which keys were rotated and revoked up to this ledger position; what came later stands in the list the signer publishes',
    async *read() {
      yield Buffer.from(text)
    },
  }
}

/** Imports and history that were judged with. Imported rows name people whom no directory has to know, so pseudonyms leave them out. */
export async function surroundingFiles(
  parts: Pick<Parts, 'store' | 'catalog'>,
  { evaluation, snapshots }: Judged,
  mask: Mask | null,
): Promise<readonly Artifact[]> {
  const imports = mask === null ? await readImports(parts.store, evaluation.asOf) : []
  const histories = snapshots.map(snapshot => {
    const past = pastOf(parts, snapshot, evaluation.asOf)
    return historyArtifact(snapshot.source, async () => {
      const { history, ...kept } = await past()
      if (history === undefined || mask === null) return { ...kept, ...(history === undefined ? {} : { history }) }
      return { ...kept, history: { ...history, states: mask.rows(history.states) } }
    })
  })
  return [...imports.map(importArtifact), ...histories]
}
