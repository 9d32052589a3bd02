import { randomBytes } from 'node:crypto'
import type { PartPiece } from '../model.ts'
import { describeGroup, describeUser, emptyPairs, references } from './assignment-checks.ts'
import { type Checking, type CrossCheck, factsOf } from './checking.ts'
import { checksDataset, type Operation } from './dataset.ts'
import { provisionedToAccount } from './discovery-by-account.ts'
import { discoveryBothWays } from './discovery-checks.ts'
import { checkKeptDocuments } from './document-checks.ts'
import { callsOfHeads, headsAgain } from './heads-again.ts'
import { checkCounts, checkReservedRoles } from './iam-checks.ts'
import { type PendingChanges, pendingCalls, pendingOperations } from './pending-changes.ts'
import { assignmentsForPrincipal, principals } from './principal-check.ts'
import type { Session } from './session.ts'
import type { Witness } from './witness.ts'

/** How much is read a second way: nothing, samples, or whole populations. */
export type CheckMode = 'none' | 'sampled' | 'exhaustive'

/** Sampled checks may add a tenth to the calls of the plan; heads and samples share it. */
const mostShare = 0.1

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
  const left = Math.max(0, Math.floor(planned * mostShare) - callsOfHeads(witness) - pendingCalls)
  const checking = (share: number): Checking => ({
    ...{ session, witness, seed },
    isExhaustive: mode === 'exhaustive',
    calls: Math.max(1, Math.floor(left * share)),
  })
  // side by side: a list that is paged one answer after the other must not keep the budgets idle
  const checks: readonly CrossCheck[] = await together([
    ...headsAgain(session, witness),
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
