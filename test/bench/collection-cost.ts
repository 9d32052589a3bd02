import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collectorOf, database, round, simulated, sourceOf } from './collection.ts'

/** So much that nothing waits. */
const unpaced = { sso: 1e6, identitystore: 1e6, organizations: 1e6 }

/**
 * CPU of the collecting process per call, without waiting, over 50,000 calls (10,000 for the pages): small answers (the assignments of one pair) and
 * pages of 100 users up to the parsed answer, and small answers all the way into the store.
 */
export async function benchCollectionCost(): Promise<object> {
  const small = {
    seed: 2,
    accounts: 600,
    users: 400,
    groups: 100,
    permissionSets: 120,
    pairs: 50_000,
    assignments: 60_000,
    ous: 4,
  }
  const large = { seed: 3, accounts: 2, users: 50_000, groups: 1, permissionSets: 1, pairs: 1, membershipsPerUser: 0, ous: 1 }
  const dataDir = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  try {
    const read = await costOf(small, 'none', { dataDir })
    const pages = await costOf(large, 'none', { dataDir, rounds: 20 })
    const stored = await costOf(small, 'into the store', { dataDir })
    return {
      smallCalls: read.calls,
      cpuMsPerSmallCall: read.cpuMsPerCall,
      pagesOfUsers: pages.calls,
      cpuMsPerPageOf100Users: pages.cpuMsPerCall,
      smallCallsIntoTheStore: stored.calls,
      cpuMsPerSmallCallIntoTheStore: stored.cpuMsPerCall,
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function costOf(
  shape: object,
  where: 'none' | 'into the store',
  { dataDir, rounds = 1 }: { readonly dataDir: string; readonly rounds?: number },
): Promise<{ calls: number; cpuMsPerCall: number }> {
  await using aws = await simulated({ shape })
  const task = { source: sourceOf(aws.roleArn, unpaced), environment: aws.env, checks: 'none' as const }
  if (where === 'none') return costPerCall(await collectorOf({ ...task, dataDir, rounds }))
  await using place = await database(null)
  return costPerCall(await collectorOf({ ...task, databaseUrl: place.url, dataDir: place.dataDir }))
}

function costPerCall({ calls, cpuSeconds }: { readonly calls: number; readonly cpuSeconds: number }) {
  return { calls, cpuMsPerCall: round((cpuSeconds * 1000) / calls) }
}
