import type { PlannedDiscovery } from '../model.ts'

const pageSize = 100

/**
 * What finding the provisioned pairs costs both ways. By permission set is what is taken: its answers are the dataset
 * sso.provisioned_accounts that assignments hang from; a sample by account is the cross-check of it.
 * @param rows of the last snapshot by dataset; null where they are not known
 * @returns calls: P + X/100 by set; by account A, or more where an account has more than a page of sets
 */
export function discoveryOf(rows: (dataset: string) => number | null): PlannedDiscovery {
  const sets = rows('sso.permission_set_arns')
  const accounts = rows('organizations.accounts')
  const pairs = rows('sso.provisioned_accounts')
  const isKnown = sets !== null && accounts !== null && pairs !== null
  const bySet = isKnown ? sets + Math.floor(pairs / pageSize) : null
  const byAccount = isKnown ? accounts * Math.max(1, Math.ceil(pairs / Math.max(1, accounts) / pageSize)) : null
  return { bySet, byAccount, taken: 'by_set', reason: reasonOf(bySet, byAccount) }
}

function reasonOf(bySet: number | null, byAccount: number | null): string {
  if (bySet === null || byAccount === null)
    return 'Taken: by permission set; what either costs is known after the first collection.'
  if (bySet <= byAccount) return 'Taken: by permission set, the cheaper one.'
  return `Taken: by permission set, although by account would be ${bySet - byAccount} calls less: controls rest on sso.provisioned_accounts, which only this way gives.`
}
