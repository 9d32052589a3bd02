import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silent } from '../../src/log.ts'
import type { Source } from '../../src/model.ts'
import { runCollection } from '../../src/pipeline/index.ts'
import { datasets, openAws } from '../../src/sources/index.ts'
import { openStore, sharedBudget } from '../../src/store/index.ts'
import { sizes } from './sizes.ts'

/** What one collection of an organization needs at least, page by page: docs/datasets.md, pages of 100 (Organizations 20, applications 50). */
interface Size {
  readonly users: number
  /** members of each group */
  readonly groups: readonly number[]
  readonly permissionSets: number
  /** accounts that each permission set is provisioned to */
  readonly provisioned: readonly number[]
  /** assignments of each provisioned pair */
  readonly pairs: readonly number[]
  readonly accounts: number
  /** children of each root and OU */
  readonly units: readonly number[]
  readonly applications: readonly number[]
  readonly policies: number
}

const pages = (count: number, size: number) => Math.max(1, Math.ceil(count / size))
const sum = (counts: readonly number[], size: number) => counts.reduce((total, count) => total + pages(count, size), 0)

/** Calls by budget: connecting (GetCallerIdentity, ListInstances, DescribeOrganization) is part of it. */
function formula(size: Size): {
  readonly sso: number
  readonly identitystore: number
  readonly organizations: number
  readonly sts: number
} {
  // description, inline, managed, customer managed, boundary, tags, and what is provisioned out of date
  const details = 7 * size.permissionSets
  // assignment configuration, scopes, authentication methods, grants
  const applicationDetails = 4 * size.applications.length
  return {
    identitystore: pages(size.users, 100) + pages(size.groups.length, 100) + sum(size.groups, 100),
    sso:
      // instance twice, attributes for access control, token issuers
      4 +
      pages(size.permissionSets, 100) +
      details +
      applicationDetails +
      sum(size.provisioned, 100) +
      sum(size.pairs, 100) +
      pages(size.applications.length, 50) +
      sum(size.applications, 100),
    // organization, roots, administrators, trusted services, resource policy; tags of everything; two policy types, text and targets of each
    organizations: 5 + sum(size.units, 20) + pages(size.accounts, 20) + size.units.length + size.accounts + 2 + 2 * size.policies,
    sts: 2,
  }
}

/**
 * Collects an organization over loopback into the embedded database: calls against the formula, cross-checks apart, seconds against
 * the rate limit, peak memory.
 */
export async function benchCollection(name: 'S' | 'M'): Promise<object> {
  const rates = { sso: 200, identitystore: 200, sts: 600, organizations: 100 }
  const { accounts, users, groups, permissionSets, pairs, memberships, assignments, applications } = sizes[name]
  const shape = {
    seed: 1,
    accounts,
    users,
    groups,
    permissionSets,
    pairs,
    membershipsPerUser: memberships / users,
    assignments,
    applications,
    ous: 12,
  }
  const simulator = fork(
    fileURLToPath(new URL('./simulator-process.ts', import.meta.url)),
    [JSON.stringify({ shape, latencyMs: 5 })],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  const [line] = await once(simulator.stdout!, 'data')
  const aws: { env: Record<string, string>; roleArn: string; size: Size } = JSON.parse(String(line))
  Object.assign(process.env, aws.env)
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  chmodSync(folder, 0o755)
  try {
    const now = () => new Date()
    await using store = await openStore({ url: null, dataDir: folder, log: silent, now, softwareVersion: 'bench' })
    await using sdk = openAws({
      budget: sharedBudget(store),
      log: silent,
      now,
      environment: process.env,
      softwareVersion: 'bench',
    })
    const organizations = datasets
      .filter(each => each.action.startsWith('organizations:'))
      .map(each => [`organizations.${each.operation}`, rates.organizations])
    const source: Source = {
      label: 'bench',
      kind: 'aws',
      partition: 'aws',
      region: 'eu-west-1',
      auth: { roleArn: aws.roleArn, externalId: null },
      budgetShare: 1,
      rateLimits: { ...rates, ...Object.fromEntries(organizations) },
      includePersonalData: false,
    }
    const began = performance.now()
    const snapshot = await runCollection({ aws: sdk, store, now, log: silent }, source)
    const seconds = (performance.now() - began) / 1000
    const least = formula(aws.size)
    const expected = Object.values(least).reduce((total, count) => total + count, 0)
    const checks = snapshot.datasets
      .filter(each => each.name === 'evidenced.cross_checks')
      .reduce((total, each) => total + each.calls, 0)
    const calls = snapshot.calls - checks
    const floorSeconds = Math.max((least.sso + checks) / rates.sso, least.identitystore / rates.identitystore)
    return {
      organization: name,
      calls,
      callsByFormula: expected,
      callsAgainstFormula: round(calls / expected),
      crossCheckCalls: checks,
      crossChecksAgainstCalls: round(checks / calls),
      throttles: snapshot.throttles,
      seconds: round(seconds),
      secondsAtRateLimit: round(floorSeconds),
      secondsAgainstRateLimit: round(seconds / floorSeconds),
      peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
      resources: snapshot.datasets.reduce((total, dataset) => total + dataset.count, 0),
    }
  } finally {
    simulator.send('stop')
    rmSync(folder, { recursive: true, force: true })
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
