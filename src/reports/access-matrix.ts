import { compareBytes } from '../digest.ts'
import type { Facts, Gap, Json, Snapshot, StoredResource } from '../model.ts'
import type { Cell } from './csv.ts'
import { coverageProblem, gapTextsOf, type ReadDataset } from './population-artifacts.ts'

/** In which order the matrix stands. */
export const matrixOrders = ['account', 'user', 'permission-set'] as const

export type MatrixOrder = (typeof matrixOrders)[number]

/** Which effective access is asked for, and in which order. */
export interface MatrixQuestion {
  readonly by: MatrixOrder
  /** only this account, user or permission set: id, ARN or name as AWS has it */
  readonly account?: string
  readonly user?: string
  readonly permissionSet?: string
  /** what policy analysis says of a permission set; null: it was not asked */
  classification(permissionSetArn: string): string | null
}

/** Who can use which permission set in which account, one row for each way: directly, or through one group. */
export interface AccessMatrix {
  /** known before a row is made */
  readonly count: number
  readonly isComplete: boolean
  /** assignments to groups that were read and have no member: they give access to nobody and are no row */
  readonly toEmptyGroups: number
  /** assignments to groups whose members could not be read: one row each, whose user says so */
  readonly toUnreadGroups: number
  /** of the account, user and permission set asked for, those that no dataset knows */
  readonly unknownNames: readonly string[]
  rows(): Generator<readonly Cell[]>
}

/** Columns of the effective access, in the order of its cells. */
export const matrixColumns: readonly string[] = [
  ...['accountId', 'accountName', 'permissionSetName', 'classification', 'userName', 'userStatus', 'via', 'groupName'],
  ...['userId', 'groupId', 'permissionSetArn', 'assignmentFirstSeenAt', 'membershipFirstSeenAt', 'seenFromTheStart'],
]

interface Grant {
  readonly accountId: string
  readonly permissionSetArn: string
  readonly principalId: string
  readonly isGroup: boolean
  readonly firstSeenAt: string
  readonly fromTheStart: boolean
}

interface Member {
  readonly userId: string
  readonly groupId: string
  readonly firstSeenAt: string
  readonly fromTheStart: boolean
}

/** Datasets the matrix is made of: each that was not read to its end makes it incomplete. */
const madeOf = ['sso.account_assignments', 'identitystore.group_memberships', 'identitystore.users', 'identitystore.groups']

/**
 * Links assignments, memberships and names of a snapshot. Rows are made as they are asked for; memory holds the assignments and the
 * memberships, not their product.
 */
export async function accessMatrix(snapshot: Snapshot, read: ReadDataset, question: MatrixQuestion): Promise<AccessMatrix> {
  const users = await factsByKey(read, 'identitystore.users')
  const groups = await factsByKey(read, 'identitystore.groups')
  const accounts = await factsByKey(read, 'organizations.accounts')
  const sets = await factsByKey(read, 'sso.permission_sets')
  const wanted = {
    account: wantedKeys(accounts, 'Name', question.account),
    user: wantedKeys(users, 'UserName', question.user),
    set: wantedKeys(sets, 'Name', question.permissionSet),
  }
  const members = new Map<string, Member[]>()
  const knownUsers = new Set(users.keys())
  for await (const { facts, firstSeenAt, seenFromTheStart } of read('identitystore.group_memberships')) {
    const userId = text((facts.MemberId as Facts | undefined)?.UserId)
    knownUsers.add(userId)
    const groupId = text(facts.GroupId)
    const list = members.get(groupId) ?? []
    if (list.length === 0) members.set(groupId, list)
    list.push({ userId, groupId, firstSeenAt: firstSeenAt.toISOString(), fromTheStart: seenFromTheStart })
  }
  const grants: Grant[] = []
  const seen = { accounts: new Set(accounts.keys()), sets: new Set(sets.keys()) }
  for await (const row of read('sso.account_assignments')) {
    const grant = grantOf(row)
    seen.accounts.add(grant.accountId)
    seen.sets.add(grant.permissionSetArn)
    if (!grant.isGroup) knownUsers.add(grant.principalId)
    if (matches(wanted.account, grant.accountId) && matches(wanted.set, grant.permissionSetArn)) grants.push(grant)
  }
  const gaps = gapTextsOf(snapshot)
  const unreadGroup = (groupId: string): string | null =>
    gaps.of('identitystore.group_memberships', groupId) ?? gaps.ofWhole('identitystore.group_memberships')
  const nameOf = (from: ReadonlyMap<string, Facts>, dataset: string, member: string, key: string): string =>
    text(from.get(key)?.[member]) || (gaps.of(dataset, key) ?? gaps.anyOf(dataset) ?? 'not listed')
  const names = {
    user: (id: string) => nameOf(users, 'identitystore.users', 'UserName', id),
    group: (id: string) => nameOf(groups, 'identitystore.groups', 'DisplayName', id),
    account: (id: string) => nameOf(accounts, 'organizations.accounts', 'Name', id),
    set: (arn: string) => nameOf(sets, 'sso.permission_sets', 'Name', arn),
  }
  const isWantedUser = (id: string) => matches(wanted.user, id)
  /** Ways one grant gives access; one of a group that could not be read to its end has a way more, of whom nobody knows. */
  function* waysOf(grant: Grant): Generator<Member | null> {
    if (!grant.isGroup) {
      if (isWantedUser(grant.principalId)) yield { ...grant, userId: grant.principalId, groupId: '' }
      return
    }
    for (const member of members.get(grant.principalId) ?? []) if (isWantedUser(member.userId)) yield member
    if (unreadGroup(grant.principalId) !== null) yield null
  }
  const wanting = (id: string) => (members.get(id) ?? []).reduce((sum, { userId }) => sum + (isWantedUser(userId) ? 1 : 0), 0)
  const sizes = new Map<string, number>()
  let count = 0
  let toEmptyGroups = 0
  let toUnreadGroups = 0
  for (const { isGroup, principalId } of grants) {
    if (!isGroup) {
      count += isWantedUser(principalId) ? 1 : 0
      continue
    }
    const isUnread = unreadGroup(principalId) !== null
    const size = sizes.get(principalId) ?? wanting(principalId)
    sizes.set(principalId, size)
    count += size + (isUnread ? 1 : 0)
    if (isUnread) toUnreadGroups++
    else if ((members.get(principalId) ?? []).length === 0) toEmptyGroups++
  }

  function rowOf(grant: Grant, way: Member | null): readonly Cell[] {
    const { accountId, permissionSetArn: arn, isGroup, principalId } = grant
    const unread = way === null ? (unreadGroup(principalId) ?? '') : ''
    const status = way === null ? null : users.get(way.userId)?.UserStatus
    return [
      ...[accountId, names.account(accountId), names.set(arn), question.classification(arn)],
      way === null ? unread : names.user(way.userId),
      way === null ? null : text(status) || (gaps.of('identitystore.users', way.userId, 'UserStatus') ?? 'not sent'),
      isGroup ? 'group' : 'direct',
      isGroup ? names.group(principalId) : null,
      way === null ? unread : way.userId,
      isGroup ? principalId : null,
      arn,
      grant.firstSeenAt,
      way === null || !isGroup ? null : way.firstSeenAt,
      grant.fromTheStart && (way === null || way.fromTheStart),
    ]
  }
  function* rows(): Generator<readonly Cell[]> {
    if (question.by === 'user') return yield* rowsByUser()
    const order = (grant: Grant) =>
      question.by === 'account'
        ? `${grant.accountId}\n${names.set(grant.permissionSetArn)}\n${grant.permissionSetArn}\n${grant.principalId}`
        : `${names.set(grant.permissionSetArn)}\n${grant.permissionSetArn}\n${grant.accountId}\n${grant.principalId}`
    for (const { grant } of ordered(grants.map(grant => ({ grant, order: order(grant) })))) {
      for (const way of waysOf(grant)) yield rowOf(grant, way)
    }
  }
  function* rowsByUser(): Generator<readonly Cell[]> {
    const ofPrincipal = Map.groupBy(
      ordered(grants.map(grant => ({ grant, order: `${grant.accountId}\n${grant.permissionSetArn}` }))).map(each => each.grant),
      grant => grant.principalId,
    )
    const groupsOf = new Map<string, Member[]>()
    for (const list of members.values())
      for (const member of list) {
        if (!ofPrincipal.has(member.groupId) || !isWantedUser(member.userId)) continue
        const own = groupsOf.get(member.userId)
        if (own === undefined) groupsOf.set(member.userId, [member])
        else own.push(member)
      }
    const direct = grants.filter(({ isGroup }) => !isGroup).map(({ principalId }) => principalId)
    const ids = new Set([...groupsOf.keys(), ...direct.filter(isWantedUser)])
    for (const { id } of ordered([...ids].map(id => ({ id, order: `${names.user(id)}\n${id}` })))) {
      for (const grant of ofPrincipal.get(id) ?? []) for (const way of waysOf(grant)) yield rowOf(grant, way)
      for (const member of (groupsOf.get(id) ?? []).sort((a, b) => compareBytes(a.groupId, b.groupId)))
        for (const grant of ofPrincipal.get(member.groupId) ?? []) yield rowOf(grant, member)
    }
    for (const grant of [...ofPrincipal.values()].flat())
      if (grant.isGroup && unreadGroup(grant.principalId) !== null) yield rowOf(grant, null)
  }
  return {
    count,
    isComplete: madeOf.every(dataset => coverageProblem(snapshot, dataset) === null),
    toEmptyGroups,
    toUnreadGroups,
    unknownNames: [
      ...unknownName(question.account, wanted.account, seen.accounts),
      ...unknownName(question.user, wanted.user, knownUsers),
      ...unknownName(question.permissionSet, wanted.set, seen.sets),
    ],
    rows,
  }
}

async function factsByKey(read: ReadDataset, dataset: string): Promise<Map<string, Facts>> {
  const found = new Map<string, Facts>()
  const members = new Set(['UserName', 'UserStatus', 'DisplayName', 'Name'])
  for await (const { key, facts } of read(dataset))
    found.set(key, Object.fromEntries(Object.entries(facts).filter(([name]) => members.has(name))))
  return found
}

/** Keys that an id, ARN or name means; null: all. What nothing is named after is taken as an id. */
function wantedKeys(from: ReadonlyMap<string, Facts>, member: string, asked: string | undefined): ReadonlySet<string> | null {
  if (asked === undefined) return null
  const named = [...from].filter(([, facts]) => facts[member] === asked).map(([key]) => key)
  return new Set([...named, asked])
}

function matches(wanted: ReadonlySet<string> | null, key: string): boolean {
  return wanted === null || wanted.has(key)
}

function unknownName(asked: string | undefined, wanted: ReadonlySet<string> | null, known: ReadonlySet<string>): string[] {
  return asked === undefined || wanted === null || wanted.size > 1 || known.has(asked) ? [] : [asked]
}

function grantOf({ facts, firstSeenAt, seenFromTheStart }: StoredResource): Grant {
  return {
    accountId: text(facts.AccountId),
    permissionSetArn: text(facts.PermissionSetArn),
    principalId: text(facts.PrincipalId),
    isGroup: facts.PrincipalType === 'GROUP',
    firstSeenAt: firstSeenAt.toISOString(),
    fromTheStart: seenFromTheStart,
  }
}

function ordered<T extends { readonly order: string }>(items: T[]): T[] {
  return items.sort((a, b) => compareBytes(a.order, b.order))
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** What could not be read of the access of this snapshot. */
export function accessGaps(snapshot: Snapshot): readonly Gap[] {
  return snapshot.gaps.filter(({ dataset, member }) => madeOf.includes(dataset) && member === null)
}
