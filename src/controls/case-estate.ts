import type {
  Coverage,
  DatasetSummary,
  Exception,
  Facts,
  Gap,
  GapReason,
  Json,
  Kept,
  Place,
  Snapshot,
  StoredResource,
} from '../model.ts'
import { historyOfCase } from './case-history.ts'
import type { CaseGap, CaseRow, ControlCase } from './control-file.ts'
import { collectedDatasets, datasets } from './datasets.ts'
import { isPerAccount } from './gap-index.ts'
import type { ManagedPolicies } from './managed-policies.ts'
import { Past } from './past.ts'
import { SourceEstate } from './source-estate.ts'

/** How the rows of a dataset are named: members that make the key and the parent, and members written only to say so. */
interface RowShape {
  readonly key: readonly string[]
  readonly parent: readonly string[]
  /** members that are no facts of AWS's: they only say which part the row belongs to */
  readonly only: readonly string[]
}

const set = ['PermissionSetArn']
const application = ['ApplicationArn']
const iamUser = ['UserArn']
const shapes: { readonly [dataset: string]: RowShape } = {
  'sso.instances': { key: ['InstanceArn'], parent: [], only: [] },
  'sso.instance_details': { key: ['InstanceArn'], parent: ['InstanceArn'], only: [] },
  'sso.permission_set_arns': { key: set, parent: [], only: [] },
  'sso.permission_sets': { key: set, parent: set, only: [] },
  'sso.inline_policies': { key: set, parent: set, only: set },
  'sso.managed_policies': { key: [...set, 'Arn'], parent: set, only: set },
  'sso.customer_managed_policy_references': { key: [...set, 'Name'], parent: set, only: set },
  'sso.permissions_boundaries': { key: set, parent: set, only: set },
  'sso.provisioned_accounts': { key: [...set, 'AccountId'], parent: set, only: set },
  'sso.account_assignments': {
    key: ['AccountId', 'PermissionSetArn', 'PrincipalType', 'PrincipalId'],
    parent: ['AccountId', 'PermissionSetArn'],
    only: [],
  },
  'sso.applications': { key: ['ApplicationArn'], parent: [], only: [] },
  'sso.application_assignments': {
    key: ['ApplicationArn', 'PrincipalType', 'PrincipalId'],
    parent: ['ApplicationArn'],
    only: [],
  },
  'identitystore.users': { key: ['UserId'], parent: [], only: [] },
  'identitystore.groups': { key: ['GroupId'], parent: [], only: [] },
  'identitystore.group_memberships': { key: ['GroupId', 'MemberId'], parent: ['GroupId'], only: [] },
  'organizations.organizations': { key: ['Id'], parent: [], only: [] },
  'organizations.roots': { key: ['Id'], parent: [], only: [] },
  'organizations.organizational_units': { key: ['Id'], parent: [], only: [] },
  'organizations.accounts': { key: ['Id'], parent: [], only: [] },
  'organizations.tags': { key: ['ResourceId', 'Key'], parent: ['ResourceId'], only: ['ResourceId'] },
  'organizations.policies': { key: ['Id'], parent: ['Type'], only: [] },
  'organizations.policy_documents': { key: ['Id'], parent: ['Id'], only: [] },
  'organizations.policy_targets': { key: ['PolicyId', 'TargetId'], parent: ['PolicyId'], only: ['PolicyId'] },
  'organizations.delegated_administrators': { key: ['Id'], parent: [], only: [] },
  'organizations.delegated_services': { key: ['AccountId', 'ServicePrincipal'], parent: ['AccountId'], only: ['AccountId'] },
  'organizations.service_access': { key: ['ServicePrincipal'], parent: [], only: [] },
  'organizations.resource_policies': { key: ['Id'], parent: [], only: [] },
  'sso.tags': { key: [...set, 'Key'], parent: set, only: set },
  'sso.outdated_provisioned_accounts': { key: [...set, 'AccountId'], parent: set, only: set },
  'sso.application_assignment_configurations': { key: application, parent: application, only: application },
  'sso.application_session_configurations': { key: application, parent: application, only: application },
  'sso.application_access_scopes': { key: [...application, 'Scope'], parent: application, only: application },
  'sso.application_authentication_methods': {
    key: [...application, 'AuthenticationMethodType'],
    parent: application,
    only: application,
  },
  'sso.application_grants': { key: [...application, 'GrantType'], parent: application, only: application },
  'sso.trusted_token_issuers': { key: ['TrustedTokenIssuerArn'], parent: [], only: [] },
  'sso.trusted_token_issuer_details': { key: ['TrustedTokenIssuerArn'], parent: ['TrustedTokenIssuerArn'], only: [] },
  'sso.access_control_attributes': { key: ['InstanceArn'], parent: ['InstanceArn'], only: ['InstanceArn'] },
  'import.roster': { key: ['personId'], parent: [], only: [] },
  'import.attestations': { key: ['subject'], parent: [], only: [] },
  'import.approvals': { key: ['ticket'], parent: [], only: [] },
  'import.reviews': { key: ['reviewer'], parent: [], only: [] },
  'history.snapshots': { key: ['version'], parent: [], only: [] },
  'ledger.exceptions': { key: ['id'], parent: [], only: [] },
  'ledger.snapshots': { key: ['version'], parent: [], only: [] },
  'ledger.verifications': { key: ['version'], parent: [], only: [] },
  'evidenced.cross_checks': { key: ['name'], parent: [], only: [] },
  'iam.users': { key: ['Arn'], parent: [], only: [] },
  'iam.user_details': { key: ['Arn'], parent: [], only: [] },
  'iam.group_details': { key: ['Arn'], parent: [], only: [] },
  'iam.role_details': { key: ['Arn'], parent: [], only: [] },
  'iam.managed_policies': { key: ['Arn'], parent: [], only: [] },
  'iam.roles': { key: ['Arn'], parent: [], only: [] },
  'iam.access_keys': { key: [...iamUser, 'AccessKeyId'], parent: iamUser, only: iamUser },
  'iam.access_keys_last_used': { key: [...iamUser, 'AccessKeyId'], parent: iamUser, only: iamUser },
  'iam.mfa_devices': { key: [...iamUser, 'SerialNumber'], parent: iamUser, only: iamUser },
  'iam.virtual_mfa_devices': { key: ['SerialNumber'], parent: [], only: [] },
  'iam.login_profiles': { key: iamUser, parent: iamUser, only: iamUser },
  'iam.credential_reports': { key: ['arn'], parent: [], only: [] },
  'iam.account_summaries': { key: ['AccountId'], parent: [], only: ['AccountId'] },
  'iam.password_policies': { key: ['AccountId'], parent: [], only: ['AccountId'] },
  'iam.organizations_features': { key: ['OrganizationId'], parent: [], only: [] },
  'iam.policy_documents': { key: ['Arn'], parent: ['Arn'], only: [] },
}

const importKinds = ['roster', 'attestations', 'approvals', 'reviews'] as const
const history = ['firstSeenAt', 'seenFromTheStart', 'since', 'earlier']
const place: Place = { accountId: '111111111111', region: 'eu-west-1' }

/**
 * The estate of a case. Every dataset is complete and empty unless the case says otherwise by rows, gaps or coverage; permission sets given
 * by their details are listed, and have no inline policy unless one is given; rows have been there since the first snapshot unless they say
 * otherwise.
 * @throws {Error} in words, when a row lacks what names it
 */
export function caseEstate(each: ControlCase, managed: ManagedPolicies): SourceEstate {
  const asOf = new Date(each.asOf)
  const gaps = each.gaps.map(gapOf)
  const rows = Object.entries(withImplied(each)).flatMap(([dataset, list]) => list.map(row => storedRow(dataset, row, asOf)))
  const imports = importKinds
    .filter(kind => each.estate[`import.${kind}`] !== undefined)
    .map(kind => ({
      kind,
      location: 'case',
      digest: '',
      importedAt: asOf,
      rows: rows.filter(row => row.dataset === `import.${kind}`).map(({ facts }) => facts),
    }))
  const past = each.earlier.length === 0 ? null : Past.of(...historyOfCase(each, rows, storedRow))
  const estate = new SourceEstate(
    { ...snapshotOf(each, rows, gaps, asOf), callers: each.callers.map(arn => ({ place, arn, userId: '' })) },
    managed,
    imports,
    { past, kept: keptOf(each), exceptions: exceptionsOf(each), asOf },
  )
  for (const row of rows) estate.add(row)
  estate.link()
  return estate
}

function exceptionsOf({ exceptions }: ControlCase): readonly Exception[] | null {
  if (exceptions === null) return null
  return exceptions.map(({ subjects, match, when, ...each }) => ({
    ...each,
    origin: 'database',
    scope: { source: null, subjects, match, when },
    ...{ ticket: null, requestedAt: null, revokedBy: null, revokedAt: null, revokedReason: null },
  }))
}

function keptOf({ kept }: ControlCase): Kept | null {
  if (kept === null) return null
  const snapshots = kept.snapshots.map(snapshot => ({ ...snapshot, sealedAt: new Date(snapshot.sealedAt) }))
  return { snapshots, verifiedAt: kept.verifiedAt === null ? null : new Date(kept.verifiedAt) }
}

function withImplied(each: ControlCase): ControlCase['estate'] {
  const details = each.estate['sso.permission_sets'] ?? []
  const listed = each.estate['sso.permission_set_arns'] ?? details.map(({ PermissionSetArn }) => ({ PermissionSetArn }))
  const written = each.estate['sso.inline_policies'] ?? []
  const isGap = (arn: unknown) =>
    each.gaps.some(
      gap => gap.dataset === 'sso.inline_policies' && gap.member === null && (gap.parent === '' || gap.parent === arn),
    )
  const unwritten = listed.filter(
    ({ PermissionSetArn: arn }) => !isGap(arn) && !written.some(row => row.PermissionSetArn === arn),
  )
  return {
    ...each.estate,
    'sso.permission_set_arns': listed,
    'sso.inline_policies': [...written, ...unwritten.map(({ PermissionSetArn }) => ({ PermissionSetArn }))],
  }
}

function storedRow(dataset: string, row: CaseRow, asOf: Date): StoredResource {
  const shape = shapes[dataset]!
  const named = (members: readonly string[]) =>
    members
      .map(member => {
        const value = member === 'MemberId' ? (row.MemberId as { UserId?: unknown } | undefined)?.UserId : row[member]
        if (typeof value !== 'string')
          throw new Error(`a row of ${dataset} needs ${member} as a text (quote numbers): ${JSON.stringify(row)}`)
        return value
      })
      .join('|')
  const facts = factsOf(row, shape.only)
  const firstSeenAt = instant(row.firstSeenAt, dataset) ?? asOf
  const earlier = ((row.earlier ?? []) as readonly CaseRow[]).map(state => ({
    from: instant(state.from, dataset) ?? firstSeenAt,
    facts: { ...facts, ...factsOf(state, ['from']) },
  }))
  return {
    dataset,
    place: placeOf(dataset, named(shape.key)),
    parent: named(shape.parent),
    key: named(shape.key),
    facts,
    digest: '',
    salt: null,
    firstSeenAt,
    seenFromTheStart: row.seenFromTheStart !== false,
    since: instant(row.since, dataset) ?? firstSeenAt,
    earlier,
  }
}

function factsOf(row: CaseRow, only: readonly string[]): Facts {
  const members = Object.entries(row).filter(([member]) => !only.includes(member) && !history.includes(member))
  return Object.fromEntries(
    members.map(([member, value]) => {
      const isDocument = member === 'InlinePolicy' && typeof value === 'object' && value !== null
      return [member, (isDocument ? JSON.stringify(value) : value) as Json]
    }),
  )
}

/** IAM is read in the account that the key names; everything else where the instance is. */
function placeOf(dataset: string, key: string): Place {
  if (!isPerAccount(dataset)) return place
  return { accountId: /\d{12}/.exec(key)?.[0] ?? place.accountId, region: 'us-east-1' }
}

function instant(value: unknown, dataset: string): Date | null {
  if (value === undefined) return null
  const time = new Date(String(value))
  if (Number.isNaN(time.getTime())) throw new Error(`a row of ${dataset} has a time that is none: ${String(value)}`)
  return time
}

function gapOf(gap: CaseGap): Gap {
  const isMember = gap.member !== null
  const action = isMember || gap.reason === 'not_sent' ? null : (datasets[gap.dataset]?.action ?? null)
  const { dataset, parent, key, member } = gap
  const message = `${action ?? member ?? dataset}: ${gap.reason}`
  const at = gap.account === null ? placeOf(dataset, key ?? parent) : { accountId: gap.account, region: 'us-east-1' }
  return { dataset, place: at, parent, key, member, reason: gap.reason as GapReason, action, errorCode: null, message }
}

function snapshotOf({ coverage }: ControlCase, rows: readonly StoredResource[], gaps: readonly Gap[], asOf: Date): Snapshot {
  const organization = rows.find(row => row.dataset === 'organizations.organizations')?.facts
  return {
    source: 'case',
    version: 1,
    runId: 'case',
    identity: {
      partition: 'aws',
      organizationId: typeof organization?.Id === 'string' ? organization.Id : null,
      managementAccountId: typeof organization?.MasterAccountId === 'string' ? organization.MasterAccountId : null,
      instanceArn: 'arn:aws:sso:::instance/ssoins-0000000000000000',
      identityStoreId: 'd-0000000000',
      instanceOwnerAccountId: place.accountId,
      homeRegion: place.region,
    },
    callers: [],
    startedAt: asOf,
    sealedAt: asOf,
    previousDigest: null,
    digest: '',
    datasets: collectedDatasets.flatMap(name =>
      placesOf(name, rows, gaps).map(at => {
        const summary = summaryOf(name, at, rows, gaps, asOf)
        return { ...summary, coverage: coverage[name] ?? summary.coverage }
      }),
    ),
    gaps,
    plannedCalls: null,
    calls: 0,
    throttles: 0,
    callLedgerRoot: '',
    softwareVersion: '0',
  }
}

/** Where a dataset was read: nowhere, when a gap of the whole says that it was not collected. IAM is configured in the accounts that a row or a gap of IAM names, and in no other. */
function placesOf(name: string, rows: readonly StoredResource[], gaps: readonly Gap[]): readonly Place[] {
  const isAbsent = gaps.some(
    ({ dataset, parent, key, reason }) => dataset === name && parent === '' && key === null && reason === 'not_collected',
  )
  if (!isPerAccount(name)) return isAbsent ? [] : [place]
  const places = [...rows, ...gaps].filter(each => isPerAccount(each.dataset)).map(each => each.place)
  return [...new Map(places.map(each => [each.accountId, each])).values()]
}

function summaryOf(name: string, at: Place, rows: readonly StoredResource[], gaps: readonly Gap[], asOf: Date): DatasetSummary {
  const isHere = (each: { readonly dataset: string; readonly place: Place }) =>
    each.dataset === name && each.place.accountId === at.accountId
  const hiding = gaps.filter(gap => isHere(gap) && gap.member === null)
  const isDenied = hiding.some(gap => gap.parent === '' && gap.key === null)
  const coverage: Coverage = isDenied ? 'denied' : hiding.length > 0 ? 'incomplete' : 'complete'
  return {
    name,
    place: at,
    coverage,
    count: rows.filter(isHere).length,
    digest: '',
    parts: 1,
    openParts: hiding.length,
    pages: 1,
    calls: 1,
    duplicates: 0,
    firstObservedAt: asOf,
    lastObservedAt: asOf,
    reason: null,
  }
}
