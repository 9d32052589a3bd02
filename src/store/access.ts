import { compareBytes } from '../digest.ts'
import type { AccessAnswer, AccessPath, Place, UnreadPart } from '../model.ts'
import { classesBetween } from './classification.ts'
import { query } from './database.ts'
import { disposedText, readDisposals } from './disposal.ts'
import { StoreError } from './error.ts'
import {
  datasetsOfAccess,
  firstSeen,
  type Grant,
  isOver,
  lastSeen,
  readAssignments,
  readMemberships,
  type Span,
} from './grant-rows.ts'
import { type DatasetOfNames, datasetsOfNames, disposalsOf, findKeys, type Names, namesAt } from './names.ts'
import { sealTimes } from './resource.ts'
import { readSnapshot, type SealedSnapshot, sealedAsOf } from './snapshot.ts'
import type { Store } from './store.ts'
import { absenceOf, type ProvesAbsence, type UnreadInterval, unreadIntervals } from './unread.ts'
import { stillHolds } from './versions.ts'

/** Who or what is asked about: at least one of account, user and permission set. Each is an id or ARN, or a name. */
export interface AccessQuestion {
  readonly source?: string
  readonly account?: string
  readonly user?: string
  readonly permissionSet?: string
  /** an instant, or a period: then every path that held in some snapshot of it */
  /** true: only paths whose permission set a stored classification calls powerful, or could not decide */
  readonly onlyAdmin?: boolean
  /** true: names, status and presence of users are not read */
  readonly isIdsOnly?: boolean
  readonly when: { readonly asOf: Date } | { readonly from: Date; readonly to: Date }
}

/**
 * Who can reach what, and since when. Only what a snapshot saw counts as held; what it could not see is `unknown` with the time until
 * which it was known, and what may be missing stands in `unread`.
 * @throws {StoreError} NOT_FOUND when no snapshot was sealed by then, or no source knows what is asked about
 */
export async function access(store: Store, question: AccessQuestion): Promise<AccessAnswer> {
  const end = until(question)
  const all = await sealedAsOf(store, end)
  const sealed = all.filter(each => question.source === undefined || each.source === question.source)
  if (sealed.length === 0) {
    throw new StoreError(
      'NOT_FOUND',
      `no snapshot${question.source === undefined ? '' : ` of ${question.source}`} was sealed by ${end.toISOString()}`,
      {
        hint: 'see `evidenced snapshots list`',
      },
    )
  }
  const answers = await Promise.all(sealed.map(each => accessIn(store, question, each)))
  const known = answers.filter(answer => answer !== null)
  if (known.length === 0) {
    const what = [question.account, question.user, question.permissionSet].filter(each => each !== undefined).join(', ')
    const hint = 'write an account id or name, a user id or name, a permission set ARN or name, as AWS has it'
    throw new StoreError('NOT_FOUND', `no snapshot sealed by ${end.toISOString()} knows ${what}`, {
      hint: (await hasDisposedNames(store, sealed)) ? `${hint}; names were disposed of, so ask by id` : hint,
    })
  }
  return {
    snapshots: await Promise.all(sealed.map(each => each.snapshot)),
    unread: known.flatMap(answer => answer.unread),
    disposed: known.flatMap(answer => answer.disposed),
    paths: {
      *[Symbol.iterator]() {
        for (const answer of known) yield* answer.paths()
      },
    },
  }
}

function until({ when }: AccessQuestion): Date {
  return 'asOf' in when ? when.asOf : when.to
}

async function hasDisposedNames(store: Store, sealed: readonly SealedSnapshot[]): Promise<boolean> {
  for (const { sourceId } of sealed) {
    if ((await disposalsOf(store, sourceId, datasetsOfNames)).length > 0) return true
  }
  return false
}

interface SourceAnswer {
  readonly unread: readonly UnreadPart[]
  readonly disposed: readonly string[]
  readonly paths: () => Generator<AccessPath>
}

/** What a question means in one source. Empty lists: nothing of that name. */
interface Wanted {
  readonly accounts: readonly string[] | null
  readonly users: readonly string[] | null
  readonly permissionSets: readonly string[] | null
}

async function accessIn(store: Store, question: AccessQuestion, sealedAt: SealedSnapshot): Promise<SourceAnswer | null> {
  const { source, sourceId, version } = sealedAt
  // what does not rest on the grants is read beside them
  const aside = contextOf(store, question, sealedAt)
  aside.catch(() => {})
  const wanted: Wanted = {
    accounts: await wantedKeys(store, sourceId, 'organizations.accounts', ['Name'], question.account),
    users: await wantedKeys(store, sourceId, 'identitystore.users', ['UserName'], question.user),
    permissionSets: await wantedKeys(store, sourceId, 'sso.permission_sets', ['Name'], question.permissionSet),
  }
  if (wanted.accounts?.length === 0 || wanted.users?.length === 0 || wanted.permissionSets?.length === 0) {
    await aside
    return null
  }
  const { assignments, memberships } = await readGrants(store, sourceId, wanted)
  const isIdsOnly = question.isIdsOnly === true
  const names = isIdsOnly ? noNames : await namesOf(store, sourceId, version, assignments, memberships)
  const { first, classes, sealed, open, silent, provesAbsence } = await aside
  if (question.onlyAdmin === true && classes.size === 0) {
    throw new StoreError(
      'NOT_FOUND',
      `no evaluation judged what snapshot ${version} of ${source} shows, so nobody knows who is admin`,
      {
        hint: `run \`evidenced evaluate --as-of ${until(question).toISOString()}\` first`,
      },
    )
  }
  const snapshot = await sealedAt.snapshot
  const context: Context = {
    source,
    first,
    last: version,
    newest: Math.max(version, ...sealed.keys()),
    sealed,
    classes,
    onlyAdmin: question.onlyAdmin === true,
    provesAbsence,
    names,
    isIdsOnly,
    usersPlace: snapshot.datasets.find(each => each.name === 'identitystore.users')?.place ?? null,
  }
  const principals = new Set(assignments.map(each => each.principalKey))
  const unread = [...unreadOf(open, { first, last: version }, wanted, principals), ...silent]
  const disposals = names.disposed.size === 0 ? null : await readDisposals(store)
  const disposed = [...names.disposed].map(position => `${source}: names were ${disposedText(position, disposals!)}`)
  return { unread, disposed, paths: () => pathsOf(assignments, memberships, wanted, context) }
}

/** What an answer needs beside grants and names. */
async function contextOf(store: Store, question: AccessQuestion, { sourceId, source, version }: SealedSnapshot) {
  const where = { sourceId, source }
  const first = 'asOf' in question.when ? version : await versionAt(store, source, question.when.from)
  const [classes, sealed, open, silent] = await Promise.all([
    classesBetween(store, sourceId, first, version),
    sealTimes(store, { sourceId, version: stillHolds }),
    unreadIntervals(store, where, 1, stillHolds - 1),
    silentDatasets(store, where, { first, last: version }),
  ])
  const provesAbsence = await absenceOf(store, where, [...Object.values(datasetsOfAccess), 'identitystore.users'], open)
  return { first, classes, sealed, open, silent, provesAbsence }
}

const noNames: Names = {
  users: new Map(),
  groups: new Map(),
  permissionSets: new Map(),
  accounts: new Map(),
  disposed: new Set(),
}

async function namesOf(
  store: Store,
  sourceId: number,
  version: number,
  assignments: readonly Grant[],
  memberships: readonly Grant[],
): Promise<Names> {
  const direct = assignments.filter(each => each.principalType === 1)
  const pairs = assignments.map(each => splitPair(each.parent))
  return namesAt(store, sourceId, version, {
    users: [...new Set([...memberships, ...direct].map(each => each.principalKey))],
    groups: [...new Set(memberships.map(each => each.parent))],
    permissionSets: [...new Set(pairs.map(([, permissionSet]) => permissionSet))],
    accounts: [...new Set(pairs.map(([account]) => account))],
  })
}

async function wantedKeys(
  store: Store,
  sourceId: number,
  dataset: DatasetOfNames,
  members: readonly string[],
  text: string | undefined,
): Promise<readonly string[] | null> {
  return text === undefined ? null : findKeys(store, sourceId, dataset, members, text)
}

/** The first version of a period: the last one sealed by its begin, or the first there is. */
async function versionAt(store: Store, source: string, from: Date): Promise<number> {
  return (await readSnapshot(store, source, { asOf: from }))?.version ?? 1
}

async function readGrants(
  store: Store,
  sourceId: number,
  wanted: Wanted,
): Promise<{ assignments: Grant[]; memberships: Grant[] }> {
  if (wanted.users !== null) {
    const memberships = await readMemberships(store, sourceId, { users: wanted.users })
    const principals = [...wanted.users, ...memberships.map(each => each.parent)]
    const assignments = await readAssignments(store, sourceId, { principals })
    return { assignments: assignments.filter(each => isWanted(each.parent, wanted)), memberships }
  }
  const assignments: Grant[] = []
  if (wanted.accounts !== null) {
    for (const account of wanted.accounts) assignments.push(...(await readAssignments(store, sourceId, { account })))
  } else {
    for (const permissionSetArn of wanted.permissionSets ?? [])
      assignments.push(...(await readAssignments(store, sourceId, { permissionSetArn })))
  }
  const chosen = assignments.filter(each => isWanted(each.parent, wanted))
  const groups = new Set(chosen.filter(each => each.principalType === 2).map(each => each.principalKey))
  return { assignments: chosen, memberships: await readMemberships(store, sourceId, { groups: [...groups] }) }
}

function isWanted(pair: string, { accounts, permissionSets }: Wanted): boolean {
  const [account, permissionSet] = splitPair(pair)
  return (accounts === null || accounts.includes(account)) && (permissionSets === null || permissionSets.includes(permissionSet))
}

function splitPair(pair: string): [account: string, permissionSet: string] {
  const bar = pair.indexOf('|')
  return [pair.slice(0, bar), pair.slice(bar + 1)]
}

interface Context {
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

function* pathsOf(
  assignments: readonly Grant[],
  memberships: readonly Grant[],
  wanted: Wanted,
  context: Context,
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

function targetOf(pair: string, { names }: Context): Target {
  const [id, arn] = splitPair(pair)
  return {
    account: { id, name: names.accounts.get(id) ?? null },
    permissionSet: { arn, name: names.permissionSets.get(arn) ?? null },
  }
}

function groupOf(id: string, { names }: Context): AccessPath['group'] {
  return { id, name: names.groups.get(id) ?? null }
}

/** The path that these hops make while all of them hold; null when that is never in the versions asked about. */
function pathOf(
  user: string,
  group: AccessPath['group'],
  { account, permissionSet }: Target,
  hops: readonly Hop[],
  context: Context,
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
function classOf(permissionSet: string, from: number, to: number, { classes }: Context): AccessPath['classification'] {
  let most = -1
  for (const [version, sets] of classes)
    if (from <= version && version <= to) most = Math.max(most, power.indexOf(sets.get(permissionSet) ?? 'none'))
  return power[most] ?? null
}

/** The last version before a hop began that proves it was not there; null when none does. */
function lastAbsent({ dataset, grant, span }: Hop, { provesAbsence }: Context): number | null {
  const before = grant.spans.filter(each => each.to <= span.from).at(-1)?.to ?? 1
  for (let version = span.from - 1; version >= before; version--) {
    if (provesAbsence(dataset, grant.place, grant.parent, version)) return version
  }
  return null
}

function userOf(id: string, { isIdsOnly, names, provesAbsence, usersPlace, last }: Context): AccessPath['user'] {
  if (isIdsOnly) return { id, name: null, status: null, presence: 'not_asked' }
  const known = names.users.get(id)
  const isListed = usersPlace !== null && provesAbsence('identitystore.users', usersPlace, '', last)
  const presence = known?.isPresent === true ? 'present' : isListed ? 'deleted' : 'not_read'
  return { id, name: known?.name ?? null, status: known?.status ?? null, presence }
}

/** Versions that an answer is about, both included. */
interface Versions {
  readonly first: number
  readonly last: number
}

/** Parts that could hide a path of the answer, each in the last version that could not read it. @param open when parts of the source were not read completely */
function unreadOf(
  open: readonly UnreadInterval[],
  { first, last }: Versions,
  wanted: Wanted,
  principals: ReadonlySet<string>,
): UnreadPart[] {
  const hides = ({ dataset, parent }: UnreadPart) => {
    if (dataset === datasetsOfAccess.assignments) return parent === '' || isWanted(parent, wanted)
    if (dataset !== datasetsOfAccess.memberships) return false
    return parent === '' || wanted.users !== null || principals.has(parent)
  }
  return open
    .filter(each => each.from <= last && each.to > first && hides(each))
    .map(({ partId: _, from: __, to, ...part }) => ({ ...part, version: Math.min(last, to - 1) }))
}

/** Datasets of which nothing was read at all, each in the last version that could not. */
async function silentDatasets(
  store: Store,
  { sourceId, source }: { readonly sourceId: number; readonly source: string },
  { first, last }: Versions,
): Promise<UnreadPart[]> {
  const rows = await query<Omit<UnreadPart, 'source' | 'parent' | 'place'> & Place>(
    store.db,
    `select distinct on (d.name, l.account_id, l.region) y.version, d.name as dataset, l.account_id as "accountId", l.region, y.coverage, y.reason
     from dataset_summary y join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id
     where y.source_id = $1 and y.version between $2 and $3 and d.name = any ($4::text[]) and y.parts = 0
     order by d.name, l.account_id, l.region, y.version desc`,
    [sourceId, first, last, Object.values(datasetsOfAccess)],
  )
  return rows.map(({ accountId, region, ...row }) => ({ ...row, source, place: { accountId, region }, parent: '' }))
}
