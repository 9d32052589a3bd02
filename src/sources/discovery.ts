import type { PlannedDiscovery } from '../model.ts'

const pageSize = 100

/**
 * What finding the provisioned pairs costs both ways, and which is taken: the one with fewer calls, since both are complete. What is found is
 * `sso.provisioned_accounts` either way, and a cross-check reads it the other way.
 * @param rows of the last snapshot by dataset; null where they are not known
 * @param unlisted an account that had pairs and is in no list any more, so that nobody would ask about it; null: there is none
 * @returns calls: P + X/100 by set; by account A, or more where an account has more than a page of sets
 * @see https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListPermissionSetsProvisionedToAccount.html
 */
export function discoveryOf(rows: (dataset: string) => number | null, unlisted: string | null = null): PlannedDiscovery {
  const sets = rows('sso.permission_set_arns')
  const accounts = rows('organizations.accounts')
  const pairs = rows('sso.provisioned_accounts')
  if (sets === null || accounts === null || pairs === null)
    return {
      ...{ bySet: null, byAccount: null, taken: 'by_set' },
      reason: 'Taken: by permission set; what either costs is known after the first collection.',
    }
  const bySet = sets + Math.floor(pairs / pageSize)
  // where the accounts could not be listed, nobody can be asked one by one
  if (accounts === 0)
    return { bySet, byAccount: null, taken: 'by_set', reason: 'Taken: by permission set, since no account was listed.' }
  const byAccount = accounts * Math.max(1, Math.ceil(pairs / accounts / pageSize))
  if (unlisted !== null) {
    const reason = `Taken: by permission set, since account ${unlisted} has pairs and is listed no more.`
    return { bySet, byAccount, taken: 'by_set', reason }
  }
  return byAccount < bySet
    ? { bySet, byAccount, taken: 'by_account', reason: `Taken: by account, ${bySet - byAccount} calls less.` }
    : { bySet, byAccount, taken: 'by_set', reason: 'Taken: by permission set, the cheaper one.' }
}
