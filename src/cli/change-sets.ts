import type { Change } from '../model.ts'

/** What changes between two dates are asked for, as auditors name them; a change may be in several. */
export const changeSets = ['joiners', 'movers', 'leavers', 'grants', 'revocations'] as const
export type ChangeSet = (typeof changeSets)[number]

const memberships = 'identitystore.group_memberships'
const assignments: readonly string[] = ['sso.account_assignments', 'sso.application_assignments']

/**
 * Joiners: users that are new. Leavers: users that were removed or disabled. Movers: memberships and direct assignments that people got or
 * lost. Grants and revocations: memberships and assignments that began or ended. What nobody could see is in none.
 */
export function changeSetsOf({ kind, dataset, before, after }: Change): readonly ChangeSet[] {
  if (dataset === 'identitystore.users') {
    if (kind === 'added') return ['joiners']
    const isDisabled = kind === 'changed' && after?.UserStatus === 'DISABLED' && before?.UserStatus !== 'DISABLED'
    return kind === 'removed' || isDisabled ? ['leavers'] : []
  }
  if ((dataset !== memberships && !assignments.includes(dataset)) || (kind !== 'added' && kind !== 'removed')) return []
  const isPersonal = dataset === memberships || (after ?? before)?.PrincipalType === 'USER'
  return [kind === 'added' ? 'grants' : 'revocations', ...(isPersonal ? (['movers'] as const) : [])]
}

/** How many changes are in each set. */
export function countSets(changes: readonly Change[]): { readonly [set in ChangeSet]: number } {
  const counts = { joiners: 0, movers: 0, leavers: 0, grants: 0, revocations: 0 }
  for (const change of changes) for (const set of changeSetsOf(change)) counts[set]++
  return counts
}
