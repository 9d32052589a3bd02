import { randomBytes } from 'node:crypto'
import { DescribeGroupCommand, DescribeUserCommand, ListGroupsCommand, ListUsersCommand } from '@aws-sdk/client-identitystore'
import { ListAccountsCommand } from '@aws-sdk/client-organizations'
import { ListAccountAssignmentsCommand, ListInstancesCommand, ListPermissionSetsCommand } from '@aws-sdk/client-sso-admin'
import { sha256 } from '../digest.ts'
import type { Facts, PartPiece } from '../model.ts'
import {
  allowanceOf,
  type Checking,
  type CrossCheck,
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
import type { KeyLog } from './key-log.ts'
import { PairSet } from './pair-set.ts'
import { type PendingChanges, pendingCalls, pendingOperations } from './pending-changes.ts'
import { assignmentsForPrincipal, principals } from './principal-check.ts'
import type { Session } from './session.ts'
import type { Witness } from './witness.ts'

export type CheckMode = 'none' | 'sampled' | 'exhaustive'

const pageSize = 100
/** Sampled checks may add a tenth to the calls of the plan; heads and samples share it. */
const mostShare = 0.1

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
    const { words } = first
    // as numbers, for a hundred thousand users are read again
    const said = await listed(session, asked, input, list, element => {
      const number = words.numberOf(id(element))
      return number < 0 ? id(element) : number
    })
    if (isTrouble(said)) return refused(name, said, asked)
    const { population, vanished, appeared } = comparedAgain(first, said)
    const differences = [
      ...vanished.map(key => `${key} vanished while the source was read`),
      ...appeared.map(key => `${key} appeared while the source was read`),
    ]
    const statement = `Read again at the end: ${differences.length} changes inside the window.`
    return { name, made: true, statement, population, compared: population, differences }
  })
  return { checks, calls }
}

/** @param again numbers of words, and texts that were none */
function comparedAgain(first: KeyLog, again: readonly (number | string)[]) {
  const { words } = first
  const isThere = new Uint8Array(words.count)
  const isAgain = new Uint8Array(words.count)
  let population = 0
  for (let key = 0; key < first.count; key++) {
    const word = first.wordAt(key, 0)
    if (isThere[word] === 0) population++
    isThere[word] = 1
  }
  const appeared = new Set<string>()
  for (const said of again) {
    if (typeof said === 'string') appeared.add(said)
    else {
      isAgain[said] = 1
      if (isThere[said] === 0) appeared.add(words.textOf(said))
    }
  }
  const vanished: string[] = []
  for (let word = 0; word < words.count; word++) if (isThere[word] === 1 && isAgain[word] === 0) vanished.push(words.textOf(word))
  return { population, vanished, appeared: [...appeared] }
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
  const provisioned = new PairSet(pairs.words)
  for (const [setArn = '', accountId = ''] of pairs) provisioned.add(accountId, setArn)
  const drawn = new Set<string>()
  for (let i = 0; drawn.size < Math.min(calls, population) && i < 100 * calls; i++) {
    const draw = sha256(`${seed} ${i}`)
    const account = accountIds[Number.parseInt(draw.slice(0, 12), 16) % accountIds.length]!
    const set = setArns[Number.parseInt(draw.slice(12, 24), 16) % setArns.length]!
    if (!provisioned.has(account, set)) drawn.add(`${account}|${set}`)
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
  // a bit for each list that a word stands in
  const { words } = rows
  const listedIn = new Uint8Array(words.count)
  for (const [i, list] of (lists as KeyLog[]).entries())
    for (let key = 0; key < list.count; key++) listedIn[list.wordAt(key, 0)]! |= 1 << i
  const lost = new Set<string>()
  const differences: string[] = []
  for (let row = 0; row < rows.count; row++) {
    const isIn = (word: number, list: number) => (listedIn[rows.wordAt(row, word)]! & (1 << list)) !== 0
    if (!isIn(0, 2)) differences.push(`account ${rows.textAt(row, 0)} of ${rows.keyAt(row)} is not in the organization`)
    if (!isIn(1, 3)) differences.push(`permission set of ${rows.keyAt(row)} is not listed`)
    const type = rows.textAt(row, 2)
    if (!isIn(3, type === 'USER' ? 0 : 1)) lost.add(`${type}|${rows.textAt(row, 3)}`)
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

function principalOf({ PrincipalType, PrincipalId }: Facts): string {
  return `${PrincipalType}|${PrincipalId}`
}

function idOf(member: string): (element: unknown) => string {
  return element => String((element as Facts)[member])
}

function operation(service: string, name: string, command: CommandClass): Operation {
  return { service, name, command }
}
