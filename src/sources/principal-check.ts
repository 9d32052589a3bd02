import { ListAccountAssignmentsForPrincipalCommand } from '@aws-sdk/client-sso-admin'
import {
  allowanceOf,
  boundPercent,
  type Checking,
  type CrossCheck,
  compared,
  drawnFrom,
  eachOf,
  isTrouble,
  keysOf,
  listed,
  notMade,
  refused,
} from './checking.ts'
import { operationsOf } from './dataset.ts'
import type { KeyLog } from './key-log.ts'
import { NumberLists } from './number-lists.ts'

const name = 'principal_sample'
const pageSize = 100

export const assignmentsForPrincipal = operationsOf('sso')(
  'ListAccountAssignmentsForPrincipal',
  ListAccountAssignmentsForPrincipalCommand,
)

/** Assignments of principals, against those of pairs: for a user, its own and those of its groups. */
export async function principals(checking: Checking): Promise<CrossCheck> {
  const { session, witness, isExhaustive } = checking
  const spent = allowanceOf(checking)
  const read = keysOf(witness, [
    'identitystore.users',
    'identitystore.groups',
    'identitystore.group_memberships',
    'sso.account_assignments',
  ])
  if (typeof read === 'string') return notMade(name, read)
  const [users, groups, members, rows] = read
  const sample = drawnFrom(everyone(users, groups), checking)
  const held = new Held(sample, members, rows)
  const differences: string[] = []
  const trouble = await eachOf(sample, spent, async principal => {
    const [type, id] = split(principal)
    const input = { InstanceArn: session.subject.instanceArn, PrincipalId: id, PrincipalType: type, MaxResults: pageSize }
    const pairOf = ({ AccountId, PermissionSetArn }: { [member: string]: unknown }) => `${AccountId}|${PermissionSetArn}`
    const said = await listed(session, assignmentsForPrincipal, input, 'AccountAssignments', pairOf, spent)
    if (isTrouble(said)) return said
    const [expected, found] = [held.by(principal), new Set(said)]
    differences.push(...compared(expected, found, `of ${principal} by pair only`, `of ${principal} by principal only`))
    return null
  })
  if (trouble !== null) return refused(name, trouble, assignmentsForPrincipal)
  const bound =
    differences.length > 0 || isExhaustive || spent.compared === 0
      ? ''
      : ` None differs: at 95 %, fewer than ${boundPercent(spent.compared)} % of principals do.`
  const population = users.count + groups.count
  const statement = `${spent.compared} of ${population} users and groups: their assignments against those of the pairs.${bound}`
  return { name, made: true, statement, population, compared: spent.compared, differences }
}

function* everyone(users: KeyLog, groups: KeyLog): Generator<string> {
  for (const id of users.firstWords()) yield `USER|${id}`
  for (const id of groups.firstWords()) yield `GROUP|${id}`
}

function split(principal: string): readonly [type: string, id: string] {
  const bar = principal.indexOf('|')
  return [principal.slice(0, bar), principal.slice(bar + 1)]
}

/**
 * What the principals of a sample hold by the pairs. The groups of a sample are soon all of them, and hold nearly every assignment: a principal
 * is the number of its word here, twice, and one for a group; an assignment is its place among the keys.
 */
class Held {
  readonly #rows: KeyLog
  readonly #groupsOf: NumberLists
  readonly #rowsOf: NumberLists

  constructor(sample: readonly string[], members: KeyLog, rows: KeyLog) {
    const { words } = rows
    this.#rows = rows
    this.#groupsOf = new NumberLists(2 * words.count)
    this.#rowsOf = new NumberLists(2 * words.count)
    const wanted = new Uint8Array(2 * words.count)
    for (const principal of sample) wanted[this.#numberOf(principal)] = 1
    for (let key = 0; key < members.count; key++) {
      const [group, user] = [2 * members.wordAt(key, 0) + 1, 2 * members.wordAt(key, 1)]
      if (wanted[user] !== 1) continue
      this.#groupsOf.add(user, group)
      // of those who were not drawn nothing is gathered
      wanted[group] ||= 2
    }
    const [aUser, aGroup] = [words.numberOf('USER'), words.numberOf('GROUP')]
    for (let row = 0; row < rows.count; row++) {
      const type = rows.wordAt(row, 2)
      if (type !== aUser && type !== aGroup) continue
      const principal = 2 * rows.wordAt(row, 3) + (type === aGroup ? 1 : 0)
      if (wanted[principal] !== 0) this.#rowsOf.add(principal, row)
    }
  }

  /** Pairs (`accountId|permissionSetArn`) of a principal of the sample, and of its groups if it is a user. */
  by(principal: string): ReadonlySet<string> {
    const number = this.#numberOf(principal)
    const pairs = new Set<string>()
    for (const holder of [number, ...this.#groupsOf.of(number)])
      for (const row of this.#rowsOf.of(holder)) pairs.add(`${this.#rows.textAt(row, 0)}|${this.#rows.textAt(row, 1)}`)
    return pairs
  }

  #numberOf(principal: string): number {
    const [type, id] = split(principal)
    return 2 * this.#rows.words.numberOf(id) + (type === 'GROUP' ? 1 : 0)
  }
}
