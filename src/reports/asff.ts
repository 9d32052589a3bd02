import type { Artifact, Json } from '../model.ts'
import { exceptionText } from './exception-row.ts'
import { findingLines, type NamedResult } from './finding-lines.ts'
import type { FrameworkReportView } from './framework-report-view.ts'
import type { JudgedResult } from './results-artifact.ts'
import { uuid5 } from './uuid5.ts'

const statuses = { pass: 'PASSED', fail: 'FAILED', unknown: 'NOT_AVAILABLE' } as const

/**
 * Results in AWS's finding format, one finding a line, for `aws securityhub batch-import-findings` by whoever may write there: this program may
 * only read. Unknown is NOT_AVAILABLE. What a control does not apply to is no finding. Texts are cut to the lengths that AWS takes.
 * @see https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
 */
export function asffArtifact(view: FrameworkReportView, results: () => Iterable<JudgedResult>): Artifact {
  return findingLines(view, { ending: 'asff', title: 'AWS Security Finding Format' }, results, named => finding(view, named))
}

function finding(view: FrameworkReportView, { outcome, result, requirements, source, actions, excepted }: NamedResult): Json {
  const identity = source?.identity
  if (identity === undefined) return null
  const { control } = outcome
  const account = identity.instanceOwnerAccountId ?? identity.managementAccountId
  const owner = account ?? '000000000000'
  const { subject } = result
  return {
    SchemaVersion: '2018-10-08',
    Id: uuid5(`asff ${outcome.source} ${control.id} ${subject.kind} ${subject.key}`),
    ProductArn: `arn:${identity.partition}:securityhub:${identity.homeRegion}:${owner}:product/${owner}/default`,
    ProductName: 'evidenced',
    GeneratorId: cut(`${control.id}/${control.version}`, 512),
    AwsAccountId: owner,
    Region: identity.homeRegion,
    Types: ['Software and Configuration Checks/Industry and Regulatory Standards'],
    CreatedAt: view.asOf,
    UpdatedAt: view.evaluatedAt,
    Severity: { Label: result.status === 'pass' ? 'INFORMATIONAL' : control.severity.toUpperCase() },
    Title: cut(`${control.id} ${control.title}`, 256),
    Description: cut(result.reason === '' ? control.rationale : result.reason, 1024),
    Remediation: { Recommendation: { Text: cut(control.remediation, 512) } },
    ProductFields: {
      evaluationDigest: view.evaluation.digest,
      definitionDigest: control.digest,
      ...exceptionField(result.exceptions),
    },
    Resources: [
      {
        Type: 'Other',
        Id: cut(subject.key, 512),
        Partition: identity.partition,
        Region: identity.homeRegion,
        Details: { Other: { type: subject.type, name: cut(subject.name, 1024) } },
      },
    ],
    Compliance: {
      Status: statuses[result.status as keyof typeof statuses],
      RelatedRequirements: requirements.slice(0, 32).map(id => cut(`${view.framework.name} ${id}`, 64)),
      ...(result.status === 'unknown'
        ? {
            StatusReasons: [
              {
                ReasonCode: 'EVIDENCED_NOT_READ',
                Description: cut(actions.length === 0 ? result.reason : `grant ${actions.join(', ')}`, 2048),
              },
            ],
          }
        : {}),
    },
    ...(excepted.length === 0 ? {} : { Note: noteOf(excepted.map(exceptionText), excepted[0]?.approvedBy, view.asOf) }),
    Workflow: { Status: result.status === 'pass' ? 'RESOLVED' : 'NEW' },
    RecordState: 'ACTIVE',
  }
}

/** The finding stays FAILED and NEW: whether it is suppressed is for whoever works in Security Hub to say. */
function noteOf(texts: readonly string[], by: string | null | undefined, at: string): Json {
  return { Text: cut(texts.join(' '), 512), UpdatedBy: cut(by ?? 'evidenced', 512), UpdatedAt: at }
}

function exceptionField(ids: readonly string[] = []): { readonly exceptions?: string } {
  return ids.length === 0 ? {} : { exceptions: cut(ids.join(' '), 2048) }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text || '-' : `${text.slice(0, length - 1)}…`
}
