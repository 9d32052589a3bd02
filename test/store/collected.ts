import { setTimeout as sleep } from 'node:timers/promises'
import type {
  CallRecord,
  CollectionPlan,
  Coverage,
  Facts,
  Gap,
  PartPiece,
  Place,
  Row,
  Snapshot,
  Source,
  SourceIdentity,
  StoredResource,
} from '../../src/model.ts'
import { openRun, readResources, type Store, saveParts, sealRun } from '../../src/store/index.ts'

/** What a collection hands to the store, in few words. */
export const identity: SourceIdentity = {
  partition: 'aws',
  organizationId: 'o-exampleorg1',
  managementAccountId: '111122223333',
  instanceArn: 'arn:aws:sso:::instance/ssoins-1234567890abcdef',
  identityStoreId: 'd-1234567890',
  instanceOwnerAccountId: '111122223333',
  homeRegion: 'eu-west-1',
}

export const place: Place = { accountId: '111122223333', region: 'eu-west-1' }

export function sourceNamed(label = 'acme', more: Partial<Source> = {}): Source {
  return {
    ...{ label, kind: 'aws', partition: 'aws', region: 'eu-west-1', auth: { roleArn: null, externalId: null } },
    ...{ budgetShare: 0.5, rateLimits: {}, includePersonalData: false, ...more },
  }
}

const operations: Record<string, readonly [operation: string, action: string]> = {
  'identitystore.users': ['ListUsers', 'identitystore:ListUsers'],
  'identitystore.groups': ['ListGroups', 'identitystore:ListGroups'],
  'identitystore.group_memberships': ['ListGroupMemberships', 'identitystore:ListGroupMemberships'],
}

export function planOf(datasets: readonly string[], more: Partial<CollectionPlan> = {}): CollectionPlan {
  const steps = datasets.map(dataset => {
    const [operation, action] = operations[dataset] ?? ['List', `${dataset.split('.')[0]}:List`]
    return { dataset, operation, action, place, calls: null }
  })
  const caller = {
    place,
    arn: 'arn:aws:sts::111122223333:assumed-role/EvidencedReader/evidence-1',
    userId: 'AROAEXAMPLE:evidence-1',
  }
  return { source: 'acme', identity, callers: [caller], steps, calls: 12, seconds: 1, ...more }
}

export interface PartOf {
  readonly dataset: string
  readonly parent?: string
  readonly rows?: readonly Row[]
  readonly coverage?: Coverage
  readonly reason?: string | null
  readonly gaps?: readonly Gap[]
  readonly at?: Date
  readonly duplicates?: number
}

const observedAt = new Date('2026-03-01T01:00:00Z')

/** A whole part in one piece. */
export function part({
  dataset,
  parent = '',
  rows = [],
  coverage = 'complete',
  reason = null,
  gaps = [],
  at = observedAt,
  duplicates = 0,
}: PartOf): PartPiece {
  const end = { coverage, reason, gaps, pages: 1, duplicates, firstObservedAt: at, lastObservedAt: at }
  return { part: { dataset, place, parent }, isFirst: true, rows, end }
}

export function user(id: string, facts: Facts = {}): Row {
  return { key: id, facts: { UserId: id, UserName: `${id}@example.com`, IdentityStoreId: 'd-1234567890', ...facts } }
}

export function group(id: string, facts: Facts = {}): Row {
  return { key: id, facts: { GroupId: id, DisplayName: id, IdentityStoreId: 'd-1234567890', ...facts } }
}

export function membership(groupId: string, userId: string, facts: Facts = {}): Row {
  const sent = {
    IdentityStoreId: 'd-1234567890',
    MembershipId: `m-${groupId}-${userId}`,
    GroupId: groupId,
    MemberId: { UserId: userId },
  }
  return { key: `${groupId}|${userId}`, facts: { ...sent, ...facts } }
}

export function assignment(
  accountId: string,
  setArn: string,
  type: 'USER' | 'GROUP',
  principalId: string,
  facts: Facts = {},
): Row {
  const sent = { AccountId: accountId, PermissionSetArn: setArn, PrincipalType: type, PrincipalId: principalId }
  return { key: `${accountId}|${setArn}|${type}|${principalId}`, facts: { ...sent, ...facts } }
}

export function call(operation: string, more: Partial<CallRecord> = {}): CallRecord {
  const asked = { at: observedAt, service: 'identitystore', operation, place, parameters: { MaxResults: 100 }, page: 1 }
  return { ...asked, items: 3, status: 200, errorCode: null, requestId: 'r-1', attempts: 1, throttles: 0, ms: 12.5, ...more }
}

export function gap(dataset: string, more: Partial<Gap> = {}): Gap {
  const what = { dataset, place, parent: '', key: null, member: null }
  return {
    ...what,
    reason: 'access_denied',
    action: `${dataset.split('.')[0]}:List`,
    errorCode: 'AccessDeniedException',
    message: 'refused',
    ...more,
  }
}

/** One run from open to sealed. The plan names the datasets of its parts, and those of `datasets`. */
export async function collectOnce(
  store: Store,
  pieces: readonly PartPiece[],
  more: {
    readonly calls?: readonly CallRecord[]
    readonly source?: Source
    readonly datasets?: readonly string[]
    readonly plan?: Partial<CollectionPlan>
  } = {},
): Promise<Snapshot> {
  const datasets = [...new Set([...pieces.map(piece => piece.part.dataset), ...(more.datasets ?? [])])]
  await using run = await openRun(store, more.source ?? sourceNamed(), planOf(datasets, more.plan))
  await saveParts(run, { pieces, calls: more.calls ?? [] })
  return sealRun(run)
}

/** Everything a snapshot saw. */
export async function resourcesOf(store: Store, snapshot: Snapshot, dataset?: string): Promise<StoredResource[]> {
  return Array.fromAsync(readResources(store, snapshot, dataset))
}

/** Keys of what a snapshot saw of a dataset. */
export async function keysOf(store: Store, snapshot: Snapshot, dataset: string): Promise<string[]> {
  return (await resourcesOf(store, snapshot, dataset)).map(resource => resource.key)
}

/** A clock that stands until it is moved. */
export function clockAt(start: string): { now: () => Date; moveTo(time: string): void } {
  let at = new Date(start)
  return { now: () => at, moveTo }
  function moveTo(time: string): void {
    at = new Date(time)
  }
}

/** Awaits an error and gives it back. */
export async function errorOf(
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly hint?: string | null }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error, and none came')
}

/** Waits for a condition. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`)
    await sleep(10)
  }
}

/** Of the parts below: the permission set that everything is assigned through. */
export const set = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1'

/** The list of users, read to its end. */
export function users(...rows: Parameters<typeof user>[]): PartPiece {
  return part({ dataset: 'identitystore.users', rows: rows.map(each => user(...each)) })
}

/** The members of one group, read to their end. */
export function members(groupId: string, ...ids: string[]): PartPiece {
  return part({ dataset: 'identitystore.group_memberships', parent: groupId, rows: ids.map(id => membership(groupId, id)) })
}

/** The groups that `set` is assigned to in an account, read to their end. */
export function pair(account: string, ...groups: string[]): PartPiece {
  return part({
    dataset: 'sso.account_assignments',
    parent: `${account}|${set}`,
    rows: groups.map(id => assignment(account, set, 'GROUP', id)),
  })
}
