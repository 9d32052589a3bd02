import type { Facts } from '../model.ts'
import { type Connection, query, transaction } from './database.ts'
import { StoreError } from './error.ts'
import { appendTo } from './ledger.ts'
import { findKeys } from './names.ts'
import { isIamUser } from './person.ts'
import type { Store } from './store.ts'

/** What a hold keeps: everything, one source, or one person of a source (by the user's id in the identity store, or the ARN of an IAM user). */
export type HoldScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'source'; readonly source: string }
  | { readonly kind: 'person'; readonly source: string; readonly user: string }

/** A legal hold: while it stands, nothing in its scope is disposed of. */
export interface Hold {
  /** position of its entry in the ledger */
  readonly id: number
  readonly scope: HoldScope
  readonly reason: string
  readonly by: string
  readonly addedAt: Date
  /** null while it stands */
  readonly released: { readonly at: Date; readonly reason: string; readonly by: string } | null
}

/**
 * Puts a hold into the ledger, where it stays for good; it counts from then on.
 * @param scope of a person, `user` is an id or a user name; the id is kept
 * @throws {StoreError} NOT_FOUND when the database knows no such source or person; AMBIGUOUS when several have the name
 */
export async function addHold(store: Store, scope: HoldScope, reason: string, by: string): Promise<Hold> {
  const settled = await settle(store, scope)
  const at = store.now()
  const { position } = await transaction(store.db, on =>
    appendTo(on, at, 'hold', { event: 'added', scope: { ...settled }, reason, by }),
  )
  return { id: position, scope: settled, reason, by, addedAt: at, released: null }
}

/** @throws {StoreError} NOT_FOUND when there is no hold of that number, or it was released before */
export async function releaseHold(store: Store, id: number, reason: string, by: string): Promise<Hold> {
  const at = store.now()
  return transaction(store.db, async on => {
    // held to the end of the transaction, so that a hold ends once
    await on.execute('lock table ledger in share row exclusive mode')
    const hold = (await readHolds(on)).find(each => each.id === id)
    if (hold === undefined || hold.released !== null) {
      const what = hold === undefined ? `there is no hold ${id}` : `hold ${id} was released on ${hold.released!.at.toISOString()}`
      throw new StoreError('NOT_FOUND', what, { hint: 'see `evidenced hold list`' })
    }
    await appendTo(on, at, 'hold', { event: 'released', hold: id, reason, by })
    return { ...hold, released: { at, reason, by } }
  })
}

/** Every hold, newest first, released ones too. */
export async function listHolds(store: Store): Promise<readonly Hold[]> {
  return (await readHolds({ query: (text, values) => query(store.db, text, values) })).toReversed()
}

/** Holds that stand, oldest first. */
export async function standingHolds(on: Pick<Connection, 'query'>): Promise<readonly Hold[]> {
  return (await readHolds(on)).filter(hold => hold.released === null)
}

async function readHolds(on: Pick<Connection, 'query'>): Promise<Hold[]> {
  const rows = await on.query<{ position: number; at: Date; payload: string }>(
    `select position::float8 as position, at, payload from ledger where kind = 'hold' order by position`,
  )
  const holds = new Map<number, Hold>()
  for (const { position, at, payload } of rows) {
    const entry = JSON.parse(payload) as Facts & { readonly reason: string; readonly by: string }
    const { reason, by } = entry
    if (entry.event === 'added') {
      holds.set(position, { id: position, scope: entry.scope as HoldScope, reason, by, addedAt: at, released: null })
      continue
    }
    const held = holds.get(Number(entry.hold))
    if (held !== undefined) holds.set(held.id, { ...held, released: { at, reason, by } })
  }
  return [...holds.values()]
}

async function settle(store: Store, scope: HoldScope): Promise<HoldScope> {
  if (scope.kind === 'all') return scope
  const id = await knownSource(store, scope.source)
  return scope.kind === 'source' ? scope : { ...scope, user: await onePerson(store, id, scope.source, scope.user) }
}

/** @throws {StoreError} NOT_FOUND */
export async function knownSource(store: Store, label: string): Promise<number> {
  const [found] = await query<{ id: number }>(store.db, 'select id from source where label = $1', [label])
  if (found !== undefined) return found.id
  throw new StoreError('NOT_FOUND', `this database knows no source ${label}`, { hint: 'see `evidenced snapshots list`' })
}

/**
 * The id of the one user of a source that an id or a user name means; of an IAM user, its ARN.
 * @throws {StoreError} NOT_FOUND, AMBIGUOUS
 */
export async function onePerson(store: Store, sourceId: number, source: string, text: string): Promise<string> {
  const dataset = isIamUser(text) ? 'iam.users' : 'identitystore.users'
  const keys = dataset === 'iam.users' ? [text] : await findKeys(store, sourceId, dataset, ['UserName'], text)
  const users = await query<{ key: string }>(
    store.db,
    `select distinct k.key from entity e join resource_key k on k.id = e.key_id
     where e.source_id = $1 and e.dataset_id = (select id from dataset where name = $3) and k.key = any ($2::text[]) order by k.key`,
    [sourceId, keys, dataset],
  )
  if (users.length === 1) return users[0]!.key
  if (users.length === 0)
    throw new StoreError('NOT_FOUND', `no snapshot of ${source} ever showed the user ${text}`, {
      hint: 'write the user id, or the user name as the directory had it; of an IAM user, the ARN',
    })
  throw new StoreError(
    'AMBIGUOUS',
    `${users.length} users of ${source} had the name ${text}: ${users.map(each => each.key).join(', ')}`,
    {
      hint: 'write the user id',
    },
  )
}

/** A hold in few words: `hold 12 on source acme`. */
export function holdText({ id, scope }: Hold): string {
  const what =
    scope.kind === 'all'
      ? 'everything'
      : scope.kind === 'source'
        ? `source ${scope.source}`
        : `user ${scope.user} of ${scope.source}`
  return `hold ${id} on ${what}`
}
