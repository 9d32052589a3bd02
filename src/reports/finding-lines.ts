import type { Artifact, Json } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import type { ExceptionRow } from './exception-row.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import type { JudgedResult } from './results-artifact.ts'
import { actionsOf, type SourceSection } from './source-section.ts'

/** A result that is a finding in somebody else's format, with what stands around it. */
export interface NamedResult extends JudgedResult {
  /** ids of the requirements that name its control */
  readonly requirements: readonly string[]
  /** undefined: the view has no such source */
  readonly source: SourceSection | undefined
  /** IAM actions to grant, of one that is unknown */
  readonly actions: readonly string[]
  /** exceptions beside it */
  readonly excepted: readonly ExceptionRow[]
}

/**
 * Results as one JSON document a line in a format of others. Those of controls that the framework does not name, and of what a control does
 * not apply to, are no findings: they stand in results.jsonl only.
 * @param format ending of the file's name before `.jsonl`
 * @param lineOf one finding; null leaves it out
 */
export function findingLines(
  view: FrameworkReportView,
  format: { readonly ending: string; readonly title: string },
  results: () => Iterable<JudgedResult>,
  lineOf: (named: NamedResult) => Json,
): Artifact {
  return {
    path: `reports/${pathPart(view.framework.id)}.${format.ending}.jsonl`,
    mediaType: 'application/x-ndjson; charset=utf-8',
    title: `${format.title}: ${view.framework.name}, as of ${view.asOf}`,
    async *read() {
      let lines = ''
      for (const named of namedResults(view, results())) {
        const made = lineOf(named)
        if (made === null) continue
        lines += `${JSON.stringify(made)}\n`
        if (lines.length < 1 << 16) continue
        yield Buffer.from(lines)
        lines = ''
      }
      if (lines !== '') yield Buffer.from(lines)
    },
  }
}

function* namedResults(view: FrameworkReportView, results: Iterable<JudgedResult>): Generator<NamedResult> {
  const byControl = new Map<string, string[]>()
  for (const { id, controls } of view.requirements) {
    for (const control of controls) byControl.set(control.id, [...(byControl.get(control.id) ?? []), id])
  }
  const sources = new Map(view.sources.map(source => [source.label, source]))
  const notes = new Map(view.exceptions.map(each => [each.id, each]))
  for (const judged of results) {
    const { outcome, result } = judged
    const requirements = byControl.get(outcome.control.id)
    if (requirements === undefined || result.status === 'not_applicable') continue
    yield {
      ...judged,
      requirements,
      source: sources.get(outcome.source),
      actions: actionsOf(result.gaps),
      excepted: (result.exceptions ?? []).flatMap(id => notes.get(id) ?? []),
    }
  }
}
