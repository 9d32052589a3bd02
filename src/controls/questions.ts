import type { AccountAssignment } from './assignments.ts'
import { CollectorRole } from './collector-role.ts'
import { itemsOf } from './effective.ts'
import { type Meter, outOfFuel } from './lists.ts'
import { isRegistered, matchesAny } from './patterns.ts'
import { Person } from './people.ts'
import { PermissionSet } from './permission-set.ts'
import { allows, workOf } from './policy-reach.ts'
import { Group, User } from './principals.ts'
import type { Tag } from './rows.ts'
import { Account, Application } from './targets.ts'
import { Broken, Count, emptyList, joinGaps, OpenList, sizeOf, Undecided, type Unknown } from './values.ts'

/** A question to one thing; undefined when it is none that can answer. */
export type Question = (receiver: unknown, given: readonly unknown[], meter: Meter) => unknown

/** Questions that an expression may ask with a point, beside those of the language itself. */
export const questions: { readonly [name: string]: Question } = {
  tag: (receiver, [key]) => {
    if (!(receiver instanceof PermissionSet) && !(receiver instanceof Account)) return undefined
    return tagOf(receiver.tags, String(key))
  },
  matchesAny: (receiver, [patterns], meter) => {
    if (typeof receiver !== 'string' || !Array.isArray(patterns)) return undefined
    burn(meter, patterns.length * 20)
    return matchesAny(receiver, patterns, meter)
  },
  isRegisteredIn: (receiver, [entries], meter) => {
    if (typeof receiver !== 'string' || !Array.isArray(entries)) return undefined
    burn(meter, entries.length * (50 + receiver.length * 10))
    if (meter.fuel < 0) return outOfFuel
    return isRegistered(receiver, entries, meter.asOf)
  },
  isWithinDays: (receiver, [days], { asOf }) => {
    if (!(receiver instanceof Date) || typeof days !== 'number') return undefined
    const ahead = receiver.getTime() - asOf
    return ahead >= 0 && ahead <= days * 86_400_000
  },
  allowsAny: (receiver, [actions], meter) => {
    if (!(receiver instanceof PermissionSet) || !Array.isArray(actions)) return undefined
    for (const action of actions) burn(meter, workOf(receiver.grants, String(action)))
    return meter.fuel < 0 ? outOfFuel : allowsAny(receiver, actions)
  },
  writesBeyond: (receiver, [allowed], meter) => {
    if (!(receiver instanceof CollectorRole) || !Array.isArray(allowed)) return undefined
    burn(meter, 10_000 + allowed.length * 100)
    return receiver.writesBeyond(allowed)
  },
  owners: (receiver, [key]) => (receiver instanceof Account ? owners(receiver, String(key)) : undefined),
  iamUsers: (receiver, [tag], meter) => {
    if (!(receiver instanceof Person)) return undefined
    burn(meter, 1000)
    return receiver.estate.people.iamUsersOf(receiver, String(tag))
  },
  conflicts: (receiver, [pairs, scope], meter) => {
    if (!(receiver instanceof User) || !Array.isArray(pairs)) return undefined
    let looks = itemsOf(receiver.assignments).length + pairs.length * 20
    for (const group of itemsOf<Group>(receiver.groups)) looks += itemsOf(group.assignments).length
    burn(meter, looks)
    return conflicts(receiver, pairs, scope !== 'organization')
  },
  isAssignedToEveryone: (receiver, [ratio, minUsers], meter) => {
    if (!(receiver instanceof Application)) return undefined
    burn(meter, itemsOf(receiver.effectiveUsers).length)
    return reachesEveryone(receiver, Number(ratio), Number(minUsers))
  },
}

/** What a question costs beyond being asked: a quarter of what it looks at, since looking is cheaper than a step of an expression. */
function burn(meter: Meter, looks: number): void {
  meter.fuel -= Math.ceil(looks / 4)
}

/** The value of a tag without blanks around it; null when the resource has no tag of that key. */
function tagOf(tags: readonly unknown[] | OpenList, key: string): string | null | Unknown {
  const found = itemsOf<Tag>(tags).find(tag => tag.Key === key)
  if (found !== undefined) return typeof found.Value === 'string' ? found.Value.trim() : found.Value
  return tags instanceof OpenList ? tags.why : null
}

/** People of the roster whom a tag of an account names, by id, user name or address. */
function owners(account: Account, key: string): readonly Person[] | Unknown {
  const value = tagOf(account.tags, key)
  if (value instanceof Undecided) return value
  return value === null ? [] : account.estate.people.named(value)
}

function allowsAny(set: PermissionSet, actions: readonly string[]): boolean | Unknown {
  const grants = set.grants
  const found = actions.map(action => allows(grants, action.toLowerCase(), 'at_all'))
  if (found.includes(true)) return true
  const gaps = found.filter(each => each instanceof Undecided)
  return gaps.length === 0 ? false : gaps.reduce(joinGaps)
}

/** Pairs `A|B` of which a user holds both sides, on one account or anywhere. */
function conflicts(user: User, pairs: readonly string[], isPerAccount: boolean): unknown {
  const wanted = sidesOf(pairs)
  const { assignments: direct, groups } = user
  const held = concerned(itemsOf<AccountAssignment>(direct), wanted)
  const open: OpenList[] = direct instanceof OpenList ? [direct] : []
  for (const group of itemsOf<Group>(groups)) {
    // thousands of users share a group, and all that nobody knows whose it is: each is asked once
    for (const each of concernedOf(group, wanted)) held.push(each)
    if (group.assignments instanceof OpenList) open.push(group.assignments)
  }
  if (groups instanceof OpenList) open.push(groups)
  // most users hold none of them; a pair that is written wrongly is told all the same
  if (open.length === 0 && held.length < 2 && pairs.every(isPair)) return emptyList
  const possible = [...held]
  for (const ghosts of new Set(open.map(list => list.ghosts))) possible.push(...concernedOf(ghosts, wanted))
  const isOpen = open.some(list => list.isOpen)
  const gaps: Unknown[] = open.map(({ why }) => why)
  for (const { set } of held) if (set instanceof Undecided) gaps.push(set)
  const found: string[] = []
  let mayBeMore = false
  for (const pair of pairs) {
    const [a, b] = pair.split('|').map(each => each.trim())
    if (!a || !b) return new Broken(`a conflicting pair is written A|B, found ${pair}`)
    const sureA = held.filter(({ set }) => set === a)
    const sureB = held.filter(({ set }) => set === b)
    const both = sureA.find(one => sureB.some(other => !isPerAccount || one.account === other.account))
    if (both !== undefined) {
      found.push(isPerAccount ? `${a} and ${b} on ${String(both.account)}` : `${a} and ${b}`)
      continue
    }
    const may = (wanted: string) => possible.filter(({ set }) => set === wanted || set instanceof Undecided)
    const meet = (one: string | Unknown, other: string | Unknown) =>
      !isPerAccount || one === other || one instanceof Undecided || other instanceof Undecided
    mayBeMore ||= isOpen || may(a).some(one => may(b).some(other => meet(one.account, other.account)))
  }
  if (!mayBeMore) return found
  return new OpenList(found, [], gaps.reduce(joinGaps), { isUnbounded: false, isOpen: true })
}

function isPair(written: string): boolean {
  return /^\s*[^|\s][^|]*\|\s*[^|\s]/.test(written)
}

interface Held {
  readonly account: string | Unknown
  readonly set: string | Unknown
}

const sides = new WeakMap<readonly string[], ReadonlySet<string>>()

/** Every name that stands in a pair; one set for one list of pairs. */
function sidesOf(pairs: readonly string[]): ReadonlySet<string> {
  let names = sides.get(pairs)
  if (names === undefined) {
    names = new Set(pairs.flatMap(pair => pair.split('|').map(each => each.trim())))
    sides.set(pairs, names)
  }
  return names
}

const heldBy = new WeakMap<ReadonlySet<string>, WeakMap<Group | readonly unknown[], readonly Held[]>>()

/** What is concerned of the known assignments of a group, or of things that may be somebody's: assignments, or groups with theirs. */
function concernedOf(shared: Group | readonly unknown[], wanted: ReadonlySet<string>): readonly Held[] {
  let known = heldBy.get(wanted)
  if (known === undefined) {
    known = new WeakMap()
    heldBy.set(wanted, known)
  }
  let held = known.get(shared)
  if (held === undefined) {
    held =
      shared instanceof Group
        ? concerned(itemsOf<AccountAssignment>(shared.assignments), wanted)
        : (shared as readonly (Group | AccountAssignment)[]).flatMap(each =>
            each instanceof Group ? concernedOf(each, wanted) : concerned([each], wanted),
          )
    known.set(shared, held)
  }
  return held
}

/** Assignments of the sets that are wanted, and of those whose name could not be read. */
function concerned(assignments: readonly AccountAssignment[], wanted: ReadonlySet<string>): Held[] {
  const found: Held[] = []
  for (const assignment of assignments) {
    const set = setName(assignment)
    if (set instanceof Undecided || wanted.has(set)) found.push({ account: assignment.AccountId as string | Unknown, set })
  }
  return found
}

function setName(assignment: AccountAssignment): string | Unknown {
  const set = assignment.permissionSet as PermissionSet | Unknown
  return set instanceof Undecided ? set : set.name
}

/** enabled users of a whole directory, counted once */
const counted = new WeakMap<object, Interval>()

/** Whether the enabled users of an application are at least this share of all enabled users. */
function reachesEveryone(application: Application, ratio: number, minUsers: number): boolean | Unknown {
  const everyone = application.estate.userList()
  const all = counted.get(everyone) ?? enabled(everyone)
  counted.set(everyone, all)
  if (all.high < minUsers) return false
  const reached = enabled(application.effectiveUsers)
  if (all.low >= minUsers && reached.low >= ratio * all.high) return true
  if (reached.high < ratio * all.low) return false
  const gaps = [...all.gaps, ...reached.gaps]
  return gaps.length === 0 ? reached.low >= ratio * all.low && all.low >= minUsers : gaps.slice(0, 20).reduce(joinGaps)
}

interface Interval {
  readonly low: number
  readonly high: number
  readonly gaps: readonly Unknown[]
}

function enabled(list: readonly unknown[] | OpenList): Interval {
  let low = 0
  const gaps: Unknown[] = []
  for (const user of itemsOf<User>(list)) {
    const status = user.UserStatus
    if (status instanceof Undecided) gaps.push(status)
    else if (status === 'ENABLED') low++
  }
  const size = sizeOf(list)
  const more = size instanceof Count ? size.high - size.low : 0
  if (list instanceof OpenList) gaps.push(list.why)
  return { low, high: low + gaps.length + more, gaps }
}
