import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Coverage, EstateRows, Facts, Gap, ImportedRows, Snapshot, StoredResource } from '../../src/model.ts'

/** A small organization as AWS would tell it, with what could not be read. */
export interface SmallEstate {
  readonly users?: readonly Facts[]
  readonly groups?: readonly Facts[]
  /** group id and user id */
  readonly memberships?: readonly (readonly [group: string, user: string])[]
  readonly sets?: readonly SmallSet[]
  readonly accounts?: readonly Facts[]
  readonly managementAccountId?: string
  readonly assignments?: readonly (readonly [account: string, set: string, type: string, principal: string])[]
  readonly applications?: readonly Facts[]
  readonly applicationAssignments?: readonly (readonly [application: string, type: string, principal: string])[]
  readonly gaps?: readonly Partial<Gap>[]
  /** coverage of datasets that are not complete; `null` leaves a dataset out of the snapshot */
  readonly coverage?: { readonly [dataset: string]: Coverage | null }
  /** further or replaced rows, e.g. with a history */
  readonly rows?: readonly (Partial<StoredResource> & { readonly dataset: string; readonly key: string })[]
  /** `dataset key` of rows that are taken away */
  readonly lost?: ReadonlySet<string>
  readonly source?: string
  readonly imports?: readonly ImportedRows[]
  /** accounts whose IAM was asked about */
  readonly iamAccounts?: readonly string[]
}

export interface SmallSet {
  readonly arn: string
  readonly name?: string
  readonly session?: string
  readonly inline?: string
  /** names of AWS managed policies */
  readonly managed?: readonly string[]
  readonly customer?: readonly string[]
  readonly boundary?: Facts
}

export const asOf: Date = new Date('2026-03-01T00:00:00Z')
export const place = { accountId: '111111111111', region: 'eu-west-1' }

const actions: { readonly [dataset: string]: string } = {
  'identitystore.users': 'identitystore:ListUsers',
  'identitystore.groups': 'identitystore:ListGroups',
  'identitystore.group_memberships': 'identitystore:ListGroupMemberships',
  'organizations.organizations': 'organizations:DescribeOrganization',
  'organizations.accounts': 'organizations:ListAccounts',
  'sso.permission_set_arns': 'sso:ListPermissionSets',
  'sso.permission_sets': 'sso:DescribePermissionSet',
  'sso.inline_policies': 'sso:GetInlinePolicyForPermissionSet',
  'sso.managed_policies': 'sso:ListManagedPoliciesInPermissionSet',
  'sso.customer_managed_policy_references': 'sso:ListCustomerManagedPolicyReferencesInPermissionSet',
  'sso.permissions_boundaries': 'sso:GetPermissionsBoundaryForPermissionSet',
  'sso.provisioned_accounts': 'sso:ListAccountsForProvisionedPermissionSet',
  'sso.account_assignments': 'sso:ListAccountAssignments',
  'sso.applications': 'sso:ListApplications',
  'sso.application_assignments': 'sso:ListApplicationAssignments',
  'sso.application_assignment_configurations': 'sso:GetApplicationAssignmentConfiguration',
  'sso.tags': 'sso:ListTagsForResource',
  'sso.outdated_provisioned_accounts': 'sso:ListAccountsForProvisionedPermissionSet',
  'organizations.roots': 'organizations:ListRoots',
  'organizations.organizational_units': 'organizations:ListOrganizationalUnitsForParent',
  'organizations.tags': 'organizations:ListTagsForResource',
  'organizations.policies': 'organizations:ListPolicies',
  'organizations.policy_targets': 'organizations:ListTargetsForPolicy',
}

export function gap(dataset: string, more: Partial<Gap> = {}): Gap {
  const action = actions[dataset] ?? null
  const said = `${action} was refused`
  return {
    dataset,
    place,
    parent: '',
    key: null,
    member: null,
    reason: 'access_denied',
    action,
    errorCode: null,
    message: said,
    ...more,
  }
}

/** Rows in the order the store sends them: dataset, then key. */
export function rowsOf(estate: SmallEstate): readonly StoredResource[] {
  const rows: StoredResource[] = []
  const add = (dataset: string, parent: string, key: string, facts: Facts) =>
    rows.push({
      dataset,
      place,
      parent,
      key,
      facts,
      digest: '',
      salt: null,
      firstSeenAt: asOf,
      seenFromTheStart: true,
      since: asOf,
      earlier: [],
    })
  for (const user of estate.users ?? []) add('identitystore.users', '', String(user.UserId), user)
  for (const group of estate.groups ?? []) add('identitystore.groups', '', String(group.GroupId), group)
  for (const [GroupId, UserId] of estate.memberships ?? [])
    add('identitystore.group_memberships', GroupId, `${GroupId}|${UserId}`, { GroupId, MemberId: { UserId } })
  for (const account of estate.accounts ?? []) add('organizations.accounts', '', String(account.Id), account)
  if (estate.managementAccountId !== undefined)
    add('organizations.organizations', '', 'o-1', { Id: 'o-1', MasterAccountId: estate.managementAccountId })
  for (const set of estate.sets ?? []) addSet(set, add)
  for (const [AccountId, PermissionSetArn, PrincipalType, PrincipalId] of estate.assignments ?? []) {
    const pair = `${AccountId}|${PermissionSetArn}`
    const facts = { AccountId, PermissionSetArn, PrincipalType, PrincipalId }
    add('sso.account_assignments', pair, `${pair}|${PrincipalType}|${PrincipalId}`, facts)
  }
  for (const application of estate.applications ?? [])
    add('sso.applications', '', String(application.ApplicationArn), application)
  for (const [ApplicationArn, PrincipalType, PrincipalId] of estate.applicationAssignments ?? []) {
    const facts = { ApplicationArn, PrincipalType, PrincipalId }
    add('sso.application_assignments', ApplicationArn, `${ApplicationArn}|${PrincipalType}|${PrincipalId}`, facts)
  }
  for (const more of estate.rows ?? []) {
    const index = rows.findIndex(row => row.dataset === more.dataset && row.key === more.key)
    if (index >= 0) rows[index] = { ...rows[index]!, ...more }
    else {
      add(more.dataset, '', more.key, {})
      rows[rows.length - 1] = { ...rows.at(-1)!, ...more }
    }
  }
  const kept = rows.filter(row => !estate.lost?.has(`${row.dataset} ${row.key}`))
  return kept.sort((a, b) => (a.dataset === b.dataset ? order(a.key, b.key) : order(a.dataset, b.dataset)))
}

function addSet(set: SmallSet, add: (dataset: string, parent: string, key: string, facts: Facts) => void): void {
  const { arn } = set
  add('sso.permission_set_arns', 'instance', arn, { PermissionSetArn: arn })
  const session: Facts = set.session === undefined ? {} : { SessionDuration: set.session }
  add('sso.permission_sets', arn, arn, { PermissionSetArn: arn, Name: set.name ?? arn, ...session })
  add('sso.inline_policies', arn, arn, set.inline === undefined ? {} : { InlinePolicy: set.inline })
  for (const Name of set.managed ?? []) {
    const Arn = `arn:aws:iam::aws:policy/${Name}`
    add('sso.managed_policies', arn, `${arn}|${Arn}`, { Name, Arn })
  }
  for (const Name of set.customer ?? []) {
    add('sso.customer_managed_policy_references', arn, `${arn}|/${Name}`, { Name, Path: '/' })
  }
  if (set.boundary !== undefined) add('sso.permissions_boundaries', arn, arn, set.boundary)
}

const iamDatasets = [
  'users',
  'user_details',
  'group_details',
  'role_details',
  'managed_policies',
  'roles',
  'access_keys',
  'access_keys_last_used',
]
  .concat([
    'mfa_devices',
    'virtual_mfa_devices',
    'login_profiles',
    'credential_reports',
    'account_summaries',
    'password_policies',
  ])
  .map(name => `iam.${name}`)

export function snapshotOf(estate: SmallEstate, rows: readonly StoredResource[]): Snapshot {
  const gaps = (estate.gaps ?? []).map(each => gap(each.dataset!, each))
  const datasets = Object.keys(actions).flatMap(name => {
    const hiding = gaps.filter(each => each.dataset === name && each.member === null)
    const coverage = estate.coverage?.[name] ?? (hiding.length > 0 ? 'incomplete' : 'complete')
    if (estate.coverage?.[name] === null) return []
    return [
      {
        name,
        place,
        coverage,
        count: rows.filter(row => row.dataset === name).length,
        digest: '',
        parts: 1,
        openParts: hiding.length,
        pages: 1,
        calls: 1,
        duplicates: 0,
        firstObservedAt: asOf,
        lastObservedAt: asOf,
        reason: null,
      },
    ]
  })
  const perAccount = (estate.iamAccounts ?? []).flatMap(accountId =>
    iamDatasets.map(name => {
      const isHere = (each: { readonly dataset: string; readonly place: Gap['place'] }) =>
        each.dataset === name && each.place.accountId === accountId
      const isHidden = gaps.some(each => isHere(each) && each.member === null)
      const summary = {
        name,
        place: { accountId, region: 'us-east-1' },
        coverage: isHidden ? ('incomplete' as const) : ('complete' as const),
      }
      return {
        ...{
          ...summary,
          count: rows.filter(isHere).length,
          digest: '',
          parts: 1,
          openParts: isHidden ? 1 : 0,
          pages: 1,
          calls: 1,
        },
        ...{ duplicates: 0, firstObservedAt: asOf, lastObservedAt: asOf, reason: null },
      }
    }),
  )
  return {
    source: estate.source ?? 'acme',
    version: 1,
    runId: 'run-1',
    identity: {
      partition: 'aws',
      organizationId: 'o-1',
      managementAccountId: null,
      instanceArn: 'arn:aws:sso:::instance/ssoins-1',
      identityStoreId: 'd-1',
      instanceOwnerAccountId: place.accountId,
      homeRegion: place.region,
    },
    callers: [],
    startedAt: asOf,
    sealedAt: asOf,
    previousDigest: null,
    digest: 'd'.repeat(64),
    datasets: [...datasets, ...perAccount],
    gaps,
    plannedCalls: null,
    calls: 0,
    throttles: 0,
    callLedgerRoot: '',
    softwareVersion: '0',
  }
}

export function estateRows(...estates: readonly SmallEstate[]): EstateRows {
  const imports = estates[0]?.imports
  return {
    asOf,
    ...(imports === undefined ? {} : { imports }),
    sources: estates.map(estate => {
      const rows = rowsOf(estate)
      return { snapshot: snapshotOf(estate, rows), resources: streamed(rows) }
    }),
  }
}

export async function* streamed(rows: readonly StoredResource[]): AsyncIterable<StoredResource> {
  yield* rows
}

/** A folder with these files, gone after use. */
export function folderOf(files: { readonly [name: string]: string }): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'controls-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** The file of a control that asks one thing. */
export function controlYaml(
  requirement: string,
  more: { readonly id?: string; readonly resource?: string; readonly appliesTo?: string; readonly message?: string } = {},
): string {
  const { id = 'T-1', resource = 'user', appliesTo = 'true', message = "'found'" } = more
  return JSON.stringify({
    id,
    version: '1.0.0',
    title: 'a test',
    severity: 'low',
    resource,
    datasets: ['identitystore.users'],
    appliesTo,
    requirement,
    message,
    rationale: 'why',
    remediation: 'how',
    cases: [],
  })
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
