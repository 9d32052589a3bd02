import type { AccountAssignment } from './assignments.ts'
import type { List } from './entity.ts'
import type { Group, User } from './principals.ts'
import { emptyList, joinGaps, OpenList, type Unknown } from './values.ts'

/** Known members of a list, open or not. */
export function itemsOf<T>(list: List): readonly T[] {
  return (list instanceof OpenList ? list.items : list) as readonly T[]
}

/**
 * Account assignments of a user, direct and through groups. An assignment of a group that the user may be in is a ghost; where not
 * even the groups are known, the list is open.
 */
export function effectiveAssignments(user: User): List {
  const direct = user.assignments
  const groups = user.groups
  const lists = [direct, ...itemsOf<Group>(groups).map(group => group.assignments)]
  const items = lists.flatMap(list => itemsOf<AccountAssignment>(list))
  /** the lists of what may be the user's; most users share them, so one that stands alone is kept as it is */
  const maybe = new Set<readonly unknown[]>()
  const gaps: Unknown[] = []
  let isOpen = groups instanceof OpenList && groups.isOpen
  let isUnbounded = false
  for (const list of lists) {
    if (!(list instanceof OpenList)) continue
    if (list.ghosts.length > 0) maybe.add(list.ghosts)
    gaps.push(list.why)
    isOpen ||= list.isOpen
    // one unread pair may hold an assignment of the user and one of each group
    isUnbounded ||= list.isUnbounded || lists.length > 1
  }
  if (groups instanceof OpenList) {
    gaps.push(groups.why)
    const possible = assignmentsOfAll(groups.ghosts as readonly Group[])
    if (possible.length > 0) maybe.add(possible)
  }
  if (gaps.length === 0) return items.length === 0 ? emptyList : items
  const [first = emptyList, ...others] = maybe
  const ghosts = others.length === 0 ? first : [...new Set([...maybe].flat())]
  return new OpenList(items, ghosts, gaps.reduce(joinGaps), { isUnbounded, isOpen })
}

const ofGroups = new WeakMap<readonly Group[], readonly unknown[]>()

/** Known assignments of groups, found once for a list of them. */
function assignmentsOfAll(groups: readonly Group[]): readonly unknown[] {
  let all = ofGroups.get(groups)
  if (all === undefined) {
    all = groups.flatMap(group => itemsOf(group.assignments))
    ofGroups.set(groups, all)
  }
  return all
}

/** The union of lists of users, each user once. */
export function union(lists: Iterable<List>): List {
  const items = new Set<unknown>()
  const maybe = new Set<unknown>()
  const gaps: Unknown[] = []
  let isOpen = false
  for (const list of lists) {
    for (const item of itemsOf(list)) items.add(item)
    if (!(list instanceof OpenList)) continue
    for (const ghost of list.ghosts) maybe.add(ghost)
    gaps.push(list.why)
    isOpen ||= list.isOpen
  }
  const ghosts = [...maybe].filter(ghost => !items.has(ghost))
  if (!isOpen && ghosts.length === 0) return [...items]
  return new OpenList([...items], ghosts, gaps.reduce(joinGaps), { isUnbounded: false, isOpen })
}
