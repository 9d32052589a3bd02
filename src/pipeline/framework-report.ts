import { classify, frameworkCoverage } from '../controls/index.ts'
import { isComplete } from '../coverage.ts'
import type { Artifact, Framework } from '../model.ts'
import {
  countCalls,
  type FrameworkFormat,
  type FrameworkReportView,
  frameworkArtifact,
  frameworkReportView,
  notInViewOf,
} from '../reports/index.ts'
import { readCalls } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { type Judged, populationsOf, readJudged } from './evaluation.ts'
import { entryOf, findingsWith } from './evaluation-entry.ts'
import { frameworkOf } from './framework.ts'
import { mistakesOf } from './mistakes.ts'
import type { Parts } from './parts.ts'
import { plainReading, type Reading } from './reading.ts'
import { type Proof, proofOf } from './table-reports.ts'

/** What stands beside each snapshot an evaluation rests on. */
export function proofsOf(reading: Reading, { snapshots, estate }: Judged): Promise<Proof[]> {
  const classes = [...classify(estate)]
  return Promise.all(snapshots.map(snapshot => proofOf(reading, snapshot, classes)))
}

/** The framework's view of an evaluation: a function of the evaluation, the catalog and the call ledger alone. */
export async function viewOf(
  parts: Pick<Parts, 'store' | 'catalog'>,
  judged: Judged,
  framework: Framework,
  proofs: readonly Proof[],
): Promise<FrameworkReportView> {
  const calls = await Promise.all(judged.snapshots.map(snapshot => countCalls(snapshot.source, readCalls(parts.store, snapshot))))
  return frameworkReportView({
    framework,
    requirements: frameworkCoverage(parts.catalog, framework, judged.evaluation).requirements,
    evaluation: judged.evaluation,
    snapshots: judged.snapshots,
    calls: calls.flat(),
    proofs: proofs.map(({ summary }) => summary),
    softwareVersion,
    notInView: notInViewOf(judged.snapshots),
    brokenFiles: mistakesOf(parts.catalog, judged.evaluation),
  })
}

/** The report of one framework on the last evaluation, as a file that is not written yet. */
export async function frameworkReport(
  parts: Pick<Parts, 'store' | 'catalog' | 'look'>,
  framework: string,
  format: FrameworkFormat,
  asOf: Date | null,
): Promise<{ readonly artifact: Artifact; readonly complete: boolean }> {
  const found = frameworkOf(parts.catalog, framework)
  const judged = await readJudged(parts, asOf)
  const view = await viewOf(parts, judged, found, await proofsOf(plainReading(parts.store), judged))
  const { evaluation } = judged
  const findings = format === 'xlsx' ? await findingsWith(parts.store, evaluation, await entryOf(parts.store, evaluation)) : null
  return {
    artifact: frameworkArtifact(format, view, evaluation, populationsOf(judged), parts.look, findings),
    complete: judged.snapshots.every(isComplete) && mistakesOf(parts.catalog, evaluation).length === 0,
  }
}
