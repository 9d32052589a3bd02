import { canonicalJson } from '../digest.ts'
import type { Facts, Json, Row } from '../model.ts'

/**
 * An edge: a row that only joins ids, kept as columns instead of JSON. Its key alone makes it one, so that a row whose members change
 * stays the same edge. Members that are not columns stand in `rest` as canonical JSON: an object of them (null for none) or, when the
 * facts are not what the columns say, an array of one, the facts as a whole. So the facts come back exactly, whatever AWS sends.
 */
export type Edge = MembershipEdge | AssignmentEdge

export interface MembershipEdge {
  readonly kind: 'membership'
  readonly userKey: string
  readonly membershipId: string | null
  readonly storeKey: string | null
  readonly rest: string | null
}

export interface AssignmentEdge {
  readonly kind: 'assignment'
  readonly principalType: PrincipalType
  readonly principalKey: string
  readonly rest: string | null
}

/** As the database keeps it: 1 USER, 2 GROUP. */
export type PrincipalType = 1 | 2

const memberships = 'identitystore.group_memberships'
const accountAssignments = 'sso.account_assignments'
const applicationAssignments = 'sso.application_assignments'
const principalTypes = { 1: 'USER', 2: 'GROUP' } as const

/** Which edges a dataset holds; null for none. */
export function edgeKindOf(dataset: string): Edge['kind'] | null {
  if (dataset === memberships) return 'membership'
  return dataset === accountAssignments || dataset === applicationAssignments ? 'assignment' : null
}

/** The edge that a row is; null when its key is not that of an edge of its dataset. */
export function edgeOf(dataset: string, parent: string, row: Row): Edge | null {
  if (dataset === memberships) return membershipOf(parent, row)
  if (dataset === accountAssignments || dataset === applicationAssignments) return assignmentOf(dataset, parent, row)
  return null
}

/** Facts of an edge again, equal to what AWS sent. */
export function edgeFacts(dataset: string, parent: string, edge: Edge): Facts {
  const rest = edge.rest === null ? {} : (JSON.parse(edge.rest) as Facts | readonly [Facts])
  if (isWhole(rest)) return rest[0]
  if (edge.kind === 'assignment') {
    return {
      ...rest,
      ...subjectOf(dataset, parent),
      PrincipalType: principalTypes[edge.principalType],
      PrincipalId: edge.principalKey,
    }
  }
  return {
    ...rest,
    GroupId: parent,
    MemberId: { UserId: edge.userKey },
    ...(edge.membershipId === null ? {} : { MembershipId: edge.membershipId }),
    ...(edge.storeKey === null ? {} : { IdentityStoreId: edge.storeKey }),
  }
}

function membershipOf(parent: string, row: Row): MembershipEdge | null {
  if (!row.key.startsWith(parent) || row.key[parent.length] !== '|') return null
  const userKey = row.key.slice(parent.length + 1)
  const { GroupId, MemberId, MembershipId, IdentityStoreId } = row.facts
  const isUsual = GroupId === parent && isOnly(MemberId, 'UserId', userKey) && isColumn(MembershipId) && isColumn(IdentityStoreId)
  if (!isUsual) return { kind: 'membership', userKey, membershipId: null, storeKey: null, rest: wholeOf(row.facts) }
  const columns = 2 + (MembershipId === undefined ? 0 : 1) + (IdentityStoreId === undefined ? 0 : 1)
  return {
    kind: 'membership',
    userKey,
    membershipId: MembershipId ?? null,
    storeKey: IdentityStoreId ?? null,
    rest: countOf(row.facts) === columns ? null : restOf(row.facts, membershipColumns),
  }
}

function assignmentOf(dataset: string, parent: string, row: Row): AssignmentEdge | null {
  if (!row.key.startsWith(parent) || row.key[parent.length] !== '|') return null
  const principalType = row.key.startsWith('USER|', parent.length + 1) ? 1 : 2
  if (principalType === 2 && !row.key.startsWith('GROUP|', parent.length + 1)) return null
  const principalKey = row.key.slice(parent.length + principalTypes[principalType].length + 2)
  const { facts } = row
  const isPrincipal = facts.PrincipalType === principalTypes[principalType] && facts.PrincipalId === principalKey
  const columns = dataset === applicationAssignments ? applicationColumns : pairColumns
  if (!isPrincipal || !isAbout(dataset, parent, facts))
    return { kind: 'assignment', principalType, principalKey, rest: wholeOf(facts) }
  const rest = countOf(facts) === columns.length ? null : restOf(facts, columns)
  return { kind: 'assignment', principalType, principalKey, rest }
}

const applicationColumns = ['ApplicationArn', 'PrincipalType', 'PrincipalId']
const pairColumns = ['AccountId', 'PermissionSetArn', 'PrincipalType', 'PrincipalId']
const membershipColumns = ['GroupId', 'MemberId', 'MembershipId', 'IdentityStoreId']

/** What was asked about, as the facts repeat it. */
function subjectOf(dataset: string, parent: string): Facts {
  if (dataset === applicationAssignments) return { ApplicationArn: parent }
  const bar = parent.indexOf('|')
  return { AccountId: parent.slice(0, bar), PermissionSetArn: parent.slice(bar + 1) }
}

/** The facts repeat what was asked about, as `subjectOf` does. */
function isAbout(dataset: string, parent: string, { ApplicationArn, AccountId, PermissionSetArn }: Facts): boolean {
  if (dataset === applicationAssignments) return ApplicationArn === parent
  if (typeof AccountId !== 'string' || typeof PermissionSetArn !== 'string') return false
  const bar = AccountId.length
  const isPair = parent.length === bar + 1 + PermissionSetArn.length && parent[bar] === '|' && !AccountId.includes('|')
  return isPair && parent.startsWith(AccountId) && parent.endsWith(PermissionSetArn)
}

/** Not sent, or text that a column can hold: Postgres has no NUL and no lone surrogates, and an empty text would look like none. */
function isColumn(value: Json | undefined): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '' && !value.includes('\0') && value.isWellFormed())
}

function isOnly(value: Json | undefined, member: string, text: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  return (value as Facts)[member] === text && countOf(value as Facts) === 1
}

function isWhole(rest: Facts | readonly [Facts]): rest is readonly [Facts] {
  return Array.isArray(rest)
}

function wholeOf(facts: Facts): string {
  return canonicalJson([facts])
}

function restOf(facts: Facts, columns: readonly string[]): string | null {
  const others = Object.entries(facts).filter(([member]) => !columns.includes(member))
  return others.length === 0 ? null : canonicalJson(Object.fromEntries(others))
}

function countOf(facts: Facts): number {
  let count = 0
  for (const _ in facts) count++
  return count
}
