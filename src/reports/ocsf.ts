import type { Artifact, Json, Severity } from '../model.ts'
import { exceptionText } from './exception-row.ts'
import { findingLines, type NamedResult } from './finding-lines.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import type { JudgedResult } from './results-artifact.ts'
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
  return findingLines(view, { ending: 'ocsf', title: 'OCSF compliance findings 1.8.0' }, results, named => event(view, named))
}

function event(view: FrameworkReportView, { outcome, result, requirements, source, actions, excepted }: NamedResult): Json {
  const { control } = outcome
  const { subject } = result
  const [statusId, status] = statusIds[result.status as keyof typeof statusIds]
  const uid = uuid5(`ocsf ${outcome.source} ${control.id} ${subject.kind} ${subject.key}`)
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
      requirements: [...requirements],
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
