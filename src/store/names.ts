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
  const only = (rows: readonly NameRow[]) => new Map(rows.map(row => [row.key, row.name]))
  return {
    users: new Map(users.map(row => [row.key, { name: row.name, status: row.status, isPresent: row.to_version > version }])),
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

interface NameRow {
  readonly key: string
  readonly name: string | null
  readonly status: string | null
  readonly to_version: number
  readonly disposed: number | null
}

async function namedAt(
  store: Store,
  sourceId: number,
  version: number,
  dataset: string,
  member: string,
  keys: readonly string[],
): Promise<NameRow[]> {
  if (keys.length === 0) return []
  return query<NameRow>(
    store.db,
    `select distinct on (k.key) k.key, v.body::json->>$5 as name, v.body::json->>'UserStatus' as status, v.to_version, v.disposed::float8 as disposed
     from unnest($4::text[]) w (key) join resource_key k on k.source_id = $1 and k.key = w.key
     join entity e on e.key_id = k.id and e.dataset_id = (select id from dataset where name = $3)
     join entity_version v on v.entity_id = e.id and v.from_version <= $2
     order by k.key, v.from_version desc`,
    [sourceId, version, dataset, keys, member],
  )
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
