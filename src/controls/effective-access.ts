import { effectiveAssignments, union } from './effective.ts'
import type { List } from './entity.ts'
import type { EstateLinks, Objects } from './estate-links.ts'
import type { EstateTables } from './estate-tables.ts'
import type { User } from './principals.ts'
import { closedOr } from './rows.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

/** Who can use accounts and applications in the end, directly or through groups. */
export class EffectiveAccess {
  readonly #tables: EstateTables
  readonly #objects: Objects
  readonly #links: EstateLinks
  #organizationAdmins: List | null = null

  constructor(tables: EstateTables, objects: Objects, links: EstateLinks) {
    this.#tables = tables
    this.#objects = objects
    this.#links = links
  }

  /**
   * Distinct users who reach an account with an admin-equivalent permission set. Users of a set that may be admin are ghosts; an
   * unread membership list, and an unread pair whose set is not proven harmless, leave the list open.
   */
  adminsOf(account: number): List {
    const admins = new Set<User>()
    const maybe = new Set<User>()
    const gaps: Unknown[] = []
    let isOpen = false
    for (const ghost of this.#links.ghosts.ofAccount(account)) {
      const set = ghost.permissionSet
      const isAdmin = set instanceof Undecided ? set : set.isAdminEquivalent
      if (isAdmin === false) continue
      isOpen = true
      gaps.push(isAdmin instanceof Undecided ? joinGaps(ghost.why, isAdmin) : ghost.why)
    }
    const { accountAssignments } = this.#tables
    for (const row of this.#links.rowsOn('account', account)) {
      const isAdmin = this.#objects.permissionSet(accountAssignments.permissionSet(row)).isAdminEquivalent
      if (isAdmin === false) continue
      if (isAdmin instanceof Undecided) gaps.push(isAdmin)
      const reached = this.#links.usersOf(accountAssignments, row)
      const known = reached instanceof OpenList ? reached.items : reached
      for (const user of known) (isAdmin === true ? admins : maybe).add(user as User)
      if (!(reached instanceof OpenList)) continue
      for (const user of reached.ghosts) maybe.add(user as User)
      gaps.push(reached.why)
      isOpen ||= reached.isOpen
    }
    const ghosts = [...maybe].filter(user => !admins.has(user))
    if (!isOpen && ghosts.length === 0) return [...admins]
    return new OpenList([...admins], ghosts, gaps.reduce(joinGaps), { isUnbounded: false, isOpen })
  }

  /** Distinct users who are admin on any account. */
  get organizationAdmins(): List {
    this.#organizationAdmins ??= union([...this.#tables.accounts.keys.keys()].map(number => this.adminsOf(number)))
    return this.#organizationAdmins
  }

  effectiveAssignmentsOf(user: User): List {
    return effectiveAssignments(user)
  }

  /** Distinct users who are assigned to an application. */
  effectiveUsersOf(application: number): List {
    const assigned = this.#links.applicationAssignmentsOf('application', application)
    const lists: List[] = []
    for (const row of this.#links.rowsOn('application', application)) {
      lists.push(this.#links.usersOf(this.#tables.applicationAssignments, row))
    }
    if (assigned instanceof OpenList) lists.push(closedOr([], assigned.why))
    return union(lists)
  }
}
