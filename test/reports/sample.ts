import { canonicalJson, digestOf, factsDigest, sha256 } from '../../src/digest.ts'
import type {
  ControlInfo,
  ControlOutcome,
  DatasetSummary,
  Facts,
  Framework,
  Gap,
  Place,
  Result,
  SavedEvaluation,
  Severity,
  Snapshot,
  Status,
  StoredResource,
  Subject,
} from '../../src/model.ts'
import type { FrameworkReportInput, HomeInput, OperationCalls, RequirementOutcome } from '../../src/reports/index.ts'

/** An organization as a report meets it: one permission set's inline policy was refused, some controls fail. */

export const place: Place = { accountId: '111122223333', region: 'eu-west-1' }
const global: Place = { accountId: '111122223333', region: 'us-east-1' }
const instanceArn = 'arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6'
export const setArn = (n: number) => `arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-${String(n).padStart(16, '0')}`
const at = (minutes: number) => new Date(Date.UTC(2026, 5, 30, 0, minutes))

export const refusedGap: Gap = {
  dataset: 'sso.inline_policies',
  place,
  parent: setArn(3),
  key: null,
  member: null,
  reason: 'access_denied',
  action: 'sso:GetInlinePolicyForPermissionSet',
  errorCode: 'AccessDeniedException',
  message: `the inline policy of ${setArn(3)} was asked for, AWS refused; grant sso:GetInlinePolicyForPermissionSet to the reading role`,
}

const withheldGap: Gap = {
  dataset: 'identitystore.users',
  place,
  parent: '',
  key: null,
  member: 'PhoneNumbers',
  reason: 'withheld',
  action: null,
  errorCode: null,
  message: 'telephone numbers are not collected unless includePersonalData is true',
}

const sizes: readonly [string, number, number][] = [
  ['identitystore.group_memberships', 2210, 64],
  ['identitystore.groups', 64, 1],
  ['identitystore.users', 512, 1],
  ['organizations.accounts', 48, 1],
  ['organizations.organizational_units', 12, 13],
  ['organizations.organizations', 1, 1],
  ['organizations.roots', 1, 1],
  ['sso.account_assignments', 624, 301],
  ['sso.application_assignments', 31, 7],
  ['sso.applications', 7, 1],
  ['sso.customer_managed_policy_references', 4, 25],
  ['sso.inline_policies', 9, 25],
  ['sso.instance_details', 1, 1],
  ['sso.instances', 1, 1],
  ['sso.managed_policies', 31, 25],
  ['sso.permission_set_arns', 25, 1],
  ['sso.permission_sets', 25, 25],
  ['sso.permissions_boundaries', 2, 25],
  ['sso.provisioned_accounts', 301, 25],
]

function datasets(isComplete: boolean): DatasetSummary[] {
  return sizes.map(([name, count, parts], index) => {
    const isRefused = !isComplete && name === 'sso.inline_policies'
    return {
      name,
      place: name.startsWith('organizations.') ? global : place,
      coverage: isRefused ? 'incomplete' : 'complete',
      count: isRefused ? count - 1 : count,
      digest: sha256(name),
      parts,
      openParts: isRefused ? 1 : 0,
      pages: parts + Math.floor(count / 100),
      calls: parts + Math.floor(count / 100),
      duplicates: name === 'sso.managed_policies' ? 1 : 0,
      firstObservedAt: at(index),
      lastObservedAt: at(index + 1),
      reason: isRefused ? '1 of 25 parts was refused (AccessDeniedException)' : null,
    }
  })
}

export function sampleSnapshot(options: { isComplete?: boolean; source?: string } = {}): Snapshot {
  const isComplete = options.isComplete ?? false
  const summaries = datasets(isComplete)
  return {
    source: options.source ?? 'acme',
    version: 7,
    runId: '0197a3f0-7e11-7c52-9d5f-5f0c7a1e2b44',
    identity: {
      partition: 'aws',
      organizationId: 'o-a1b2c3d4e5',
      managementAccountId: '111122223333',
      instanceArn,
      identityStoreId: 'd-9067012345',
      instanceOwnerAccountId: '111122223333',
      homeRegion: 'eu-west-1',
    },
    callers: [
      {
        place,
        arn: 'arn:aws:sts::111122223333:assumed-role/EvidencedReader/evidence-0197a3f0',
        userId: 'AROAEXAMPLEID:evidence-0197a3f0',
      },
    ],
    startedAt: at(0),
    sealedAt: at(21),
    previousDigest: sha256('previous'),
    digest: sha256(`snapshot ${options.source ?? 'acme'} ${isComplete}`),
    datasets: summaries,
    gaps: isComplete ? [withheldGap] : [refusedGap, withheldGap],
    plannedCalls: 571,
    calls: summaries.reduce((sum, { calls }) => sum + calls, 0),
    throttles: 3,
    callLedgerRoot: sha256('ledger'),
    softwareVersion: '0.1.0',
  }
}

export function sampleCalls(snapshot: Snapshot): OperationCalls[] {
  return snapshot.datasets.map(({ name, place: { accountId, region }, calls, count }) => ({
    source: snapshot.source,
    service: name.split('.')[0]!,
    operation: `List_${name.split('.')[1]!}`,
    accountId,
    region,
    calls,
    items: count,
    attempts: calls,
    throttles: 0,
    errors: name === 'sso.inline_policies' ? { AccessDeniedException: 1 } : {},
    firstAt: snapshot.startedAt.toISOString(),
    lastAt: snapshot.sealedAt.toISOString(),
  }))
}

const controlTable: readonly [string, string, Severity, string, number, number, number, number][] = [
  // id, title, severity, resource, population, fail, unknown, not applicable
  ['IDC-ASG-001', 'Access is assigned to groups and not to single users', 'medium', 'assignment', 655, 17, 0, 0],
  ['IDC-ASG-002', 'Admin access to the management account is minimal and approved', 'critical', 'account', 1, 1, 0, 0],
  ['IDC-ASG-004', 'No assignment points to a principal that no longer exists', 'medium', 'assignment', 624, 0, 0, 0],
  ['IDC-ASG-005', 'No assignment stands on a suspended account', 'low', 'account', 48, 0, 0, 46],
  ['IDC-GRP-001', 'No empty or unused group', 'low', 'group', 64, 5, 0, 3],
  ['IDC-PS-001', 'AdministratorAccess is used only by approved permission sets', 'critical', 'permissionSet', 25, 2, 0, 0],
  [
    'IDC-PS-002',
    'No inline or customer managed policy allows every action on every resource',
    'critical',
    'permissionSet',
    25,
    0,
    5,
    16,
  ],
  ['IDC-PS-005', 'Session duration is within the limit', 'medium', 'permissionSet', 25, 0, 1, 0],
  ['IDC-USER-001', 'No user without an access path', 'low', 'user', 512, 23, 0, 14],
  ['IDC-USER-003', 'Disabled users hold no assignments or memberships', 'medium', 'user', 512, 0, 0, 489],
]

export function sampleControl(id: string, title: string, severity: Severity, resource: string): ControlInfo {
  return {
    id,
    version: '1.0.0',
    title,
    severity,
    resource,
    datasets: ['identitystore.users', 'identitystore.group_memberships', 'sso.account_assignments'],
    rationale: 'An identity that opens nothing is left over from a past need and can be given rights unnoticed.',
    remediation: 'aws identitystore delete-user --identity-store-id <store-id> --user-id <user-id>',
    references: ['https://docs.aws.amazon.com/singlesignon/latest/userguide/users-groups-provisioning.html'],
    appliesTo: `${resource}.UserStatus == 'ENABLED' && olderThanDays(${resource}.CreatedAt, parameters.graceDays)`,
    requirement: `${resource}.groups.size() > 0 || ${resource}.assignments.size() > 0`,
    parameters: { graceDays: 14, exemptUsers: ['svc-backup'] },
    digest: sha256(id),
  }
}

export function subjectOf(type: string, n: number): Subject {
  const key = `9067012345-${sha256(`${type} ${n}`).slice(0, 8)}-aaaa-bbbb-cccc-${String(n).padStart(12, '0')}`
  return { kind: 'resource', source: 'acme', type, key, name: `${type}.${n}@acme.example` }
}

export function resultOf(subject: Subject, status: Status): Result {
  if (status === 'unknown') {
    const reason = 'cannot be judged: sso:GetInlinePolicyForPermissionSet was refused'
    return { subject, status, reason, facts: {}, gaps: [refusedGap] }
  }
  const facts: Facts = { UserName: subject.name, UserStatus: 'ENABLED', CreatedAt: '2025-11-03T09:12:44Z' }
  return { subject, status, reason: 'is enabled for 239 days and is in no group and has no assignment', facts, gaps: [] }
}

export function outcomeOf(
  control: ControlInfo,
  population: number,
  fail: number,
  unknown: number,
  notApplicable: number,
): ControlOutcome {
  const subjects = Array.from({ length: fail + unknown + notApplicable }, (_, n) => subjectOf(control.resource, n))
  const statusOf = (n: number): Status => (n < fail ? 'fail' : n < fail + unknown ? 'unknown' : 'not_applicable')
  return {
    control,
    source: 'acme',
    parametersDigest: digestOf(control.parameters as Facts),
    population,
    populationIsLowerBound: false,
    pass: population - fail - unknown - notApplicable,
    fail,
    unknown,
    notApplicable,
    excepted: fail > 10 ? 2 : 0,
    populationDigest: sha256(`population of ${control.id}`),
    implied: 'pass',
    results: subjects.map((subject, n) => resultOf(subject, statusOf(n))),
    error: null,
  }
}

export function sampleEvaluation(snapshot: Snapshot, outcomes?: readonly ControlOutcome[]): SavedEvaluation {
  return {
    id: 12,
    asOf: snapshot.sealedAt,
    evaluatedAt: at(22),
    digest: sha256('evaluation'),
    catalogDigest: sha256('catalog'),
    snapshots: [{ source: snapshot.source, version: snapshot.version, digest: snapshot.digest }],
    outcomes:
      outcomes ??
      controlTable.map(([id, title, severity, resource, ...counts]) =>
        outcomeOf(sampleControl(id, title, severity, resource), ...counts),
      ),
  }
}

export const framework: Framework = {
  id: 'soc2',
  name: 'SOC 2 Trust Services Criteria',
  version: '2017, points of focus 2022',
  publisher: 'AICPA',
  licence: 'Criteria are copyright AICPA.',
  source: 'https://www.aicpa-cima.com/resources/download/2017-trust-services-criteria-with-revised-points-of-focus-2022',
  requirements: [],
  digest: sha256('soc2'),
}

export const requirements: readonly RequirementOutcome[] = [
  { id: 'CC1.3', label: 'Structures, reporting lines and authorities', status: 'uncovered', controls: [] },
  {
    id: 'CC6.1',
    label: 'Logical access security architecture',
    status: 'fail',
    controls: [
      { id: 'IDC-PS-001', basis: 'public' },
      { id: 'IDC-PS-005', basis: 'judgement' },
    ],
  },
  {
    id: 'CC6.2',
    label: 'Registration, authorisation and removal of users',
    status: 'fail',
    controls: [
      { id: 'IDC-USER-001', basis: 'public' },
      { id: 'IDC-USER-003', basis: 'public' },
      { id: 'IDC-ASG-004', basis: 'judgement' },
      { id: 'IDC-ASG-005', basis: 'judgement' },
    ],
  },
  {
    id: 'CC6.3',
    label: 'Role-based access, least privilege, segregation of duties',
    status: 'fail',
    controls: [
      { id: 'IDC-ASG-001', basis: 'public' },
      { id: 'IDC-ASG-002', basis: 'public' },
      { id: 'IDC-GRP-001', basis: 'judgement' },
      { id: 'IDC-PS-002', basis: 'public' },
    ],
  },
  {
    id: 'CC6.6',
    label: 'Protection against threats from outside the boundary',
    status: 'unknown',
    controls: [{ id: 'IDC-PS-002', basis: 'judgement' }],
  },
  { id: 'CC9.2', label: 'Vendor and business partner risk', status: 'unknown', controls: [{ id: 'HR-005', basis: 'judgement' }] },
]

export const notInView: readonly string[] = [
  'Whether Identity Center demands MFA: AWS has no public API that reads this setting.',
  'When a user last signed in: neither Identity Center nor the identity store says so.',
  'Account access manager entitlements: not collected by this version.',
  'IAM users, roles and keys inside member accounts: not collected in this configuration.',
]

export function sampleInput(changes: Partial<FrameworkReportInput> = {}): FrameworkReportInput {
  const snapshot = changes.snapshots?.[0] ?? sampleSnapshot()
  return {
    framework,
    requirements,
    evaluation: sampleEvaluation(snapshot),
    snapshots: [snapshot],
    calls: sampleCalls(snapshot),
    softwareVersion: '0.1.0',
    notInView,
    ...changes,
  }
}

export function sampleHome(changes: Partial<HomeInput> = {}): HomeInput {
  const snapshot = sampleSnapshot()
  const evaluation = sampleEvaluation(snapshot)
  return {
    softwareVersion: '0.1.0',
    now: new Date('2026-06-30T06:25:00Z'),
    sources: [{ label: 'acme', snapshot, lastRun: null }],
    evaluation,
    reports: [
      { title: 'SOC 2, HTML', href: '/reports/soc2.html' },
      { title: 'ISO/IEC 27001:2022, HTML', href: '/reports/iso27001.html' },
    ],
    bundles: [
      {
        href: '/bundles/0197a3f5',
        record: {
          id: '0197a3f5-1c2d-7e3f-8a4b-5c6d7e8f9a0b',
          issuedAt: at(25),
          asOf: snapshot.sealedAt,
          framework: 'soc2',
          path: '/var/lib/evidenced/bundles/soc2.zip',
          sizeBytes: 4_812_334,
          manifestDigest: sha256('manifest'),
          keyFingerprint: sha256('key'),
          ledgerPosition: 31,
          complete: false,
        },
      },
    ],
    keyFingerprint: sha256('key'),
    ...changes,
  }
}

/** A resource as the store gives it back, with a digest that can be recomputed. */
export function resource(dataset: string, key: string, facts: Facts, parent = ''): StoredResource {
  const salt = sha256(key).slice(0, 32)
  return {
    dataset,
    place,
    parent,
    key,
    facts,
    salt,
    digest: factsDigest(canonicalJson(facts), salt),
    firstSeenAt: at(21),
    seenFromTheStart: false,
    earlier: [],
    since: at(21),
  }
}
