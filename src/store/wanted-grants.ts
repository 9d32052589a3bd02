import { type Grant, readAssignments, readMemberships } from './grant-rows.ts'
import { type DatasetOfNames, findKeys } from './names.ts'
import type { Store } from './store.ts'

/** What a question means in one source. Empty lists: nothing of that name. */
export interface Wanted {
  readonly accounts: readonly string[] | null
  readonly users: readonly string[] | null
  readonly permissionSets: readonly string[] | null
}

/** What is asked about, by id or name, as the keys that a source knows it by. */
export async function wantedOf(
  store: Store,
  sourceId: number,
  { account, user, permissionSet }: { readonly account?: string; readonly user?: string; readonly permissionSet?: string },
): Promise<Wanted> {
  const keysOf = async (dataset: DatasetOfNames, member: string, text: string | undefined) =>
    text === undefined ? null : findKeys(store, sourceId, dataset, [member], text)
  return {
    accounts: await keysOf('organizations.accounts', 'Name', account),
    users: await keysOf('identitystore.users', 'UserName', user),
    permissionSets: await keysOf('sso.permission_sets', 'Name', permissionSet),
  }
}

/** The assignments that are asked about, at any time, and the memberships of their groups. */
export async function readGrants(
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

/** Whether an account and a permission set, `accountId|permissionSetArn`, are among those asked about. */
export function isWanted(pair: string, { accounts, permissionSets }: Wanted): boolean {
  const [account, permissionSet] = splitPair(pair)
  return (accounts === null || accounts.includes(account)) && (permissionSets === null || permissionSets.includes(permissionSet))
}

export function splitPair(pair: string): [account: string, permissionSet: string] {
  const bar = pair.indexOf('|')
  return [pair.slice(0, bar), pair.slice(bar + 1)]
}
