import type { SimulatedOrganization, SimulatedPair } from './organization.ts'

interface Provisioned {
  readonly stamp: readonly unknown[]
  readonly accounts: ReadonlyMap<string, readonly string[]>
  readonly permissionSets: ReadonlyMap<string, readonly string[]>
}

const kept = new WeakMap<SimulatedOrganization, Provisioned>()

/** Accounts where a permission set is provisioned, sorted. */
export function accountsOf(organization: SimulatedOrganization, permissionSetArn: string): readonly string[] {
  return provisioned(organization).accounts.get(permissionSetArn) ?? []
}

/** ARNs of the permission sets that are provisioned in an account, sorted. */
export function permissionSetsIn(organization: SimulatedOrganization, accountId: string): readonly string[] {
  return provisioned(organization).permissionSets.get(accountId) ?? []
}

function keyOf(pair: SimulatedPair): string {
  return `${pair.AccountId}|${pair.PermissionSetArn}`
}

/** Small organizations are counted anew each time; of large ones the answer is kept until a list is another one or changes its ends. */
function provisioned(organization: SimulatedOrganization): Provisioned {
  const { assignments, provisionedPairs, unlistedPairs } = organization
  const stamp = [assignments, provisionedPairs, unlistedPairs].flatMap(list => [list, list.length, list[0], list.at(-1)])
  const last = kept.get(organization)
  if (last && assignments.length + provisionedPairs.length > 2_000 && last.stamp.every((part, i) => part === stamp[i]))
    return last
  const unlisted = new Set(unlistedPairs.map(keyOf))
  const pairs = new Set<string>()
  const accounts = new Map<string, string[]>()
  const permissionSets = new Map<string, string[]>()
  for (const list of [assignments, provisionedPairs]) {
    for (const pair of list) {
      const key = keyOf(pair)
      if (pairs.has(key)) continue
      pairs.add(key)
      if (unlisted.has(key)) continue
      push(accounts, pair.PermissionSetArn, pair.AccountId)
      push(permissionSets, pair.AccountId, pair.PermissionSetArn)
    }
  }
  for (const lists of [accounts, permissionSets]) for (const list of lists.values()) list.sort()
  const made = { stamp, accounts, permissionSets }
  kept.set(organization, made)
  return made
}

function push(into: Map<string, string[]>, key: string, value: string): void {
  const list = into.get(key)
  if (list) list.push(value)
  else into.set(key, [value])
}
