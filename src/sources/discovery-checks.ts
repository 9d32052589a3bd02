import {
  allowanceOf,
  type Checking,
  type CrossCheck,
  compared,
  eachOf,
  isTrouble,
  listed,
  notMade,
  refused,
  sampleOf,
} from './checking.ts'
import { provisionedToAccount } from './discovery-by-account.ts'
import { datasetNamed } from './services.ts'

const pageSize = 100
const name = 'discovery_both_ways'

/** The provisioned pairs of accounts, or of permission sets, asked the way that the collection did not take. */
export async function discoveryBothWays(checking: Checking): Promise<CrossCheck> {
  const { session, witness, seed, isExhaustive, calls } = checking
  const pairs = witness.keys('sso.provisioned_accounts')
  if (typeof pairs === 'string') return notMade(name, pairs)
  const isByAccount = session.discovery === 'by_set'
  const asked = isByAccount ? byAccount : bySet
  const known = witness.keys(asked.population)
  if (typeof known === 'string') return notMade(name, known)
  const every = new Set(known.firstWords())
  for (const [setArn = '', accountId = ''] of pairs) every.add(isByAccount ? accountId : setArn)
  const all = [...every]
  const sample = isExhaustive ? all : sampleOf(all, calls, seed)
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
