import type { AccessAnswer, AccessPath, Place, UnreadPart } from '../model.ts'
import { type PathContext, pathsOf } from './access-paths.ts'
import { classesBetween } from './classification.ts'
import { query } from './database.ts'
import { disposedText, readDisposals } from './disposal.ts'
import { StoreError } from './error.ts'
import { datasetsOfAccess, type Grant } from './grant-rows.ts'
import { datasetsOfNames, disposalsOf, type Names, namesAt } from './names.ts'
import { sealTimes } from './seen-since.ts'
import { readSnapshot, type SealedSnapshot, sealedAsOf } from './snapshot.ts'
import type { Store } from './store.ts'
import { absenceOf, type UnreadInterval, unreadIntervals } from './unread.ts'
import { stillHolds } from './versions.ts'
import { isWanted, readGrants, splitPair, type Wanted, wantedOf } from './wanted-grants.ts'

/** Who or what is asked about: at least one of account, user and permission set. Each is an id or ARN, or a name. */
export interface AccessQuestion {
  readonly source?: string
  readonly account?: string
  readonly user?: string
  readonly permissionSet?: string
  /** true: only paths whose permission set a stored classification calls powerful, or could not decide */
  readonly onlyAdmin?: boolean
  /** true: names, status and presence of users are not read */
  readonly isIdsOnly?: boolean
  /** an instant, or a period: then every path that held in some snapshot of it */
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

async function accessIn(store: Store, question: AccessQuestion, sealedAt: SealedSnapshot): Promise<SourceAnswer | null> {
  const { source, sourceId, version } = sealedAt
  // what does not rest on the grants is read beside them
  const aside = contextOf(store, question, sealedAt)
  aside.catch(() => {})
  const wanted = await wantedOf(store, sourceId, question)
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
  const context: PathContext = {
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

/** The first version of a period: the last one sealed by its begin, or the first there is. */
async function versionAt(store: Store, source: string, from: Date): Promise<number> {
  return (await readSnapshot(store, source, { asOf: from }))?.version ?? 1
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
