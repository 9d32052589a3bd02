import type { Artifact, Finding } from '../model.ts'
import { type Cell, csvMediaType, csvOf } from './csv.ts'

/** Columns of findings.csv and what they hold. */
export const findingColumns: readonly { readonly name: string; readonly meaning: string }[] = [
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
