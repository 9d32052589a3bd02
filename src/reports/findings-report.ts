import type { Finding, SavedEvaluation, Snapshot } from '../model.ts'
import { aboutSnapshot } from './about-snapshot.ts'
import { findingCells, findingTableColumns } from './findings-artifact.ts'
import { notInViewOf } from './not-in-view.ts'
import type { TableReport } from './table-report.ts'

/**
 * What findings.csv of a bundle holds, as a report of its own: every finding, open and resolved, as it stood with the evaluation. No finding
 * is left out of it; it is incomplete where the evaluation could not read or judge everything.
 * @param made.snapshots those that the evaluation rests on, in its order
 * @param made.mistakes what keeps controls from deciding anything, one line each; left out: nothing
 */
export function findingsReport(made: {
  readonly evaluation: SavedEvaluation
  readonly findings: readonly Finding[]
  readonly snapshots: readonly Snapshot[]
  readonly isComplete: boolean
  readonly mistakes?: readonly string[]
  readonly softwareVersion: string
}): TableReport {
  const { evaluation, findings, snapshots, isComplete, mistakes = [], softwareVersion } = made
  const abouts = snapshots.map(snapshot => aboutSnapshot(snapshot, softwareVersion))
  const open = findings.filter(({ state }) => state === 'open')
  const about = 'Every finding, open and resolved, as it stood with the evaluation'
  return {
    path: 'findings',
    title: `Findings: ${snapshots.map(({ source }) => source).join(', ')}`,
    asOf: evaluation.asOf.toISOString(),
    isComplete,
    cover: [
      ['Evaluation', `number ${evaluation.id} of ${evaluation.evaluatedAt.toISOString()}, SHA-256 ${evaluation.digest}`],
      ['Control catalog', evaluation.catalogDigest],
      ...mistakes.map((line): [string, string] => ['MISTAKE', `in the control catalog; this decided nothing: ${line}`]),
      ['Open', open.length],
      ['Of these beside an approved exception', open.filter(({ exceptions }) => exceptions.length > 0).length],
      ['Resolved', findings.length - open.length],
      ['Owner and ticket', 'as said by the time of the evaluation; what was said later stands in `evidenced findings`'],
      ...abouts.flatMap(({ cover }) => cover),
    ],
    footer: abouts.flatMap(({ footer }) => footer),
    tables: [
      {
        name: 'findings',
        about,
        columns: findingTableColumns,
        isComplete: true,
        count: findings.length,
        rows: () => findings.map(findingCells),
      },
    ],
    notInView: notInViewOf(snapshots),
    softwareVersion,
  }
}
