import { type CrossCheck, notMade } from './checking.ts'
import { PairSet } from './pair-set.ts'
import type { Witness } from './witness.ts'

/**
 * Identity Center keeps a role in every account where a permission set is provisioned: an independent witness of the pairs.
 * @see https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
 */
export function checkReservedRoles(witness: Witness): CrossCheck {
  const name = 'reserved_roles'
  const roles = witness.reservedRoles()
  const sets = witness.rows('sso.permission_sets')
  const pairs = witness.keys('sso.provisioned_accounts')
  const summaries = witness.rows('iam.account_summaries')
  if (typeof roles === 'string') return notMade(name, roles)
  if (typeof sets === 'string') return notMade(name, sets)
  if (typeof pairs === 'string') return notMade(name, pairs)
  if (typeof summaries === 'string') return notMade(name, summaries)
  const names = new Map(sets.map(({ key, facts }) => [key, String(facts.Name)]))
  const read = new Set(summaries.map(row => row.accountId))
  const bySet = new PairSet(pairs.words)
  for (const [setArn = '', accountId = ''] of pairs) {
    if (read.has(accountId)) bySet.add(accountId, names.get(setArn) ?? setArn)
  }
  const differences: string[] = []
  for (const [accountId, set] of bySet.without(roles))
    differences.push(`${set} in ${accountId} is provisioned, and IAM has no role of it`)
  for (const [accountId, set] of roles.without(bySet))
    differences.push(`${set} in ${accountId} has a role in IAM, and discovery does not show it`)
  const statement = `${bySet.size} provisioned pairs in ${read.size} accounts against the AWSReservedSSO roles of IAM.`
  return { name, made: true, statement, population: bySet.size, compared: bySet.size, differences }
}

/** What IAM counts, against what it listed. */
export function checkCounts(witness: Witness): CrossCheck {
  const name = 'account_counts'
  const summaries = witness.rows('iam.account_summaries')
  if (typeof summaries === 'string') return notMade(name, summaries)
  const lists: readonly [string, string][] = [
    ['Users', 'iam.users'],
    ['Groups', 'iam.group_details'],
    ['Roles', 'iam.roles'],
    ['Policies', 'iam.managed_policies'],
  ]
  const differences: string[] = []
  for (const [member, dataset] of lists) {
    const counts = witness.counts(dataset)
    if (typeof counts === 'string') return notMade(name, counts)
    for (const { accountId, facts } of summaries) {
      const found = counts.get(accountId) ?? 0
      if (typeof facts[member] === 'number' && facts[member] !== found)
        differences.push(`${accountId}: iam:GetAccountSummary says ${facts[member]} ${member}, ${dataset} holds ${found}`)
    }
  }
  const statement = `${summaries.length} accounts: users, groups, roles and policies that IAM counts, against those that it listed.`
  return { name, made: true, statement, population: summaries.length, compared: summaries.length, differences }
}
