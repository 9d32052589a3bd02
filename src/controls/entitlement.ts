import type { AccountAssignment } from './assignments.ts'
import type { IntColumn } from './columns.ts'
import type { AccountAssignmentColumns } from './edges.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { Instants } from './instants.ts'
import type { PermissionSet } from './permission-set.ts'
import type { Group, User } from './principals.ts'
import type { Reviews } from './reviews.ts'
import type { Since, Unknown } from './values.ts'

/** What entitlements ask of the estate. */
export interface EntitlementSurroundings extends Surroundings {
  readonly reviews: Reviews
  readonly users: EntityTable
  readonly groups: EntityTable
  readonly accountAssignments: AccountAssignmentColumns
  readonly memberships: { readonly groups: IntColumn; readonly users: IntColumn; readonly since: IntColumn }
  readonly assignmentSince: IntColumn
  readonly instants: Instants
  user(number: number): User
  group(number: number): Group
  permissionSet(number: number): PermissionSet
  accountAssignment(row: number): AccountAssignment
  readonly entitlements: { isGroupPrivileged(group: number): boolean | Unknown }
}

/**
 * Something that a reviewer decides about: the membership of a user in a group that is assigned something, or an account assignment.
 * It is made for the moment in which it is judged: there are millions.
 */
export abstract class Entitlement extends Entity {
  declare readonly estate: EntitlementSurroundings
  abstract readonly kind: 'membership' | 'assignment'
  abstract get name(): string
  abstract get since(): Since
  abstract get isPrivileged(): boolean | Unknown
  protected abstract find(): Found
  #found: Found | null = null

  get typeName(): string {
    return 'Entitlement'
  }
  get decisions(): List {
    this.#found ??= this.find()
    return this.#found.decisions
  }
  get hasAmbiguousDecision(): boolean {
    this.#found ??= this.find()
    return this.#found.ambiguous
  }
}

interface Found {
  readonly decisions: List
  readonly ambiguous: boolean
}

type Keyed = Pick<EntitlementSurroundings, 'accountAssignments' | 'memberships' | 'users' | 'groups'>

/** The key of an account assignment among entitlements, by its row. */
export function assignmentKey({ accountAssignments }: Keyed, row: number): string {
  return `assignment|${accountAssignments.key(row)}`
}

/** The key of a membership among entitlements, by its row. */
export function membershipKey({ memberships, users, groups }: Keyed, row: number): string {
  return `membership|${groups.keys[memberships.groups.at(row)]!}|${users.keys[memberships.users.at(row)]!}`
}

/** An account assignment, by the number of its row. */
export class AssignmentEntitlement extends Entitlement {
  get kind() {
    return 'assignment' as const
  }
  get key(): string {
    return assignmentKey(this.estate, this.number)
  }
  get name(): string {
    const { principalName, PrincipalId, targetName } = this.estate.accountAssignment(this.number)
    return `${word(principalName, String(PrincipalId))} as ${targetName}`
  }
  get since(): Since {
    return this.estate.instants.at(this.estate.assignmentSince.at(this.number))
  }
  get isPrivileged(): boolean | Unknown {
    return this.estate.permissionSet(this.estate.accountAssignments.permissionSet(this.number)).isAdminEquivalent
  }
  protected find() {
    const columns = this.estate.accountAssignments
    const kind = columns.kind(this.number)
    const principal = columns.principal(this.number)
    const reviewed = {
      user: kind === 'user' ? principal : null,
      group: kind === 'group' ? principal : null,
      permissionSet: columns.permissionSet(this.number),
      account: columns.account(this.number),
    }
    return this.estate.reviews.of(reviewed, this.since)
  }
}

/** A membership, by the number of its row. */
export class MembershipEntitlement extends Entitlement {
  get kind() {
    return 'membership' as const
  }
  get #user(): number {
    return this.estate.memberships.users.at(this.number)
  }
  get #group(): number {
    return this.estate.memberships.groups.at(this.number)
  }
  get key(): string {
    return membershipKey(this.estate, this.number)
  }
  get name(): string {
    const [user, group] = [this.#user, this.#group]
    const { users, groups } = this.estate
    return `${word(this.estate.user(user).UserName, users.keys[user]!)} in ${word(this.estate.group(group).name, groups.keys[group]!)}`
  }
  get since(): Since {
    return this.estate.instants.at(this.estate.memberships.since.at(this.number))
  }
  get isPrivileged(): boolean | Unknown {
    return this.estate.entitlements.isGroupPrivileged(this.#group)
  }
  protected find() {
    return this.estate.reviews.of({ user: this.#user, group: this.#group, permissionSet: null, account: null }, this.since)
  }
}

function word(name: string | null | Unknown, id: string): string {
  return typeof name === 'string' ? name : id
}
