import { compareBytes } from '../digest.ts'
import type { AccessPath } from '../model.ts'
import type { classesBetween } from './classification.ts'
import { datasetsOfAccess, firstSeen, type Grant, isOver, lastSeen, type Span } from './grant-rows.ts'
import type { Names } from './names.ts'
import type { ProvesAbsence } from './unread.ts'
import { stillHolds } from './versions.ts'
import { splitPair, type Wanted } from './wanted-grants.ts'

/** What paths are dated and named by. */
export interface PathContext {
  readonly source: string
  /** versions asked about, both included */
  readonly first: number
  readonly last: number
  readonly newest: number
  readonly sealed: ReadonlyMap<number, Date>
  readonly provesAbsence: ProvesAbsence
  readonly names: Names
  readonly isIdsOnly: boolean
  readonly classes: Awaited<ReturnType<typeof classesBetween>>
  readonly onlyAdmin: boolean
  readonly usersPlace: Grant['place'] | null
}

/** A grant's span, and the dataset it belongs to. */
interface Hop {
  readonly dataset: string
  readonly grant: Grant
  readonly span: Span
}

/** Every way in which the grants reach a pair in the versions asked about: by account and permission set, then user, group and begin. */
export function* pathsOf(
  assignments: readonly Grant[],
  memberships: readonly Grant[],
  wanted: Wanted,
  context: PathContext,
): Generator<AccessPath> {
  const membersOf = Map.groupBy(memberships, each => each.parent)
  const isAsked = (user: string) => wanted.users === null || wanted.users.includes(user)
  const byPair = Map.groupBy(assignments, each => each.parent)
  for (const pair of [...byPair.keys()].sort(compareBytes)) {
    const paths: AccessPath[] = []
    const target = targetOf(pair, context)
    for (const assignment of byPair.get(pair)!) {
      const isDirect = assignment.principalType === 1
      const group = isDirect ? null : groupOf(assignment.principalKey, context)
      for (const span of assignment.spans) {
        const last: Hop = { dataset: datasetsOfAccess.assignments, grant: assignment, span }
        if (isDirect) {
          if (isAsked(assignment.principalKey)) add(paths, pathOf(assignment.principalKey, null, target, [last], context))
          continue
        }
        for (const member of membersOf.get(assignment.principalKey) ?? []) {
          for (const first of member.spans) {
            const hops = [{ dataset: datasetsOfAccess.memberships, grant: member, span: first }, last]
            add(paths, pathOf(member.principalKey, group, target, hops, context))
          }
        }
      }
    }
    yield* paths.sort(
      (a, b) =>
        compareBytes(a.user.id, b.user.id) ||
        compareBytes(a.group?.id ?? '', b.group?.id ?? '') ||
        (a.beganBy?.getTime() ?? 0) - (b.beganBy?.getTime() ?? 0),
    )
  }
}

function add(paths: AccessPath[], path: AccessPath | null): void {
  if (path !== null) paths.push(path)
}

/** What a pair gives access to. */
type Target = Pick<AccessPath, 'account' | 'permissionSet'>

function targetOf(pair: string, { names }: PathContext): Target {
  const [id, arn] = splitPair(pair)
  return {
    account: { id, name: names.accounts.get(id) ?? null },
    permissionSet: { arn, name: names.permissionSets.get(arn) ?? null },
  }
}

function groupOf(id: string, { names }: PathContext): AccessPath['group'] {
  return { id, name: names.groups.get(id) ?? null }
}

/** The path that these hops make while all of them hold; null when that is never in the versions asked about. */
function pathOf(
  user: string,
  group: AccessPath['group'],
  { account, permissionSet }: Target,
  hops: readonly Hop[],
  context: PathContext,
): AccessPath | null {
  const { first, last, newest, sealed } = context
  let [from, to] = [0, stillHolds]
  for (const { span } of hops) {
    from = Math.max(from, span.from)
    to = Math.min(to, span.to)
  }
  if (from >= to || from > last || to <= first) return null
  const classification = classOf(permissionSet.arn, Math.max(from, first), Math.min(to - 1, last), context)
  if (context.onlyAdmin && classification === 'none') return null
  let [isEnding, absent] = [false, 0]
  for (const hop of hops) {
    isEnding ||= isOver(hop.span)
    absent = Math.max(absent, lastAbsent(hop, context) ?? 0)
  }
  const spans = hops.map(each => each.span)
  const end = Math.min(to, newest + 1)
  const known = lastSeen(spans, from, Math.min(end, last + 1))
  const state = to <= last ? 'ended' : known === last ? 'held' : 'unknown'
  const at = (seen: number | null) => (seen === null ? null : sealed.get(seen)!)
  return {
    source: context.source,
    user: userOf(user, context),
    group,
    permissionSet,
    account,
    classification,
    state,
    knownUntil: state === 'unknown' ? at(known) : null,
    beganAfter: absent === 0 ? null : sealed.get(absent)!,
    beganBy: at(firstSeen(spans, from, end)),
    endedAfter: at(lastSeen(spans, from, end)),
    endedBy: isEnding ? sealed.get(to)! : null,
  }
}

const power = ['none', 'unknown', 'can_escalate', 'admin'] as const

/** The most powerful class of a permission set in the versions that were classified; null where none was. */
function classOf(permissionSet: string, from: number, to: number, { classes }: PathContext): AccessPath['classification'] {
  let most = -1
  for (const [version, sets] of classes)
    if (from <= version && version <= to) most = Math.max(most, power.indexOf(sets.get(permissionSet) ?? 'none'))
  return power[most] ?? null
}

/** The last version before a hop began that proves it was not there; null when none does. */
function lastAbsent({ dataset, grant, span }: Hop, { provesAbsence }: PathContext): number | null {
  const before = grant.spans.filter(each => each.to <= span.from).at(-1)?.to ?? 1
  for (let version = span.from - 1; version >= before; version--) {
    if (provesAbsence(dataset, grant.place, grant.parent, version)) return version
  }
  return null
}

function userOf(id: string, { isIdsOnly, names, provesAbsence, usersPlace, last }: PathContext): AccessPath['user'] {
  if (isIdsOnly) return { id, name: null, status: null, presence: 'not_asked' }
  const known = names.users.get(id)
  const isListed = usersPlace !== null && provesAbsence('identitystore.users', usersPlace, '', last)
  const presence = known?.isPresent === true ? 'present' : isListed ? 'deleted' : 'not_read'
  return { id, name: known?.name ?? null, status: known?.status ?? null, presence }
}
