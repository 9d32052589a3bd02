import type { Artifact, Json, Severity } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import { exceptionText } from './exception-row.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import type { JudgedResult } from './results-artifact.ts'
import { actionsOf } from './source-section.ts'
import { uuid5 } from './uuid5.ts'

const severityIds: { readonly [severity in Severity]: number } = { low: 2, medium: 3, high: 4, critical: 5 }
const statusIds = { unknown: [0, 'Unknown'], pass: [1, 'Pass'], fail: [3, 'Fail'] } as const

/**
 * Results as OCSF compliance findings (class 2003, version 1.8.0), one JSON document a line. Unknown has its own status. What a control does
 * not apply to is no finding and stands in results.jsonl only. A finding's uid stays the same from evaluation to evaluation.
 * @param results every result of the evaluation, pulled each time the artifact is read; those of other frameworks' controls are left out
 * @see https://schema.ocsf.io/1.8.0/classes/compliance_finding
 */
export function ocsfArtifact(view: FrameworkReportView, results: () => Iterable<JudgedResult>): Artifact {
  return {
    path: `reports/${pathPart(view.framework.id)}.ocsf.jsonl`,
    mediaType: 'application/x-ndjson; charset=utf-8',
    title: `OCSF compliance findings 1.8.0: ${view.framework.name}, as of ${view.asOf}`,
    async *read() {
      const eventOf = events(view)
      yield* linesOf(results(), eventOf)
    },
  }
}

/** JSON lines of what `lineOf` makes of each result; null leaves one out. */
export async function* linesOf(
  results: Iterable<JudgedResult>,
  lineOf: (result: JudgedResult) => Json,
): AsyncGenerator<Uint8Array> {
  let lines = ''
  for (const judged of results) {
    const made = lineOf(judged)
    if (made === null) continue
    lines += `${JSON.stringify(made)}\n`
    if (lines.length < 1 << 16) continue
    yield Buffer.from(lines)
    lines = ''
  }
  if (lines !== '') yield Buffer.from(lines)
}

/** Ids of the requirements that name a control, by control. */
export function requirementsByControl(view: FrameworkReportView): ReadonlyMap<string, readonly string[]> {
  const byControl = new Map<string, string[]>()
  for (const { id, controls } of view.requirements) {
    for (const control of controls) byControl.set(control.id, [...(byControl.get(control.id) ?? []), id])
  }
  return byControl
}

function events(view: FrameworkReportView): (judged: JudgedResult) => Json {
  const requirements = requirementsByControl(view)
  const sources = new Map(view.sources.map(source => [source.label, source]))
  const notes = new Map(view.exceptions.map(each => [each.id, each]))
  return ({ outcome, result }) => {
    const { control } = outcome
    const named = requirements.get(control.id)
    if (named === undefined || result.status === 'not_applicable') return null
    const [statusId, status] = statusIds[result.status]
    const source = sources.get(outcome.source)
    const { subject } = result
    const uid = uuid5(`ocsf ${outcome.source} ${control.id} ${subject.kind} ${subject.key}`)
    const actions = actionsOf(result.gaps)
    const excepted = (result.exceptions ?? []).flatMap(id => notes.get(id) ?? [])
    return {
      activity_id: 1,
      activity_name: 'Create',
      category_uid: 2,
      category_name: 'Findings',
      class_uid: 2003,
      class_name: 'Compliance Finding',
      type_uid: 200301,
      time: Date.parse(view.evaluatedAt),
      severity_id: result.status === 'pass' ? 1 : severityIds[control.severity],
      message: result.reason === '' ? control.title : result.reason,
      metadata: {
        version: '1.8.0',
        uid: uuid5(`ocsf event ${view.evaluation.digest} ${uid}`),
        product: { name: 'evidenced', vendor_name: 'evidenced', version: view.softwareVersion },
      },
      cloud: {
        provider: 'AWS',
        region: source?.identity.homeRegion ?? 'unknown',
        ...(source?.identity.instanceOwnerAccountId == null
          ? {}
          : { account: { uid: source.identity.instanceOwnerAccountId, type: 'AWS Account', type_id: 10 } }),
        ...(source?.identity.organizationId == null ? {} : { org: { uid: source.identity.organizationId } }),
      },
      finding_info: {
        uid,
        title: control.title,
        desc: control.rationale,
        types: ['Compliance'],
        analytic: { name: control.title, uid: control.id, version: control.version, type: 'Rule', type_id: 1 },
      },
      compliance: {
        control: control.id,
        standards: [`${view.framework.name} ${view.framework.version}`],
        requirements: [...named],
        status,
        status_id: statusId,
        ...(result.reason === ''
          ? {}
          : { status_details: [result.reason, ...actions.map(action => `grant ${action}`), ...excepted.map(exceptionText)] }),
      },
      remediation: { desc: control.remediation, references: [...control.references] },
      resources: [
        {
          uid: subject.key,
          name: subject.name === '' ? subject.key : subject.name,
          type: subject.type,
          cloud_partition: source?.identity.partition ?? 'unknown',
          region: source?.identity.homeRegion ?? 'unknown',
          data: result.facts,
        },
      ],
      unmapped: {
        evaluation_digest: view.evaluation.digest,
        definition_digest: control.digest,
        snapshot_digest: source?.snapshot.digest ?? null,
        ...(excepted.length === 0 ? {} : { exceptions: excepted.map(({ id }) => id) }),
      },
    }
  }
}
