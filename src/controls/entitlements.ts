import { membershipOrder } from './edge-order.ts'
import {
  AssignmentEntitlement,
  assignmentKey,
  type Entitlement,
  type EntitlementSurroundings,
  MembershipEntitlement,
  membershipKey,
} from './entitlement.ts'
import type { List } from './entity.ts'
import { OpenList, Undecided, type Unknown } from './values.ts'

/**
 * Every account assignment, and every membership of a group that has one. Of a group that may have one nobody knows whether its memberships
 * belong here: the assignments that could not be read are told as a population that is not complete.
 */
export class Entitlements {
  readonly #estate: EntitlementSurroundings
  readonly #privileged = new Map<number, boolean | Unknown | null>()
  readonly #assignments: Int32Array
  readonly #memberships: Int32Array

  /** @param assignments rows in the byte order of their keys */
  constructor(estate: EntitlementSurroundings, assignments: Int32Array) {
    this.#estate = estate
    this.#assignments = assignments
    this.#memberships = membershipOrder(estate.memberships, estate, group => this.#privilegeOf(group) !== null)
  }

  get size(): number {
    return this.#assignments.length + this.#memberships.length
  }

  /** Whether JSON writes every key as it is: those of memberships are made of parts of those of assignments. */
  get hasPlainKeys(): boolean {
    return this.#estate.accountAssignments.hasPlainKeys
  }

  /** By key: assignments come before memberships. */
  at(index: number): Entitlement {
    const direct = this.#assignments.length
    return index < direct
      ? new AssignmentEntitlement(this.#estate, this.#assignments[index]!)
      : new MembershipEntitlement(this.#estate, this.#memberships[index - direct]!)
  }

  keyAt(index: number): string {
    const direct = this.#assignments.length
    return index < direct
      ? assignmentKey(this.#estate, this.#assignments[index]!)
      : membershipKey(this.#estate, this.#memberships[index - direct]!)
  }

  all(): readonly Entitlement[] {
    return Array.from({ length: this.size }, (_, index) => this.at(index))
  }

  /** Whether any assignment of a group administers. */
  isGroupPrivileged(group: number): boolean | Unknown {
    return this.#privilegeOf(group) ?? false
  }

  #privilegeOf(group: number): boolean | Unknown | null {
    let found = this.#privileged.get(group)
    if (found === undefined) {
      found = privilegeOf(this.#estate.group(group).assignments)
      this.#privileged.set(group, found)
    }
    return found
  }
}

interface Granting {
  readonly permissionSet: { readonly isAdminEquivalent: boolean | Unknown } | Unknown
}

/** Whether any assignment administers; null when there is none for certain. */
function privilegeOf(assignments: List): boolean | Unknown | null {
  const open = assignments instanceof OpenList ? assignments : null
  const known = (open === null ? assignments : open.items) as readonly Granting[]
  if (known.length === 0) return null
  let undecided: Unknown | null = open?.isOpen ? open.why : null
  for (const { permissionSet } of known) {
    const isAdmin = permissionSet instanceof Undecided ? permissionSet : permissionSet.isAdminEquivalent
    if (isAdmin === true) return true
    if (isAdmin !== false) undecided ??= isAdmin
  }
  for (const { permissionSet } of (open?.ghosts ?? []) as readonly Granting[]) {
    const isAdmin = permissionSet instanceof Undecided ? permissionSet : permissionSet.isAdminEquivalent
    if (isAdmin !== false) undecided ??= isAdmin === true ? open!.why : isAdmin
  }
  return undecided ?? false
}
