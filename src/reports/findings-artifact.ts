import type { Artifact, Finding } from '../model.ts'
import { type Cell, csvMediaType, csvOf } from './csv.ts'
import type { TableColumn } from './table-report.ts'
import type { Sheet } from './workbook.ts'

/** Columns of findings.csv and what they hold. */
const findingColumns: readonly { readonly name: string; readonly meaning: string }[] = [
  { name: 'finding', meaning: 'its number' },
  { name: 'state', meaning: 'open or resolved' },
  { name: 'status', meaning: 'what the evaluation made of it: fail, unknown, not_judged, pass, not_applicable, pass_or_gone' },
  { name: 'severity', meaning: 'critical, high, medium or low' },
  { name: 'control', meaning: 'id of the control' },
  { name: 'source', meaning: 'label of the source' },
  { name: 'kind', meaning: 'fail, or unknown: a cause that leaves subjects undecided' },
  { name: 'subjectType', meaning: 'what failed; cause for an unknown' },
  { name: 'subjectKey', meaning: "AWS's id or ARN of it; of a cause: dataset, reason and IAM action" },
  { name: 'subjectName', meaning: 'its name, for people' },
  { name: 'reason', meaning: 'what was found when it was opened' },
  { name: 'subjects', meaning: 'subjects that a cause leaves undecided; 1 for a fail' },
  { name: 'exceptions', meaning: 'ids of the approved exceptions beside it, separated by spaces' },
  { name: 'episode', meaning: '1, and one more each time it was opened again' },
  { name: 'openedAfter', meaning: 'it was not so then; empty: nobody knows since when' },
  { name: 'openedBy', meaning: 'it was so then' },
  { name: 'resolvedAfter', meaning: 'it was still so then' },
  { name: 'resolvedBy', meaning: 'it was mended then' },
  { name: 'raisedBecause', meaning: 'opened, reopened or exception_ended: from when its days count' },
  { name: 'dueAt', meaning: 'until when it is to be mended; empty once resolved, and while excepted' },
  { name: 'owner', meaning: 'whose it is' },
  { name: 'ticket', meaning: 'where it is worked on' },
]

/** One finding as a row of findings.csv, of the sheet and of the report of the same name. */
export function findingCells(finding: Finding): readonly Cell[] {
  const time = (at: Date | null) => at?.toISOString() ?? null
  const { openedAfter, openedBy, resolvedAfter, resolvedBy, raisedBecause, dueAt } = finding
  return [
    ...[`F-${finding.id}`, finding.state, finding.status, finding.severity, finding.control, finding.source, finding.kind],
    ...[finding.subjectType, finding.subjectKey, finding.name, finding.reason, finding.subjects],
    ...[finding.exceptions.join(' '), finding.episode, time(openedAfter), time(openedBy), time(resolvedAfter)],
    ...[time(resolvedBy), raisedBecause, time(dueAt), finding.owner, finding.ticket],
  ]
}

/** Every finding as it stood, as a file of a bundle. */
export function findingsArtifact(findings: readonly Finding[]): Artifact {
  return {
    path: 'findings.csv',
    mediaType: csvMediaType,
    title: 'Every finding, open and resolved, as it stood with the evaluation',
    read: () =>
      csvOf(
        findingColumns.map(({ name }) => name),
        findings.map(findingCells),
      ),
  }
}

const times = new Set(['openedAfter', 'openedBy', 'resolvedAfter', 'resolvedBy', 'dueAt'])
const wide = new Set(['subjectKey', 'subjectName', 'reason'])
const notPrinted = new Set([
  ...['kind', 'subjectType', 'subjectKey', 'subjects', 'episode', 'openedAfter', 'resolvedAfter', 'raisedBecause'],
])

/** The columns of findings.csv, typed for a sheet and chosen for paper. */
export const findingTableColumns: readonly TableColumn[] = findingColumns.map(({ name }) => ({
  name,
  ...(times.has(name) ? { type: 'time' as const } : {}),
  ...(wide.has(name) ? { width: 50 } : {}),
  ...(notPrinted.has(name) ? { isPrinted: false } : {}),
}))

/** What findings.csv holds, as a sheet of the workbook. */
export function findingSheet(findings: readonly Finding[]): Sheet {
  return { name: 'Findings', columns: findingTableColumns, rows: () => findings.map(findingCells) }
}
