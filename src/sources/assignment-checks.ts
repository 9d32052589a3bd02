import { DescribeGroupCommand, DescribeUserCommand } from '@aws-sdk/client-identitystore'
import { sha256 } from '../digest.ts'
import type { Facts } from '../model.ts'
import {
  allowanceOf,
  type Checking,
  type CrossCheck,
  drawnFrom,
  eachOf,
  isTrouble,
  keysOf,
  listed,
  notMade,
  refused,
} from './checking.ts'
import { checksDataset, operationsOf } from './dataset.ts'
import { PairSet } from './pair-set.ts'
import { datasetNamed } from './services.ts'

const pageSize = 100
const operation = operationsOf('identitystore')

export const describeUser = operation('DescribeUser', DescribeUserCommand)
export const describeGroup = operation('DescribeGroup', DescribeGroupCommand)

/** Pairs that discovery does not show must hold no assignment: the only check of discovery that does not use it. */
export async function emptyPairs(checking: Checking): Promise<CrossCheck> {
  const { session, witness, seed, calls } = checking
  const spent = allowanceOf(checking)
  const name = 'empty_pairs'
  const read = keysOf(witness, ['organizations.accounts', 'sso.permission_set_arns', 'sso.provisioned_accounts'])
  if (typeof read === 'string') return notMade(name, read)
  const [accounts, sets, pairs] = read
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
  const { operation: assignments } = datasetNamed('sso.account_assignments')
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
export async function references(checking: Checking): Promise<CrossCheck> {
  const { session, witness } = checking
  const spent = allowanceOf(checking)
  const name = 'references'
  const read = keysOf(witness, [
    'sso.account_assignments',
    'identitystore.users',
    'identitystore.groups',
    'organizations.accounts',
    'sso.permission_set_arns',
  ])
  if (typeof read === 'string') return notMade(name, read)
  const [rows, ...lists] = read
  // a bit for each list that a word stands in
  const { words } = rows
  const listedIn = new Uint8Array(words.count)
  for (const [i, list] of lists.entries()) for (let key = 0; key < list.count; key++) listedIn[list.wordAt(key, 0)]! |= 1 << i
  const lost = new Set<string>()
  const differences: string[] = []
  for (let row = 0; row < rows.count; row++) {
    const isIn = (word: number, list: number) => (listedIn[rows.wordAt(row, word)]! & (1 << list)) !== 0
    if (!isIn(0, 2)) differences.push(`account ${rows.textAt(row, 0)} of ${rows.keyAt(row)} is not in the organization`)
    if (!isIn(1, 3)) differences.push(`permission set of ${rows.keyAt(row)} is not listed`)
    const type = rows.textAt(row, 2)
    if (!isIn(3, type === 'USER' ? 0 : 1)) lost.add(`${type}|${rows.textAt(row, 3)}`)
  }
  let deleted = 0
  let refusedOperation = describeUser
  const { identityStoreId } = session.subject
  const trouble = await eachOf(drawnFrom(lost, checking), spent, async principal => {
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
