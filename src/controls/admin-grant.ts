import type { StoredState } from '../model.ts'
import type { Nameable } from './approvals.ts'
import { Change, type ChangeSurroundings } from './change.ts'
import type { List } from './entity.ts'
import type { Past } from './past.ts'
import { isUnproven } from './past.ts'
import type { AdminSpan, PastSets } from './past-sets.ts'
import { joinGaps, type Unknown } from './values.ts'

const memberships = 'identitystore.group_memberships'
const assignments = 'sso.account_assignments'
export const adminGrantDatasets: readonly string[] = [memberships, assignments]

/** One account assignment by its ids. */
export interface AssignmentIds {
  readonly accountId: string
  readonly setArn: string
  readonly type: string
  readonly principalId: string
}

/** What admin grants ask of the estate as it is now. */
export interface GrantSurroundings extends ChangeSurroundings {
  readonly pastSets: PastSets
  setArns(): Iterable<string>
  /** the present assignments of these pairs (`accountId|setArn`) */
  assignmentsOfPairs(pairs: ReadonlySet<string>): Iterable<AssignmentIds>
  assignmentsOfGroupId(groupId: string): Iterable<AssignmentIds>
  assignmentsOfSetArn(arn: string): Iterable<AssignmentIds>
  memberIds(groupId: string): Iterable<string>
  groupIds(userId: string): ReadonlySet<string>
  userNamed(id: string): Nameable
  groupNamed(id: string): Nameable
  setNamed(arn: string): Nameable
  accountNamed(id: string): Nameable
  usersById(id: string): List
  /** why a start that no snapshot proves is none */
  unproven(dataset: string, key: string): Unknown
}

/** A time in which something held, in versions. */
interface Span {
  readonly from: number
  /** the last version that proves that it did not hold before; null: it held from the beginning */
  readonly after: number | null
  readonly to: number
  /** null: it surely held */
  readonly why: Unknown | null
  readonly how: readonly string[]
  readonly groupId: string | null
}

/** Users who gained admin-equivalent access to an account, by a new assignment, a new membership or a change of the set's policies. */
export function adminGrants(estate: GrantSurroundings, past: Past): readonly AdminGrant[] {
  const finder = new Finder(estate, past)
  return [...finder.candidates()].flatMap(candidate => {
    const [userId, accountId, setArn] = candidate.split('|') as [string, string, string]
    return grantOf(estate, past, { userId, accountId, setArn }, finder.paths(userId, accountId, setArn))
  })
}

class Finder {
  readonly #estate: GrantSurroundings
  readonly #past: Past
  readonly #members = new Map<string, Map<string, readonly Span[]>>()
  readonly #groupsOfUser = new Map<string, Set<string>>()
  readonly #changed: { readonly ids: AssignmentIds; readonly spans: readonly Span[] }[] = []
  readonly #byPair = new Map<string, { readonly ids: AssignmentIds; readonly spans: readonly Span[] }[]>()

  constructor(estate: GrantSurroundings, past: Past) {
    this.#estate = estate
    this.#past = past
    for (const states of past.timelines(memberships)) {
      const { GroupId, MemberId } = states[0]!.facts as { GroupId?: string; MemberId?: { UserId?: string } }
      const userId = MemberId?.UserId
      if (GroupId === undefined || userId === undefined) continue
      const members = this.#members.get(GroupId) ?? new Map<string, readonly Span[]>()
      this.#members.set(
        GroupId,
        members.set(
          userId,
          states.flatMap(state => this.#spansOf(state, 'membership')),
        ),
      )
      this.#groupsOfUser.set(userId, (this.#groupsOfUser.get(userId) ?? new Set()).add(GroupId))
    }
    for (const states of past.timelines(assignments)) {
      const { AccountId, PermissionSetArn, PrincipalType, PrincipalId } = states[0]!.facts
      const ids = {
        accountId: String(AccountId),
        setArn: String(PermissionSetArn),
        type: String(PrincipalType),
        principalId: String(PrincipalId),
      }
      this.#changed.push({ ids, spans: states.flatMap(state => this.#spansOf(state, 'assignment')) })
    }
  }

  /** `user|account|set` of everything that may have been gained; a set that administered at no time is none. */
  candidates(): ReadonlySet<string> {
    const found = new Set<string>()
    const everAdmin = (arn: string) => this.#estate.pastSets.spans(arn).length > 0
    const add = ({ accountId, setArn, type, principalId }: AssignmentIds) => {
      if (!everAdmin(setArn)) return
      for (const userId of type === 'USER' ? [principalId] : this.#everMembers(principalId))
        found.add(`${userId}|${accountId}|${setArn}`)
    }
    for (const { ids } of this.#changed) add(ids)
    for (const arn of this.#estate.pastSets.changed(this.#estate.setArns()))
      for (const ids of this.#estate.assignmentsOfSetArn(arn)) add(ids)
    for (const [groupId, users] of this.#members) {
      const held = [
        ...this.#estate.assignmentsOfGroupId(groupId),
        ...this.#changed.filter(({ ids }) => ids.principalId === groupId).map(({ ids }) => ids),
      ]
      for (const { accountId, setArn } of held)
        if (everAdmin(setArn)) for (const userId of users.keys()) found.add(`${userId}|${accountId}|${setArn}`)
    }
    const pairs = new Set([...found].map(each => each.slice(each.indexOf('|') + 1)))
    const full = [{ from: this.#past.first, after: null, to: Number.POSITIVE_INFINITY, why: null, how: [], groupId: null }]
    const put = (ids: AssignmentIds, spans: readonly Span[]) => {
      const pair = `${ids.accountId}|${ids.setArn}`
      if (!pairs.has(pair)) return
      const known = this.#byPair.get(pair)
      if (known === undefined) this.#byPair.set(pair, [{ ids, spans }])
      else known.push({ ids, spans })
    }
    const changed = new Set(this.#changed.map(({ ids }) => keyOf(ids)))
    for (const { ids, spans } of this.#changed) put(ids, spans)
    for (const ids of this.#estate.assignmentsOfPairs(pairs)) if (!changed.has(keyOf(ids))) put(ids, full)
    return found
  }

  /** Every way by which a user held a set on an account at any time of the period. */
  paths(userId: string, accountId: string, setArn: string): readonly Span[] {
    const admin = this.#estate.pastSets.spans(setArn).map(span => this.#adminSpan(span))
    return (this.#byPair.get(`${accountId}|${setArn}`) ?? []).flatMap(({ ids, spans }) => {
      if (ids.type === 'USER') return ids.principalId === userId ? cross(spans, admin) : []
      const member = this.#membership(ids.principalId, userId)
      return cross(cross(spans, member), admin).map(span => ({ ...span, groupId: ids.principalId }))
    })
  }

  #membership(groupId: string, userId: string): readonly Span[] {
    const changed = this.#members.get(groupId)?.get(userId)
    if (changed !== undefined) return changed
    if (!this.#estate.groupIds(userId).has(groupId)) return []
    return [{ from: this.#past.first, after: null, to: Number.POSITIVE_INFINITY, why: null, how: [], groupId: null }]
  }

  #everMembers(groupId: string): Iterable<string> {
    return new Set([...this.#estate.memberIds(groupId), ...(this.#members.get(groupId)?.keys() ?? [])])
  }

  #adminSpan({ from, to, why }: AdminSpan): Span {
    const isStart = from <= this.#past.first
    return { from, to, why, after: isStart ? null : from - 1, how: isStart ? [] : ['policy'], groupId: null }
  }

  /** What no snapshot proves, and what was not seen any more, is only possible. */
  #spansOf(state: StoredState, how: string): readonly Span[] {
    const { from, lastSeen, dataset, key } = state
    const end = state.to ?? Number.POSITIVE_INFINITY
    const isSeen = state.to === null ? lastSeen >= this.#past.last : lastSeen >= state.to - 1
    const span: Span = {
      from,
      after: state.isFromTheStart ? null : (state.notBefore ?? from - 1),
      to: isSeen ? end : lastSeen + 1,
      why: null,
      how: state.isFromTheStart ? [] : [how],
      groupId: null,
    }
    const why = this.#estate.unproven(dataset, key)
    const before = isUnproven(state) ? [{ ...span, from: this.#past.first, after: null, to: from, why, how: [] }] : []
    const rest = isSeen ? [] : [{ ...span, from: lastSeen + 1, to: end, why }]
    return [...before, span, ...rest]
  }
}

function keyOf({ accountId, setArn, type, principalId }: AssignmentIds): string {
  return `${accountId}|${setArn}|${type}|${principalId}`
}

/** When both held. */
function cross(one: readonly Span[], other: readonly Span[]): readonly Span[] {
  return one.flatMap(a =>
    other.flatMap(b => {
      const from = Math.max(a.from, b.from)
      const to = Math.min(a.to, b.to)
      if (from >= to) return []
      const why = a.why === null ? b.why : b.why === null ? a.why : joinGaps(a.why, b.why)
      const begun = [a, b].filter(each => each.from === from && each.after !== null)
      const after = begun.length === 0 ? (from === a.from ? a.after : b.after) : Math.max(...begun.map(each => each.after!))
      return [{ from, to, why, after, how: [...new Set(begun.flatMap(each => each.how))], groupId: null }]
    }),
  )
}

interface Held {
  readonly userId: string
  readonly accountId: string
  readonly setArn: string
}

function grantOf(estate: GrantSurroundings, past: Past, held: Held, paths: readonly Span[]): readonly AdminGrant[] {
  const sure = paths.filter(({ why }) => why === null)
  const ends = Math.max(...sure.map(({ to }) => to))
  const isHeld = ends === Number.POSITIVE_INFINITY
  const maybe = paths.filter(({ why, to }) => why !== null && to === Number.POSITIVE_INFINITY)
  if (!isHeld && maybe.length > 0) {
    const run = runOf(paths, Number.POSITIVE_INFINITY)
    const why = maybe.map(each => each.why!).reduce(joinGaps)
    return run.from > past.first ? [new AdminGrant(estate, past, held, run, why, false)] : []
  }
  if (sure.length === 0) return []
  const run = runOf(sure, ends)
  if (run.from <= past.first) return []
  const perhaps = paths.filter(({ why, from, to }) => why !== null && to >= run.from && from < run.from)
  const isOlder = perhaps.length > 0 && runOf(paths, ends).from <= past.first
  return [new AdminGrant(estate, past, held, run, isOlder ? perhaps.map(each => each.why!).reduce(joinGaps) : true, !isHeld)]
}

/** The first of the spans that, one after the other, reach up to an end. */
function runOf(spans: readonly Span[], end: number): Span {
  let first = spans.filter(({ to }) => to === end).reduce((a, b) => (b.from < a.from ? b : a))
  for (;;) {
    const before = spans.filter(({ from, to }) => from < first.from && to >= first.from)
    if (before.length === 0) return first
    first = before.reduce((a, b) => (b.from < a.from ? b : a))
  }
}

export class AdminGrant extends Change {
  declare readonly estate: GrantSurroundings
  readonly AccountId: string
  readonly PermissionSetArn: string
  readonly UserId: string
  readonly isGained: true | Unknown
  readonly how: readonly string[]
  readonly #groupId: string | null

  constructor(estate: GrantSurroundings, past: Past, held: Held, run: Span, isGained: true | Unknown, isUndone: boolean) {
    super(estate, `${held.userId}|${held.accountId}|${held.setArn}`, {
      shownAt: past.sealedAt(run.from),
      unchangedAt: past.sealedAt(run.after ?? past.first),
      isUndone,
    })
    this.UserId = held.userId
    this.AccountId = held.accountId
    this.PermissionSetArn = held.setArn
    this.isGained = isGained
    this.how = run.how
    this.#groupId = run.groupId
  }

  get typeName(): string {
    return 'AdminGrant'
  }
  get name(): string {
    const said = ({ id, name }: Nameable) => (typeof name === 'string' ? name : id)
    const { estate } = this
    return `${said(estate.userNamed(this.UserId))}: ${said(estate.setNamed(this.PermissionSetArn))} on ${said(estate.accountNamed(this.AccountId))}`
  }
  get groupName(): string | null | Unknown {
    return this.#groupId === null ? null : this.estate.groupNamed(this.#groupId).name
  }
  /** The user; none when there is no such user any more. */
  get users(): List {
    return this.estate.usersById(this.UserId)
  }
  protected get approvable() {
    const { estate } = this
    const byAssignment = [['user', 'permissionSet'] as const, ['group', 'permissionSet'] as const]
    const byMembership = [['user', 'group'] as const, ['user', 'permissionSet'] as const]
    return {
      user: estate.userNamed(this.UserId),
      ...(this.#groupId === null ? {} : { group: estate.groupNamed(this.#groupId) }),
      permissionSet: estate.setNamed(this.PermissionSetArn),
      account: estate.accountNamed(this.AccountId),
      resources: [],
      needs: this.how.includes('policy')
        ? [['permissionSet'] as const]
        : this.how.includes('assignment')
          ? byAssignment
          : byMembership,
    }
  }
}
