import { randomBytes } from 'node:crypto'
import { DescribeGroupCommand, DescribeUserCommand, ListGroupsCommand, ListUsersCommand } from '@aws-sdk/client-identitystore'
import { ListAccountsCommand } from '@aws-sdk/client-organizations'
import {
  ListAccountAssignmentsCommand,
  ListAccountAssignmentsForPrincipalCommand,
  ListPermissionSetsCommand,
  ListPermissionSetsProvisionedToAccountCommand,
} from '@aws-sdk/client-sso-admin'
import { sha256 } from '../digest.ts'
import type { Facts, PartPiece } from '../model.ts'
import {
  boundPercent,
  type Checking,
  type CrossCheck,
  checksDataset,
  factsOf,
  forEach,
  isTrouble,
  listed,
  notMade,
  refused,
  sampleOf,
} from './checking.ts'
import type { CommandClass, Operation } from './dataset.ts'
import { checkCounts, checkReservedRoles } from './iam-checks.ts'
import type { Session } from './session.ts'
import type { Trouble } from './trouble.ts'
import type { Witness } from './witness.ts'

export type CheckMode = 'none' | 'sampled' | 'exhaustive'

const pageSize = 100
/** Sampled checks may add a tenth to the calls of the plan; heads and samples share it. */
const mostShare = 0.1

const provisionedToAccount = operation(
  'sso',
  'ListPermissionSetsProvisionedToAccount',
  ListPermissionSetsProvisionedToAccountCommand,
)
const assignmentsForPrincipal = operation('sso', 'ListAccountAssignmentsForPrincipal', ListAccountAssignmentsForPrincipalCommand)
const assignments = operation('sso', 'ListAccountAssignments', ListAccountAssignmentsCommand)
const describeUser = operation('identitystore', 'DescribeUser', DescribeUserCommand)
const describeGroup = operation('identitystore', 'DescribeGroup', DescribeGroupCommand)

/** Asked by checks alone, beside what datasets ask; without permission the check is not made, and says so. */
export const checkOperations: readonly Operation[] = [provisionedToAccount, assignmentsForPrincipal, describeUser, describeGroup]

/**
 * Reads the same populations a second way and compares. What differs is kept with the snapshot, never smoothed.
 * @param planned calls of the collection so far; sampled checks add a tenth at most, and one of each kind at least
 */
export async function crossChecks(
  session: Session,
  witness: Witness,
  mode: Exclude<CheckMode, 'none'>,
  planned: number,
): Promise<readonly PartPiece[]> {
  const seed = randomBytes(8).toString('hex')
  const startedAt = session.way.now()
  const heads = await headsAgain(session, witness)
  const left = Math.max(0, Math.floor(planned * mostShare) - heads.calls)
  const checking = (share: number): Checking => ({
    ...{ session, witness, seed },
    isExhaustive: mode === 'exhaustive',
    calls: Math.max(1, Math.floor(left * share)),
  })
  const checks: readonly CrossCheck[] = [
    ...heads.checks,
    await discoveryBothWays(checking(0.2)),
    await principals(checking(0.4)),
    await emptyPairs(checking(0.2)),
    await references(checking(0.2)),
    checkReservedRoles(witness),
    checkCounts(witness),
  ]
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
  return check.name.startsWith('heads_again organizations.') ? 'organizations' : 'sso'
}

/** The lists that everything hangs from, read once more at the end: what appeared or vanished meanwhile. */
async function headsAgain(session: Session, witness: Witness): Promise<{ checks: readonly CrossCheck[]; calls: number }> {
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
      'sso.permission_set_arns',
      operation('sso', 'ListPermissionSets', ListPermissionSetsCommand),
      { InstanceArn: instanceArn, MaxResults: pageSize },
      'PermissionSets',
      String,
    ],
  ]
  let calls = 0
  const checks = await Promise.all(
    heads.map(async ([dataset, asked, input, list, id]): Promise<CrossCheck> => {
      const name = `heads_again ${dataset}`
      const first = witness.rows(dataset)
      if (typeof first === 'string') return notMade(name, first)
      const said = await listed(session, asked, input, list)
      if (isTrouble(said)) return refused(name, said, asked)
      calls += Math.max(1, Math.ceil(said.length / Number(input.MaxResults)))
      const before = new Set(first.map(row => row.key))
      const after = new Set(said.map(id))
      const differences = compared(before, after, 'vanished while the source was read', 'appeared while the source was read')
      const statement = `Read again at the end: ${differences.length} changes inside the window.`
      return { name, made: true, statement, population: before.size, compared: before.size, differences }
    }),
  )
  return { checks, calls }
}

/** Provisioned pairs by account, against those by permission set that the collection took. */
async function discoveryBothWays({ session, witness, seed, isExhaustive, calls }: Checking): Promise<CrossCheck> {
  const name = 'discovery_both_ways'
  const pairs = witness.rows('sso.provisioned_accounts')
  const accounts = witness.rows('organizations.accounts')
  if (typeof pairs === 'string') return notMade(name, pairs)
  if (typeof accounts === 'string') return notMade(name, accounts)
  const bySet = new Map<string, Set<string>>()
  for (const { key } of pairs) {
    const { setArn, accountId } = ofProvisioned(key)
    bySet.set(accountId, (bySet.get(accountId) ?? new Set()).add(setArn))
  }
  const all = [...new Set([...accounts.map(row => row.key), ...bySet.keys()])]
  const sample = isExhaustive ? all : sampleOf(all, calls, seed)
  const differences: string[] = []
  const trouble = await eachOf(sample, async accountId => {
    const said = await listed(
      session,
      provisionedToAccount,
      { InstanceArn: session.subject.instanceArn, AccountId: accountId, MaxResults: pageSize },
      'PermissionSets',
    )
    if (isTrouble(said)) return said
    const one = bySet.get(accountId) ?? new Set()
    const other = new Set(said.map(String))
    differences.push(...compared(one, other, `in ${accountId} by set only`, `in ${accountId} by account only`))
    return null
  })
  if (trouble !== null) return refused(name, trouble, provisionedToAccount)
  const statement = `${sample.length} of ${all.length} accounts: provisioned permission sets by account against those by set.`
  return { name, made: true, statement, population: all.length, compared: sample.length, differences }
}

/** Assignments of principals, against those of pairs: for a user, its own and those of its groups. */
async function principals({ session, witness, seed, isExhaustive, calls }: Checking): Promise<CrossCheck> {
  const name = 'principal_sample'
  const [users, groups, members, rows] = [
    'identitystore.users',
    'identitystore.groups',
    'identitystore.group_memberships',
    'sso.account_assignments',
  ].map(dataset => witness.rows(dataset))
  for (const each of [users, groups, members, rows]) if (typeof each === 'string') return notMade(name, each)
  const keysOf = (list: typeof users) => (list as readonly { key: string }[]).map(row => row.key)
  const pairsOf = new Map<string, Set<string>>()
  for (const key of keysOf(rows)) {
    const [accountId, setArn, type, id] = key.split('|')
    const principal = `${type}|${id}`
    pairsOf.set(principal, (pairsOf.get(principal) ?? new Set()).add(`${accountId}|${setArn}`))
  }
  const groupsOf = new Map<string, string[]>()
  for (const key of keysOf(members)) {
    const [groupId = '', userId = ''] = key.split('|')
    groupsOf.set(userId, [...(groupsOf.get(userId) ?? []), groupId])
  }
  const all = [...keysOf(users).map(id => `USER|${id}`), ...keysOf(groups).map(id => `GROUP|${id}`)]
  const sample = isExhaustive ? all : sampleOf(all, calls, seed)
  const differences: string[] = []
  const trouble = await eachOf(sample, async principal => {
    const [type = '', id = ''] = principal.split('|')
    const input = { InstanceArn: session.subject.instanceArn, PrincipalId: id, PrincipalType: type, MaxResults: pageSize }
    const said = await listed(session, assignmentsForPrincipal, input, 'AccountAssignments')
    if (isTrouble(said)) return said
    const expected = new Set(pairsOf.get(principal))
    if (type === 'USER')
      for (const group of groupsOf.get(id) ?? []) for (const pair of pairsOf.get(`GROUP|${group}`) ?? []) expected.add(pair)
    const found = new Set(said.map(each => `${each.AccountId}|${each.PermissionSetArn}`))
    differences.push(...compared(expected, found, `of ${principal} by pair only`, `of ${principal} by principal only`))
    return null
  })
  if (trouble !== null) return refused(name, trouble, assignmentsForPrincipal)
  const bound =
    differences.length > 0 || isExhaustive || sample.length === 0
      ? ''
      : ` None differs: at 95 %, fewer than ${boundPercent(sample.length)} % of principals do.`
  const statement = `${sample.length} of ${all.length} users and groups: their assignments against those of the pairs.${bound}`
  return { name, made: true, statement, population: all.length, compared: sample.length, differences }
}

/** Pairs that discovery does not show must hold no assignment: the only check of discovery that does not use it. */
async function emptyPairs({ session, witness, seed, calls }: Checking): Promise<CrossCheck> {
  const name = 'empty_pairs'
  const [accounts, sets, pairs] = ['organizations.accounts', 'sso.permission_set_arns', 'sso.provisioned_accounts'].map(dataset =>
    witness.rows(dataset),
  )
  if (typeof accounts === 'string' || accounts === undefined) return notMade(name, accounts ?? '')
  if (typeof sets === 'string' || sets === undefined) return notMade(name, sets ?? '')
  if (typeof pairs === 'string' || pairs === undefined) return notMade(name, pairs ?? '')
  const provisioned = new Set(pairs.map(row => row.key))
  const population = accounts.length * sets.length - provisioned.size
  const drawn = new Set<string>()
  for (let i = 0; drawn.size < Math.min(calls, population) && i < 100 * calls; i++) {
    const draw = sha256(`${seed} ${i}`)
    const account = accounts[Number.parseInt(draw.slice(0, 12), 16) % accounts.length]!.key
    const set = sets[Number.parseInt(draw.slice(12, 24), 16) % sets.length]!.key
    if (!provisioned.has(`${set}|${account}`)) drawn.add(`${account}|${set}`)
  }
  const differences: string[] = []
  const trouble = await eachOf([...drawn], async pair => {
    const [AccountId = '', PermissionSetArn = ''] = pair.split('|')
    const input = { InstanceArn: session.subject.instanceArn, AccountId, PermissionSetArn, MaxResults: pageSize }
    const said = await listed(session, assignments, input, 'AccountAssignments')
    if (isTrouble(said)) return said.kind === 'not_found' ? null : said
    differences.push(
      ...said.map(each => `${pair}|${each.PrincipalType}|${each.PrincipalId} is assigned where discovery shows nothing`),
    )
    return null
  })
  if (trouble !== null) return refused(name, trouble, assignments)
  const statement = `${drawn.size} of ${population} pairs that discovery does not show: they must hold no assignment.`
  return { name, made: true, statement, population, compared: drawn.size, differences }
}

/** Everything that an assignment names must be known; a principal that is not is deleted, or the directory was not read in full. */
async function references({ session, witness, seed, isExhaustive, calls }: Checking): Promise<CrossCheck> {
  const name = 'references'
  const sets = [
    'sso.account_assignments',
    'identitystore.users',
    'identitystore.groups',
    'organizations.accounts',
    'sso.permission_set_arns',
  ]
  const [rows, users, groups, accounts, arns] = sets.map(dataset => witness.rows(dataset))
  for (const each of [rows, users, groups, accounts, arns]) if (typeof each === 'string') return notMade(name, each)
  const known = (list: typeof rows) => new Set((list as readonly { key: string }[]).map(row => row.key))
  const [userIds, groupIds, accountIds, setArns] = [known(users), known(groups), known(accounts), known(arns)]
  const lost = new Set<string>()
  const differences: string[] = []
  for (const key of known(rows)) {
    const [accountId = '', setArn = '', type = '', id = ''] = key.split('|')
    if (!accountIds.has(accountId)) differences.push(`account ${accountId} of ${key} is not in the organization`)
    if (!setArns.has(setArn)) differences.push(`permission set of ${key} is not listed`)
    if (!(type === 'USER' ? userIds : groupIds).has(id)) lost.add(`${type}|${id}`)
  }
  const asked = isExhaustive ? [...lost] : sampleOf([...lost], calls, seed)
  let deleted = 0
  const { identityStoreId } = session.subject
  const trouble = await eachOf(asked, async principal => {
    const [type, id = ''] = principal.split('|')
    const isUser = type === 'USER'
    const said = await session.ask({
      operation: isUser ? describeUser : describeGroup,
      input: { IdentityStoreId: identityStoreId, ...(isUser ? { UserId: id } : { GroupId: id }) },
      dataset: checksDataset,
    })
    if ('answer' in said) differences.push(`${principal} exists and is in no list`)
    else if (said.trouble.kind === 'not_found' && said.trouble.resourceType !== 'IDENTITY_STORE') deleted++
    else return said.trouble
    return null
  })
  if (trouble !== null) return refused(name, trouble, describeUser)
  const statement = `${known(rows).size} assignments: ${lost.size} principals are in no list, of ${asked.length} asked for ${deleted} are deleted.`
  return { name, made: true, statement, population: known(rows).size, compared: known(rows).size, differences }
}

/** Runs for each item, a few at a time. @returns the first trouble; nothing more is begun after it */
async function eachOf(items: readonly string[], run: (item: string) => Promise<Trouble | null>): Promise<Trouble | null> {
  let trouble: Trouble | null = null
  await forEach(items, async item => {
    if (trouble === null) trouble = await run(item)
  })
  return trouble
}

function compared(one: ReadonlySet<string>, other: ReadonlySet<string>, onlyOne: string, onlyOther: string): readonly string[] {
  return [
    ...[...one].filter(key => !other.has(key)).map(key => `${key} ${onlyOne}`),
    ...[...other].filter(key => !one.has(key)).map(key => `${key} ${onlyOther}`),
  ]
}

function ofProvisioned(key: string): { setArn: string; accountId: string } {
  const bar = key.indexOf('|')
  return { setArn: key.slice(0, bar), accountId: key.slice(bar + 1) }
}

function idOf(member: string): (element: unknown) => string {
  return element => String((element as Facts)[member])
}

function operation(service: string, name: string, command: CommandClass): Operation {
  return { service, name, command }
}
