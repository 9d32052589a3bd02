import { compareBytes } from '../digest.ts'
import type { IntColumn } from './columns.ts'
import type { AccountAssignmentColumns } from './edges.ts'
import { Entitlement, type EntitlementSurroundings } from './entitlement.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { Instants } from './instants.ts'
import { Broken, OpenList, type Since, Undecided, type Unknown } from './values.ts'

/** What makes entitlements of the estate. */
export interface EntitlementSource extends EntitlementSurroundings {
  readonly users: EntityTable
  readonly groups: EntityTable
  readonly accountAssignments: AccountAssignmentColumns
  readonly memberships: { readonly groups: IntColumn; readonly users: IntColumn; readonly since: IntColumn }
  readonly assignmentSince: IntColumn
  readonly instants: Instants
  user(number: number): { readonly key: string; readonly UserName: string | Unknown }
  group(number: number): { readonly key: string; readonly name: string | Unknown; readonly assignments: List }
  accountAssignment(row: number): {
    readonly key: string
    readonly principalName: string | null | Unknown
    readonly targetName: string
  }
  permissionSet(number: number): { readonly isAdminEquivalent: boolean | Unknown }
}

/** Every account assignment, and every membership of a group that has one or may have one; by key. */
export function entitlementsOf(estate: EntitlementSource): readonly Entitlement[] {
  const found: Entitlement[] = []
  const assignments = estate.accountAssignments
  for (let row = 0; row < assignments.length; row++) {
    const link = assignments.link(row)
    const permissionSet = assignments.permissionSet(row)
    const assignment = estate.accountAssignment(row)
    found.push(
      new Entitlement(estate, 'assignment', assignment.key, {
        thing: {
          user: link?.kind === 'user' ? link.number : null,
          group: link?.kind === 'group' ? link.number : null,
          permissionSet,
          account: assignments.account(row),
        },
        name: () => `${word(assignment.principalName, assignments.principal(row).principalId)} as ${assignment.targetName}`,
        since: () => estate.instants.at(estate.assignmentSince.at(row)),
        isPrivileged: () => estate.permissionSet(permissionSet).isAdminEquivalent,
      }),
    )
  }
  const privileged = new Map<number, boolean | Unknown | null>()
  const { memberships } = estate
  for (let row = 0; row < memberships.groups.length; row++) {
    const group = memberships.groups.at(row)
    let isPrivileged = privileged.get(group)
    if (isPrivileged === undefined) {
      isPrivileged = privilegeOf(estate.group(group).assignments)
      privileged.set(group, isPrivileged)
    }
    if (isPrivileged !== null) found.push(membershipOf(estate, row, group, isPrivileged))
  }
  return found.sort((a, b) => compareBytes(a.key, b.key))
}

function membershipOf(estate: EntitlementSource, row: number, group: number, isPrivileged: boolean | Unknown): Entitlement {
  const user = estate.memberships.users.at(row)
  const [userId, groupId] = [estate.users.keys[user]!, estate.groups.keys[group]!]
  const since = (): Since => estate.instants.at(estate.memberships.since.at(row))
  return new Entitlement(estate, 'membership', `${groupId}|${userId}`, {
    thing: { user, group, permissionSet: null, account: null },
    name: () => `${word(estate.user(user).UserName, userId)} in ${word(estate.group(group).name, groupId)}`,
    since,
    isPrivileged: () => isPrivileged,
  })
}

function word(name: string | null | Unknown, id: string): string {
  return typeof name === 'string' ? name : id
}

/** Whether any assignment of a group administers; null when it has none for certain. */
function privilegeOf(assignments: List): boolean | Unknown | null {
  const known = assignments instanceof OpenList ? assignments.items : assignments
  if (known.length === 0 && !(assignments instanceof OpenList)) return null
  let undecided: Unknown | null = null
  const asked = (each: unknown) =>
    (each as { readonly permissionSet: { readonly isAdminEquivalent: boolean | Unknown } | Unknown }).permissionSet
  for (const each of [...known, ...(assignments instanceof OpenList ? assignments.ghosts : [])]) {
    const isSure = known.includes(each)
    const set = asked(each)
    const isAdmin = set instanceof Undecided ? set : set.isAdminEquivalent
    if (isAdmin === true && isSure) return true
    if (isAdmin !== false)
      undecided ??= isAdmin instanceof Undecided && !(isAdmin instanceof Broken) ? isAdmin : (assignments as OpenList).why
  }
  if (assignments instanceof OpenList && assignments.isOpen) undecided ??= assignments.why
  return undecided ?? false
}
