import type { Facts, Json } from '../model.ts'
import { query } from './database.ts'
import type { Store } from './store.ts'

/** What people call things, as far as a snapshot or one before it showed it. */
export interface Names {
  readonly users: ReadonlyMap<
    string,
    { readonly name: string | null; readonly status: string | null; readonly isPresent: boolean }
  >
  readonly groups: ReadonlyMap<string, string | null>
  readonly permissionSets: ReadonlyMap<string, string | null>
  readonly accounts: ReadonlyMap<string, string | null>
  /** entries of the ledger under which bodies with some of these names were disposed of */
  readonly disposed: ReadonlySet<number>
}

/** Where names stand. */
export const datasetsOfNames = [
  'identitystore.users',
  'identitystore.groups',
  'sso.permission_sets',
  'organizations.accounts',
] as const

/** Names as of a version; of what is gone by then, the last one. */
export async function namesAt(
  store: Store,
  sourceId: number,
  version: number,
  of: { readonly users: readonly string[]; readonly groups: readonly string[]; readonly pairs: readonly string[] },
): Promise<Names> {
  const read = (dataset: string, member: string, keys: readonly string[]) =>
    namedAt(store, sourceId, version, dataset, member, keys)
  const halves = of.pairs.map(pair => [pair.slice(0, pair.indexOf('|')), pair.slice(pair.indexOf('|') + 1)] as const)
  const [users, groups, permissionSets, accounts] = await Promise.all([
    read('identitystore.users', 'UserName', of.users),
    read('identitystore.groups', 'DisplayName', of.groups),
    read('sso.permission_sets', 'Name', [...new Set(halves.map(([, set]) => set))]),
    read('organizations.accounts', 'Name', [...new Set(halves.map(([account]) => account))]),
  ])
  const only = (rows: readonly Named[]) => new Map(rows.map(row => [row.key, row.name]))
  return {
    users: new Map(users.map(row => [row.key, { name: row.name, status: row.status, isPresent: row.to > version }])),
    groups: only(groups),
    permissionSets: only(permissionSets),
    accounts: only(accounts),
    disposed: new Set([...users, ...groups, ...permissionSets, ...accounts].flatMap(row => row.disposed ?? [])),
  }
}

/** Entries of the ledger under which bodies of these datasets were disposed of: names may be missing, or not be found. */
export async function disposalsOf(store: Store, sourceId: number, datasets: readonly string[]): Promise<number[]> {
  const rows = await query<{ disposed: number }>(
    store.db,
    `select distinct v.disposed::float8 as disposed from entity_version v join entity e on e.id = v.entity_id join dataset d on d.id = e.dataset_id
     where v.disposed is not null and v.source_id = $1 and d.name = any ($2::text[]) order by 1`,
    [sourceId, datasets],
  )
  return rows.map(row => row.disposed)
}

interface Named {
  readonly key: string
  readonly name: string | null
  readonly status: string | null
  readonly to: number
  readonly disposed: number | null
}

async function namedAt(
  store: Store,
  sourceId: number,
  version: number,
  dataset: string,
  member: string,
  keys: readonly string[],
): Promise<Named[]> {
  if (keys.length === 0) return []
  // one key after the other: for thousands of them a join would read all keys there are
  const rows = await query<{ key: string; body: string | null; to: number; disposed: number | null }>(
    store.db,
    `select w.key, v.body, v.to_version as to, v.disposed::float8 as disposed from unnest($4::text[]) w (key) cross join lateral (
       select v.body, v.to_version, v.disposed from resource_key k join entity e on e.key_id = k.id join entity_version v on v.entity_id = e.id
       where k.source_id = $1 and k.key = w.key and e.dataset_id = (select id from dataset where name = $3) and v.from_version <= $2
       order by v.from_version desc limit 1) v`,
    [sourceId, version, dataset, keys],
  )
  return rows.map(({ body, ...row }) => {
    const facts = JSON.parse(body ?? '{}') as Facts
    return { ...row, name: textOf(facts[member]), status: textOf(facts.UserStatus) }
  })
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}

/** Keys that a text means: the key itself if anything has it, else what ever had it as its name. */
export async function findKeys(
  store: Store,
  sourceId: number,
  dataset: string,
  members: readonly string[],
  text: string,
): Promise<string[]> {
  const known = await query<{ key: string }>(store.db, 'select key from resource_key where source_id = $1 and key = $2', [
    sourceId,
    text,
  ])
  if (known.length > 0) return [text]
  if (await isHalfOfPair(store, sourceId, dataset, text)) return [text]
  const named = await query<{ key: string }>(
    store.db,
    `select distinct k.key from entity e join entity_version v on v.entity_id = e.id join resource_key k on k.id = e.key_id
     where e.source_id = $1 and e.dataset_id = (select id from dataset where name = $2)
       and exists (select from unnest($3::text[]) m (name) where v.body::json->>m.name = $4) order by k.key`,
    [sourceId, dataset, members, text],
  )
  return named.map(row => row.key)
}

/** Accounts and permission sets may be known from assignments alone, when their own lists may not be read. */
async function isHalfOfPair(store: Store, sourceId: number, dataset: string, text: string): Promise<boolean> {
  const half =
    dataset === 'organizations.accounts'
      ? `parent >= $2::text || '|' and parent < $2::text || '}'`
      : `strpos(parent, '|') > 0 and substr(parent, strpos(parent, '|') + 1) = $2`
  const rows = await query(
    store.db,
    `select from part where source_id = $1 and dataset_id = (select id from dataset where name = 'sso.account_assignments') and ${half} limit 1`,
    [sourceId, text],
  )
  return rows.length > 0
}
