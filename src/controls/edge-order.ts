import type { IntColumn } from './columns.ts'
import type { AccountAssignmentColumns } from './edges.ts'
import { type EntityTable, sortByKey } from './entity-table.ts'

/** The place of each number in the byte order of its key, as it stands before a `|`. */
function ranksOf(table: EntityTable, isLast = false): Int32Array {
  const order = sortByKey(Int32Array.from(table.keys.keys()), number =>
    isLast ? table.keys[number]! : `${table.keys[number]!}|`,
  )
  const ranks = new Int32Array(order.length)
  order.forEach((number, rank) => {
    ranks[number] = rank
  })
  return ranks
}

/** Rows of account assignments in the byte order of `account|set|type|principal`, found without building a million keys. */
export function assignmentOrder(
  columns: AccountAssignmentColumns,
  {
    accounts,
    permissionSets,
    users,
    groups,
  }: { readonly [table in 'accounts' | 'permissionSets' | 'users' | 'groups']: EntityTable },
): Int32Array | null {
  const [byAccount, bySet] = [ranksOf(accounts), ranksOf(permissionSets)]
  const principals = { user: ranksOf(users, true), group: ranksOf(groups, true) }
  const most = Math.max(users.length, groups.length, 1)
  const places = new Float64Array(columns.length)
  for (let row = 0; row < columns.length; row++) {
    const kind = columns.kind(row)
    if (kind === null) return null
    const pair = byAccount[columns.account(row)]! * permissionSets.length + bySet[columns.permissionSet(row)]!
    places[row] = (pair * 2 + (kind === 'user' ? 1 : 0)) * most + principals[kind][columns.principal(row)]!
  }
  return sorted(
    Int32Array.from({ length: columns.length }, (_, row) => row),
    places,
  )
}

/** Rows of memberships in the byte order of `group|user`, of the groups that count. */
export function membershipOrder(
  memberships: { readonly groups: IntColumn; readonly users: IntColumn },
  tables: { readonly groups: EntityTable; readonly users: EntityTable },
  counts: (group: number) => boolean,
): Int32Array {
  const [byGroup, byUser] = [ranksOf(tables.groups), ranksOf(tables.users, true)]
  const rows = Int32Array.from({ length: memberships.groups.length }, (_, row) => row).filter(row =>
    counts(memberships.groups.at(row)),
  )
  const places = new Float64Array(memberships.groups.length)
  for (const row of rows)
    places[row] = byGroup[memberships.groups.at(row)]! * tables.users.length + byUser[memberships.users.at(row)]!
  return sorted(rows, places)
}

/** The store hands rows over in this order already. */
function sorted(rows: Int32Array, places: Float64Array): Int32Array {
  for (let i = 1; i < rows.length; i++) {
    if (places[rows[i - 1]!]! > places[rows[i]!]!) return rows.sort((a, b) => places[a]! - places[b]!)
  }
  return rows
}
