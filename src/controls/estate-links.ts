import type { AccountAssignment, ApplicationAssignment, GhostApplicationAssignment } from './assignments.ts'
import { type Links, linkBy } from './columns.ts'
import type { AssignmentColumns } from './edges.ts'
import type { List } from './entity.ts'
import { accountAssignments, applicationAssignments, type EstateTables, memberships } from './estate-tables.ts'
import { accountGhosts, applicationGhosts, type Ghosts, joinWhy, mostGhosts } from './ghosts.ts'
import type { OwnGaps } from './own-gaps.ts'
import type { PermissionSet } from './permission-set.ts'
import type { Group, User } from './principals.ts'
import { type Account, Application } from './targets.ts'
import { emptyList, joinGaps, OpenList, type Unknown } from './values.ts'

/** The objects that links lead to, by number. */
export interface Objects {
  user(number: number): User
  group(number: number): Group
  permissionSet(number: number): PermissionSet
  account(number: number): Account
  application(number: number): Application
  accountAssignment(number: number): AccountAssignment
  applicationAssignment(number: number): ApplicationAssignment
}

/** Who belongs to what and is assigned what, both ways, with what the gaps leave possible. Made once, after the last row. */
export class EstateLinks {
  readonly ghosts: Ghosts
  readonly #tables: EstateTables
  readonly #objects: Objects
  readonly #own: OwnGaps
  readonly #membersOfGroup: Links
  readonly #groupsOfUser: Links
  readonly #accountAssignments: { readonly [side in 'user' | 'group' | 'account' | 'permissionSet']: Links }
  readonly #applicationAssignments: { readonly [side in 'user' | 'group' | 'application']: Links }
  readonly #applicationGhosts: readonly GhostApplicationAssignment[]
  /** groups whose members could not all be read */
  readonly #unreadGroups = new Map<number, Unknown>()
  #maybeGroups: { readonly groups: readonly Group[]; readonly why: Unknown; readonly isOpen: boolean } | null = null

  constructor(tables: EstateTables, objects: Objects, own: OwnGaps) {
    this.#tables = tables
    this.#objects = objects
    this.#own = own
    const { gaps } = tables
    tables.addUnreadKeys()
    for (const unread of [gaps.parts(memberships), gaps.rows(memberships)]) {
      for (const [key, why] of unread) this.#unreadGroups.set(tables.groups.number(key.split('|')[0]!), why)
    }
    const named = {
      gaps,
      account: (id: string) => objects.account(tables.accounts.number(id)),
      permissionSet: (arn: string) => objects.permissionSet(tables.permissionSets.number(arn)),
      application: (arn: string) => objects.application(tables.applications.number(arn)),
    }
    this.ghosts = accountGhosts(named)
    this.#applicationGhosts = applicationGhosts(named)
    const users = tables.users.length
    const groups = tables.groups.length
    const direct = tables.accountAssignments
    const applications = tables.applicationAssignments
    this.#membersOfGroup = linkBy(tables.memberships.groups.values(), groups)
    this.#groupsOfUser = linkBy(tables.memberships.users.values(), users)
    this.#accountAssignments = {
      user: linkBy(direct.principals('user'), users),
      group: linkBy(direct.principals('group'), groups),
      account: linkBy(direct.accounts(), tables.accounts.length),
      permissionSet: linkBy(direct.permissionSets(), tables.permissionSets.length),
    }
    this.#applicationAssignments = {
      user: linkBy(applications.principals('user'), users),
      group: linkBy(applications.principals('group'), groups),
      application: linkBy(applications.applications(), tables.applications.length),
    }
  }

  groupsOf(user: number): List {
    const known = members(this.#groupsOfUser, user, row => this.#objects.group(this.#tables.memberships.groups.at(row)))
    const unlisted = this.#tables.gaps.list('identitystore.groups') ?? this.#wholeMembershipGap()
    if (unlisted !== undefined) return new OpenList(known, [], unlisted, { isUnbounded: false, isOpen: true })
    if (this.#unreadGroups.size === 0) return known
    this.#maybeGroups ??= this.#unread()
    const { groups, why, isOpen } = this.#maybeGroups
    const isPartlyRead = known.some(group => this.#unreadGroups.has(group.number))
    const ghosts = isPartlyRead ? groups.filter(group => !known.includes(group)) : groups
    return openOr(known, ghosts, why, { isUnbounded: false, isOpen })
  }

  /** Groups that anybody may be in: one list for all users, since there are many of both. */
  #unread() {
    const why = [...this.#unreadGroups.values()].slice(0, mostGhosts).reduce(joinGaps)
    const isOpen = this.#unreadGroups.size > mostGhosts
    const groups = isOpen ? [] : [...this.#unreadGroups.keys()].map(group => this.#objects.group(group))
    return { groups, why, isOpen }
  }

  membersOf(group: number): List {
    const known = members(this.#membersOfGroup, group, row => this.#objects.user(this.#tables.memberships.users.at(row)))
    const gap = this.#membershipGap(group)
    return gap === undefined ? known : new OpenList(known, [], gap, { isUnbounded: false, isOpen: true })
  }

  accountAssignmentsOf(side: 'user' | 'group' | 'account' | 'permissionSet', number: number): List {
    const known = members(this.#accountAssignments[side], number, row => this.#objects.accountAssignment(row))
    const { ghosts } = this
    if (side === 'user' || side === 'group') {
      return openOr(known, ghosts.merged, ghosts.why, { isUnbounded: ghosts.areMany, isOpen: false })
    }
    const maybe = side === 'account' ? ghosts.ofAccount(number) : ghosts.ofSet(number)
    return openOr(known, maybe, joinWhy(maybe), { isUnbounded: true, isOpen: false })
  }

  applicationAssignmentsOf(side: 'user' | 'group' | 'application', number: number): List {
    const known = members(this.#applicationAssignments[side], number, row => this.#objects.applicationAssignment(row))
    if (this.#applicationGhosts.length === 0) return known
    const ghosts =
      side === 'application'
        ? this.#applicationGhosts.filter(
            ({ application }) => !(application instanceof Application) || application.number === number,
          )
        : this.#applicationGhosts
    const isUnbounded = side === 'application' || ghosts.some(({ application }) => !(application instanceof Application))
    return openOr(known, ghosts, joinWhy(ghosts), { isUnbounded, isOpen: false })
  }

  /** Rows of what is assigned on an account, or on an application. */
  rowsOn(target: 'account' | 'application', number: number): Int32Array {
    const { offsets, rows } = target === 'account' ? this.#accountAssignments.account : this.#applicationAssignments.application
    return rows.subarray(offsets[number]!, offsets[number + 1]!)
  }

  /** Null when users (or groups) are listed completely and the principal is not among them. */
  principalOf(columns: AssignmentColumns, row: number): User | Group | null | Unknown {
    const kind = columns.kind(row)
    const { gaps } = this.#tables
    if (kind === null) {
      const principalType = columns.principalType(row)
      const dataset = columns === this.#tables.accountAssignments ? accountAssignments : applicationAssignments
      const message = `principal type ${principalType} is not known`
      return this.#own.once({ ...gaps.absent(dataset, '', 'unsupported', message), action: null })
    }
    const number = columns.principal(row)
    const table = kind === 'user' ? this.#tables.users : this.#tables.groups
    if (!table.isPresent(number)) return gaps.list(table.dataset) ?? null
    return kind === 'user' ? this.#objects.user(number) : this.#objects.group(number)
  }

  /** Users that one assignment reaches. */
  usersOf(columns: AssignmentColumns, row: number): List {
    const kind = columns.kind(row)
    const number = columns.principal(row)
    const { gaps, groups, users } = this.#tables
    if (kind === null) {
      const why = this.principalOf(columns, row) as Unknown
      return new OpenList([], [], why, { isUnbounded: false, isOpen: true })
    }
    if (kind === 'group') {
      const isGone = !groups.isPresent(number) && gaps.list('identitystore.groups') === undefined
      return isGone ? emptyList : this.membersOf(number)
    }
    if (users.isPresent(number)) return [this.#objects.user(number)]
    // an assignment outlasts its user: only the list of users tells whether there is one
    const why = gaps.list('identitystore.users')
    if (why === undefined) return emptyList
    return new OpenList([], [this.#objects.user(number)], why, { isUnbounded: false, isOpen: false })
  }

  /** Why the members of a group are not all known. A group that does not exist (a deleted principal) has none. */
  #membershipGap(group: number): Unknown | undefined {
    const own = this.#unreadGroups.get(group)
    if (own !== undefined) return own
    const { gaps, groups } = this.#tables
    return groups.isPresent(group) ? this.#wholeMembershipGap() : gaps.list('identitystore.groups')
  }

  #wholeMembershipGap(): Unknown | undefined {
    const { gaps } = this.#tables
    return gaps.isExplainedByParents(memberships) ? undefined : gaps.whole(memberships)
  }
}

function members<T>({ offsets, rows }: Links, number: number, make: (row: number) => T): readonly T[] {
  const start = offsets[number]!
  const end = offsets[number + 1]!
  if (start === end) return emptyList as readonly T[]
  const list = new Array<T>(end - start)
  for (let i = start; i < end; i++) list[i - start] = make(rows[i]!)
  return list
}

function openOr(
  items: readonly unknown[],
  ghosts: readonly unknown[],
  why: Unknown,
  more: { isUnbounded: boolean; isOpen: boolean },
): List {
  return ghosts.length === 0 && !more.isOpen ? items : new OpenList(items, ghosts, why, more)
}
