import { randomBytes } from 'node:crypto'
import { DescribeGroupCommand, DescribeUserCommand, ListGroupsCommand, ListUsersCommand } from '@aws-sdk/client-identitystore'
import { ListAccountsCommand } from '@aws-sdk/client-organizations'
import {
  ListAccountAssignmentsCommand,
  ListAccountAssignmentsForPrincipalCommand,
  ListInstancesCommand,
  ListPermissionSetsCommand,
} from '@aws-sdk/client-sso-admin'
import { sha256 } from '../digest.ts'
import type { Facts, PartPiece } from '../model.ts'
import {
  allowanceOf,
  boundPercent,
  type Checking,
  type CrossCheck,
  compared,
  eachOf,
  factsOf,
  isTrouble,
  listed,
  notMade,
  refused,
  sampleOf,
} from './checking.ts'
import { type CommandClass, checksDataset, type Operation } from './dataset.ts'
import { provisionedToAccount } from './discovery-by-account.ts'
import { discoveryBothWays } from './discovery-checks.ts'
import { checkKeptDocuments } from './document-checks.ts'
import { checkCounts, checkReservedRoles } from './iam-checks.ts'
import { PairNumbers } from './pair-numbers.ts'
import { type PendingChanges, pendingCalls, pendingOperations } from './pending-changes.ts'
import type { Session } from './session.ts'
import type { Witness } from './witness.ts'

export type CheckMode = 'none' | 'sampled' | 'exhaustive'

const pageSize = 100
/** Sampled checks may add a tenth to the calls of the plan; heads and samples share it. */
const mostShare = 0.1

const assignmentsForPrincipal = operation('sso', 'ListAccountAssignmentsForPrincipal', ListAccountAssignmentsForPrincipalCommand)
const assignments = operation('sso', 'ListAccountAssignments', ListAccountAssignmentsCommand)
const describeUser = operation('identitystore', 'DescribeUser', DescribeUserCommand)
const describeGroup = operation('identitystore', 'DescribeGroup', DescribeGroupCommand)

/** Asked by checks alone, beside what datasets ask; without permission the check is not made, and says so. */
export const checkOperations: readonly Operation[] = [
  provisionedToAccount,
  assignmentsForPrincipal,
  describeUser,
  describeGroup,
  ...pendingOperations,
]

/**
 * Reads the same populations a second way and compares. What differs is kept with the snapshot, never smoothed.
 * @param pending what was in progress when the reading began
 * @param planned calls of the collection so far; sampled checks add a tenth at most, and one of each kind at least
 */
export async function crossChecks(
  session: Session,
  witness: Witness,
  pending: PendingChanges,
  mode: Exclude<CheckMode, 'none'>,
  planned: number,
): Promise<readonly PartPiece[]> {
  const seed = randomBytes(8).toString('hex')
  const startedAt = session.way.now()
  const heads = headsOf(session, witness)
  const left = Math.max(0, Math.floor(planned * mostShare) - heads.calls - pendingCalls)
  const checking = (share: number): Checking => ({
    ...{ session, witness, seed },
    isExhaustive: mode === 'exhaustive',
    calls: Math.max(1, Math.floor(left * share)),
  })
  // side by side: a list that is paged one answer after the other must not keep the budgets idle
  const checks: readonly CrossCheck[] = await together([
    ...heads.checks,
    () => discoveryBothWays(checking(0.2)),
    () => principals(checking(0.35)),
    () => emptyPairs(checking(0.2)),
    () => references(checking(0.2)),
    () => checkKeptDocuments(checking(0.05)),
    () => pending.check(),
    () => Promise.resolve(checkDates(witness)),
    () => Promise.resolve(checkReservedRoles(witness)),
    () => Promise.resolve(checkCounts(witness)),
  ])
  const end = {
    coverage: 'complete' as const,
    reason: null,
    gaps: [],
    pages: 0,
    duplicates: 0,
    firstObservedAt: startedAt,
    lastObservedAt: session.way.now(),
  }
  // kept where they were asked, beside their calls
  const places = new Map(checks.map(check => [session.place(serviceOf(check)).region, session.place(serviceOf(check))]))
  return [...places.values()].map(place => {
    const here = checks.filter(check => session.place(serviceOf(check)).region === place.region)
    const rows = here.map(check => ({ key: check.name, facts: factsOf(check, seed) }))
    return { part: { dataset: checksDataset, place, parent: '' }, isFirst: true, rows, end }
  })
}

function serviceOf(check: CrossCheck): string {
  if (check.name === 'kept_documents') return 'iam'
  return check.name.startsWith('heads_again organizations.') ? 'organizations' : 'sso'
}

/** All of them, in their order; the first failure is thrown once none is under way. */
async function together<T>(jobs: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
  const ends = await Promise.allSettled(jobs.map(job => job()))
  return ends.map(end => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
}

/** The lists that everything hangs from, to be read once more at the end: what appeared or vanished meanwhile; and the calls that takes. */
function headsOf(session: Session, witness: Witness): { checks: readonly (() => Promise<CrossCheck>)[]; calls: number } {
  const { instanceArn, identityStoreId } = session.subject
  const store = { IdentityStoreId: identityStoreId, MaxResults: pageSize }
  const heads: readonly [string, Operation, Facts, string, (element: unknown) => string][] = [
    ['identitystore.users', operation('identitystore', 'ListUsers', ListUsersCommand), store, 'Users', idOf('UserId')],
    ['identitystore.groups', operation('identitystore', 'ListGroups', ListGroupsCommand), store, 'Groups', idOf('GroupId')],
    [
      'organizations.accounts',
      operation('organizations', 'ListAccounts', ListAccountsCommand),
      { MaxResults: 20 },
      'Accounts',
      idOf('Id'),
    ],
    [
      'sso.instances',
      operation('sso', 'ListInstances', ListInstancesCommand),
      { MaxResults: pageSize },
      'Instances',
      idOf('InstanceArn'),
    ],
    [
      'sso.permission_set_arns',
      operation('sso', 'ListPermissionSets', ListPermissionSetsCommand),
      { InstanceArn: instanceArn, MaxResults: pageSize },
      'PermissionSets',
      String,
    ],
  ]
  const calls = heads.reduce((total, [dataset, , input]) => {
    const keys = witness.keys(dataset)
    return typeof keys === 'string' ? total : total + Math.max(1, Math.ceil(keys.count / Number(input.MaxResults)))
  }, 0)
  const checks = heads.map(([dataset, asked, input, list, id]) => async (): Promise<CrossCheck> => {
    const name = `heads_again ${dataset}`
    const first = witness.keys(dataset)
    if (typeof first === 'string') return notMade(name, first)
    const said = await listed(session, asked, input, list, id)
    if (isTrouble(said)) return refused(name, said, asked)
    const before = new Set(first.firstWords())
    const after = new Set(said)
    const differences = compared(before, after, 'vanished while the source was read', 'appeared while the source was read')
    const statement = `Read again at the end: ${differences.length} changes inside the window.`
    return { name, made: true, statement, population: before.size, compared: before.size, differences }
  })
  return { checks, calls }
}

/** What AWS itself dates into the window of the reading. */
function checkDates(witness: Witness): CrossCheck {
  const { dated, changes, named } = witness.changedMeanwhile()
  const statement = `${dated} users, groups and memberships with dates: ${changes} were made or changed while the source was read. Deletions do not show.`
  return {
    name: 'changed_in_window',
    made: true,
    statement,
    population: dated,
    compared: dated,
    differences: named,
    found: changes,
  }
}

/** Assignments of principals, against those of pairs: for a user, its own and those of its groups. */
async function principals(checking: Checking): Promise<CrossCheck> {
  const { session, witness, seed, isExhaustive, calls } = checking
  const spent = allowanceOf(checking)
  const name = 'principal_sample'
  const [users, groups, members, rows] = [
    'identitystore.users',
    'identitystore.groups',
    'identitystore.group_memberships',
    'sso.account_assignments',
  ].map(dataset => witness.keys(dataset!))
  if (typeof users === 'string' || users === undefined) return notMade(name, users ?? '')
  if (typeof groups === 'string' || groups === undefined) return notMade(name, groups ?? '')
  if (typeof members === 'string' || members === undefined) return notMade(name, members ?? '')
  if (typeof rows === 'string' || rows === undefined) return notMade(name, rows ?? '')
  const all: string[] = []
  for (const id of users.firstWords()) all.push(`USER|${id}`)
  for (const id of groups.firstWords()) all.push(`GROUP|${id}`)
  const sample = isExhaustive ? all : sampleOf(all, calls, seed)
  // of those who were not drawn nothing is gathered
  const groupsOf = new Map<string, string[]>(sample.map(principal => [principal, []]))
  for (const [groupId = '', userId = ''] of members) groupsOf.get(`USER|${userId}`)?.push(groupId)
  // the groups of a sample are soon all of them, and hold nearly every assignment: as numbers of their pairs
  const pairs = new PairNumbers()
  const pairsOf = new Map<string, number[]>(sample.map(principal => [principal, []]))
  for (const of of groupsOf.values()) for (const group of of) pairsOf.set(`GROUP|${group}`, [])
  for (const [accountId = '', setArn = '', type, id] of rows) pairsOf.get(`${type}|${id}`)?.push(pairs.of(accountId, setArn))
  const differences: string[] = []
  const trouble = await eachOf(sample, spent, async principal => {
    const [type = '', id = ''] = principal.split('|')
    const input = { InstanceArn: session.subject.instanceArn, PrincipalId: id, PrincipalType: type, MaxResults: pageSize }
    const said = await listed(session, assignmentsForPrincipal, input, 'AccountAssignments', pairOf, spent)
    if (isTrouble(said)) return said
    const holders = [principal, ...(type === 'USER' ? (groupsOf.get(principal) ?? []).map(group => `GROUP|${group}`) : [])]
    const expected = new Set(holders.flatMap(holder => pairsOf.get(holder) ?? []).map(pair => pairs.textOf(pair)))
    const found = new Set(said)
    differences.push(...compared(expected, found, `of ${principal} by pair only`, `of ${principal} by principal only`))
    return null
  })
  if (trouble !== null) return refused(name, trouble, assignmentsForPrincipal)
  const bound =
    differences.length > 0 || isExhaustive || spent.compared === 0
      ? ''
      : ` None differs: at 95 %, fewer than ${boundPercent(spent.compared)} % of principals do.`
  const statement = `${spent.compared} of ${all.length} users and groups: their assignments against those of the pairs.${bound}`
  return { name, made: true, statement, population: all.length, compared: spent.compared, differences }
}

/** Pairs that discovery does not show must hold no assignment: the only check of discovery that does not use it. */
async function emptyPairs(checking: Checking): Promise<CrossCheck> {
  const { session, witness, seed, calls } = checking
  const spent = allowanceOf(checking)
  const name = 'empty_pairs'
  const [accounts, sets, pairs] = ['organizations.accounts', 'sso.permission_set_arns', 'sso.provisioned_accounts'].map(dataset =>
    witness.keys(dataset),
  )
  if (typeof accounts === 'string' || accounts === undefined) return notMade(name, accounts ?? '')
  if (typeof sets === 'string' || sets === undefined) return notMade(name, sets ?? '')
  if (typeof pairs === 'string' || pairs === undefined) return notMade(name, pairs ?? '')
  const [accountIds, setArns] = [[...accounts.firstWords()], [...sets.firstWords()]]
  const population = accountIds.length * setArns.length - pairs.count
  // pairs as numbers: a quarter of a million of them as text take 40 MB
  const accountAt = new Map(accountIds.map((id, i) => [id, i]))
  const setAt = new Map(setArns.map((arn, i) => [arn, i]))
  const provisioned = new Set<number>()
  for (const [setArn = '', accountId = ''] of pairs) {
    const [set, account] = [setAt.get(setArn), accountAt.get(accountId)]
    if (set !== undefined && account !== undefined) provisioned.add(set * accountIds.length + account)
  }
  const drawn = new Set<string>()
  for (let i = 0; drawn.size < Math.min(calls, population) && i < 100 * calls; i++) {
    const draw = sha256(`${seed} ${i}`)
    const account = Number.parseInt(draw.slice(0, 12), 16) % accountIds.length
    const set = Number.parseInt(draw.slice(12, 24), 16) % setArns.length
    if (!provisioned.has(set * accountIds.length + account)) drawn.add(`${accountIds[account]}|${setArns[set]}`)
  }
  const differences: string[] = []
  const trouble = await eachOf([...drawn], spent, async pair => {
    const [AccountId = '', PermissionSetArn = ''] = pair.split('|')
    const input = { InstanceArn: session.subject.instanceArn, AccountId, PermissionSetArn, MaxResults: pageSize }
    const said = await listed(session, assignments, input, 'AccountAssignments', principalOf, spent)
    if (isTrouble(said)) return said.kind === 'not_found' ? null : said
    differences.push(...said.map(principal => `${pair}|${principal} is assigned where discovery shows nothing`))
    return null
  })
  if (trouble !== null) return refused(name, trouble, assignments)
  const statement = `${spent.compared} of ${population} pairs that discovery does not show: they must hold no assignment.`
  return { name, made: true, statement, population, compared: spent.compared, differences }
}

/** Everything that an assignment names must be known; a principal that is not is deleted, or the directory was not read in full. */
async function references(checking: Checking): Promise<CrossCheck> {
  const { session, witness, seed, isExhaustive, calls } = checking
  const spent = allowanceOf(checking)
  const name = 'references'
  const sets = [
    'sso.account_assignments',
    'identitystore.users',
    'identitystore.groups',
    'organizations.accounts',
    'sso.permission_set_arns',
  ]
  const [rows, ...lists] = sets.map(dataset => witness.keys(dataset))
  if (typeof rows === 'string' || rows === undefined) return notMade(name, rows ?? '')
  for (const each of lists) if (typeof each === 'string') return notMade(name, each)
  const known = lists.map(list => new Set((list as Exclude<typeof list, string>).firstWords()))
  const [userIds, groupIds, accountIds, setArns] = known as [Set<string>, Set<string>, Set<string>, Set<string>]
  const lost = new Set<string>()
  const differences: string[] = []
  for (const words of rows) {
    const [accountId = '', setArn = '', type = '', id = ''] = words
    if (!accountIds.has(accountId)) differences.push(`account ${accountId} of ${words.join('|')} is not in the organization`)
    if (!setArns.has(setArn)) differences.push(`permission set of ${words.join('|')} is not listed`)
    if (!(type === 'USER' ? userIds : groupIds).has(id)) lost.add(`${type}|${id}`)
  }
  const asked = isExhaustive ? [...lost] : sampleOf([...lost], calls, seed)
  let deleted = 0
  let refusedOperation = describeUser
  const { identityStoreId } = session.subject
  const trouble = await eachOf(asked, spent, async principal => {
    const [type, id = ''] = principal.split('|')
    const isUser = type === 'USER'
    const said = await session.ask({
      operation: isUser ? describeUser : describeGroup,
      input: { IdentityStoreId: identityStoreId, ...(isUser ? { UserId: id } : { GroupId: id }) },
      dataset: checksDataset,
    })
    spent.calls++
    if ('answer' in said) differences.push(`${principal} exists and is in no list`)
    else if (said.trouble.kind === 'not_found' && said.trouble.resourceType !== 'IDENTITY_STORE') deleted++
    else {
      refusedOperation = isUser ? describeUser : describeGroup
      return said.trouble
    }
    return null
  })
  if (trouble !== null) return refused(name, trouble, refusedOperation)
  const statement = `${rows.count} assignments: ${lost.size} principals are in no list, of ${spent.compared} asked for ${deleted} are deleted.`
  return { name, made: true, statement, population: rows.count, compared: rows.count, differences }
}

function pairOf({ AccountId, PermissionSetArn }: Facts): string {
  return `${AccountId}|${PermissionSetArn}`
}

function principalOf({ PrincipalType, PrincipalId }: Facts): string {
  return `${PrincipalType}|${PrincipalId}`
}

function idOf(member: string): (element: unknown) => string {
  return element => String((element as Facts)[member])
}

function operation(service: string, name: string, command: CommandClass): Operation {
  return { service, name, command }
}
