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
const principalNumbers = [1, 2] as const

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
  if (!row.key.startsWith(`${parent}|`)) return null
  const userKey = row.key.slice(parent.length + 1)
  const { GroupId, MemberId, MembershipId, IdentityStoreId, ...others } = row.facts
  const isUsual = GroupId === parent && isOnly(MemberId, 'UserId', userKey) && isColumn(MembershipId) && isColumn(IdentityStoreId)
  const whole = { membershipId: null, storeKey: null, rest: wholeOf(row.facts) }
  const columns = isUsual && { membershipId: MembershipId ?? null, storeKey: IdentityStoreId ?? null, rest: restOf(others) }
  return { kind: 'membership', userKey, ...(columns || whole) }
}

function assignmentOf(dataset: string, parent: string, row: Row): AssignmentEdge | null {
  const principalType = principalNumbers.find(each => row.key.startsWith(`${parent}|${principalTypes[each]}|`))
  if (principalType === undefined) return null
  const principalKey = row.key.slice(parent.length + principalTypes[principalType].length + 2)
  const edge = { kind: 'assignment', principalType, principalKey } as const
  const expected = edgeFacts(dataset, parent, { ...edge, rest: null })
  const isUsual = Object.entries(expected).every(([member, value]) => row.facts[member] === value)
  const others = Object.fromEntries(Object.entries(row.facts).filter(([member]) => !Object.hasOwn(expected, member)))
  return { ...edge, rest: isUsual ? restOf(others) : wholeOf(row.facts) }
}

/** What was asked about, as the facts repeat it. */
function subjectOf(dataset: string, parent: string): Facts {
  if (dataset === applicationAssignments) return { ApplicationArn: parent }
  const bar = parent.indexOf('|')
  return { AccountId: parent.slice(0, bar), PermissionSetArn: parent.slice(bar + 1) }
}

/** Not sent, or text that a column can hold: Postgres has no NUL. */
function isColumn(value: Json | undefined): value is string | undefined {
  return value === undefined || (typeof value === 'string' && !value.includes('\0'))
}

function isOnly(value: Json | undefined, member: string, text: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  const entries = Object.entries(value)
  return entries.length === 1 && entries[0]![0] === member && entries[0]![1] === text
}

function isWhole(rest: Facts | readonly [Facts]): rest is readonly [Facts] {
  return Array.isArray(rest)
}

function wholeOf(facts: Facts): string {
  return canonicalJson([facts])
}

function restOf(others: Facts): string | null {
  return Object.keys(others).length === 0 ? null : canonicalJson(others)
}
