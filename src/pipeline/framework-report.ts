import { type Catalog, frameworkCoverage } from '../controls/index.ts'
import { isComplete } from '../coverage.ts'
import { problemLine } from '../document.ts'
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
import { type Parts, PipelineError } from './parts.ts'

export function frameworkOf(catalog: Catalog, id: string): Framework {
  const framework = catalog.frameworks.find(each => each.id === id)
  if (framework !== undefined) return framework
  throw new PipelineError('UNKNOWN_FRAMEWORK', `there is no framework ${id}`, {
    hint: `known: ${catalog.frameworks.map(each => each.id).join(', ')}`,
  })
}

/** The framework's view of an evaluation: a function of the evaluation, the catalog and the call ledger alone. */
export async function viewOf(
  parts: Pick<Parts, 'store' | 'catalog'>,
  judged: Judged,
  framework: Framework,
): Promise<FrameworkReportView> {
  const calls = await Promise.all(judged.snapshots.map(snapshot => countCalls(snapshot.source, readCalls(parts.store, snapshot))))
  return frameworkReportView({
    framework,
    requirements: frameworkCoverage(parts.catalog, framework, judged.evaluation).requirements,
    evaluation: judged.evaluation,
    snapshots: judged.snapshots,
    calls: calls.flat(),
    softwareVersion,
    notInView: notInViewOf(judged.snapshots),
    brokenFiles: parts.catalog.problems.map(problemLine),
  })
}

/** The report of one framework on the last evaluation, as a file that is not written yet. */
export async function frameworkReport(
  parts: Pick<Parts, 'store' | 'catalog'>,
  framework: string,
  format: FrameworkFormat,
  asOf: Date | null,
): Promise<{ readonly artifact: Artifact; readonly complete: boolean }> {
  const found = frameworkOf(parts.catalog, framework)
  const judged = await readJudged(parts, asOf)
  const view = await viewOf(parts, judged, found)
  return {
    artifact: frameworkArtifact(format, view, judged.evaluation, populationsOf(judged)),
    complete: judged.snapshots.every(isComplete) && parts.catalog.problems.length === 0,
  }
}
