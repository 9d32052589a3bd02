import {
  allowanceOf,
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
import { provisionedToAccount } from './discovery-by-account.ts'
import { datasetNamed } from './services.ts'

const pageSize = 100
const name = 'discovery_both_ways'

/** The provisioned pairs of accounts, or of permission sets, asked the way that the collection did not take. */
export async function discoveryBothWays(checking: Checking): Promise<CrossCheck> {
  const { session, witness } = checking
  const isByAccount = session.discovery === 'by_set'
  const asked = isByAccount ? byAccount : bySet
  const read = keysOf(witness, ['sso.provisioned_accounts', asked.population])
  if (typeof read === 'string') return notMade(name, read)
  const [pairs, known] = read
  const every = new Set(known.firstWords())
  for (const [setArn = '', accountId = ''] of pairs) every.add(isByAccount ? accountId : setArn)
  const all = [...every]
  const sample = drawnFrom(all, checking)
  const taken = new Map(sample.map(each => [each, new Set<string>()]))
  for (const [setArn = '', accountId = ''] of pairs)
    if (isByAccount) taken.get(accountId)?.add(setArn)
    else taken.get(setArn)?.add(accountId)
  const differences: string[] = []
  const spent = allowanceOf(checking)
  const trouble = await eachOf(sample, spent, async each => {
    const input = { InstanceArn: session.subject.instanceArn, [asked.member]: each, MaxResults: pageSize }
    const said = await listed(session, asked.operation, input, asked.list, String, spent)
    if (isTrouble(said)) return said
    const [one, other] = isByAccount ? ['set', 'account'] : ['account', 'set']
    differences.push(...compared(taken.get(each)!, new Set(said), `in ${each} by ${one} only`, `in ${each} by ${other} only`))
    return null
  })
  if (trouble !== null) return refused(name, trouble, asked.operation)
  const statement = `${spent.compared} of ${all.length} ${asked.statement}`
  return { name, made: true, statement, population: all.length, compared: spent.compared, differences }
}

const byAccount = {
  population: 'organizations.accounts',
  operation: provisionedToAccount,
  member: 'AccountId',
  list: 'PermissionSets',
  statement: 'accounts: provisioned permission sets by account against those by set.',
}

const bySet = {
  population: 'sso.permission_set_arns',
  operation: datasetNamed('sso.provisioned_accounts').operation,
  member: 'PermissionSetArn',
  list: 'AccountIds',
  statement: 'permission sets: accounts they are provisioned to by set against those by account.',
}
