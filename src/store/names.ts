import { canonicalJson } from '../digest.ts'
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
/** One of them. */
export type DatasetOfNames = (typeof datasetsOfNames)[number]

/** Names as of a version; of what is gone by then, the last one. */
export async function namesAt(
  store: Store,
  sourceId: number,
  version: number,
  of: Readonly<Record<'users' | 'groups' | 'permissionSets' | 'accounts', readonly string[]>>,
): Promise<Names> {
  const wanted = {
    'identitystore.users': of.users,
    'identitystore.groups': of.groups,
    'sso.permission_sets': of.permissionSets,
    'organizations.accounts': of.accounts,
  }
  const names = {
    users: new Map(),
    groups: new Map(),
    permissionSets: new Map(),
    accounts: new Map(),
    disposed: new Set<number>(),
  }
  for (const { dataset, key, body, to, disposed } of await bodiesAt(store, sourceId, version, wanted)) {
    const facts = JSON.parse(body ?? '{}') as Facts
    if (dataset === 'identitystore.users') {
      const user = { name: textOf(facts.UserName), status: textOf(facts.UserStatus), isPresent: to > version }
      names.users.set(key, user)
    } else if (dataset === 'identitystore.groups') names.groups.set(key, textOf(facts.DisplayName))
    else if (dataset === 'sso.permission_sets') names.permissionSets.set(key, textOf(facts.Name))
    else names.accounts.set(key, textOf(facts.Name))
    if (disposed !== null) names.disposed.add(disposed)
  }
  return names
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

interface LastBody {
  readonly dataset: DatasetOfNames
  readonly key: string
  readonly body: string | null
  readonly to: number
  readonly disposed: number | null
}

/** The last versions of some keys that began by a version. One key is looked up after the other: for thousands a join would read all keys there are. */
async function bodiesAt(
  store: Store,
  sourceId: number,
  version: number,
  wanted: Readonly<Record<DatasetOfNames, readonly string[]>>,
): Promise<LastBody[]> {
  const pairs = datasetsOfNames.flatMap(dataset => wanted[dataset].map(key => [dataset, key] as const))
  return query<LastBody>(
    store.db,
    `select w.dataset, w.key, v.body, v.to_version as to, v.disposed::float8 as disposed
     from unnest($3::text[], $4::text[]) w (dataset, key) join dataset d on d.name = w.dataset cross join lateral (
       select v.body, v.to_version, v.disposed from resource_key k join entity e on e.key_id = k.id join entity_version v on v.entity_id = e.id
       where k.source_id = $1 and k.key = w.key and e.dataset_id = d.id and v.from_version <= $2
       order by v.from_version desc limit 1) v`,
    [sourceId, version, pairs.map(([dataset]) => dataset), pairs.map(([, key]) => key)],
  )
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}

/** Keys that a text means: the key itself if the dataset (of permission sets, their list too) has it, or grants know it, else what ever had it as its name. */
export async function findKeys(
  store: Store,
  sourceId: number,
  dataset: DatasetOfNames,
  members: readonly string[],
  text: string,
): Promise<string[]> {
  const known = await query(
    store.db,
    `select from resource_key k join entity e on e.key_id = k.id
     where k.source_id = $1 and k.key = $2 and e.dataset_id in (select id from dataset where name = any ($3::text[]))`,
    [sourceId, text, dataset === 'sso.permission_sets' ? [dataset, 'sso.permission_set_arns'] : [dataset]],
  )
  if (known.length > 0 || (await isGranted(store, sourceId, dataset, text))) return [text]
  const named = await query<{ key: string }>(
    store.db,
    `select distinct k.key from entity e join entity_version v on v.entity_id = e.id join resource_key k on k.id = e.key_id
     where e.source_id = $1 and e.dataset_id = (select id from dataset where name = $2)
       -- most bodies do not hold it, and need not be taken apart
       and strpos(v.body, $5) > 0 and exists (select from unnest($3::text[]) m (name) where v.body::json->>m.name = $4) order by k.key`,
    [sourceId, dataset, members, text, canonicalJson(text)],
  )
  return named.map(row => row.key)
}

/** Users, accounts and permission sets may be known from grants alone, when their own lists may not be read. */
async function isGranted(store: Store, sourceId: number, dataset: DatasetOfNames, text: string): Promise<boolean> {
  if (dataset === 'identitystore.users') {
    const grants = await query(
      store.db,
      `select from resource_key k where k.source_id = $1 and k.key = $2 and (exists (select from membership_version m where m.user_id = k.id)
         or exists (select from assignment_version a where a.principal_id = k.id and a.principal_type = 1))`,
      [sourceId, text],
    )
    return grants.length > 0
  }
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
