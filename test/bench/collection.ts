import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { silent } from '../../src/log.ts'
import { datasets } from '../../src/sources/index.ts'
import { migrate, openStore } from '../../src/store/index.ts'
import type { CollectorFigures, CollectorTask } from './collector-process.ts'
import { sizes } from './sizes.ts'
import { slowLink } from './slow-link.ts'

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

/** Calls by service: connecting (GetCallerIdentity, ListInstances, DescribeOrganization) is part of it. */
function formula(size: Size): {
  readonly sso: number
  readonly identitystore: number
  readonly organizations: number
  readonly sts: number
} {
  // description, inline, managed, customer managed, boundary, tags, and what is provisioned out of date
  const details = 7 * size.permissionSets
  // assignment configuration, session configuration, scopes, authentication methods, grants
  const applicationDetails = 5 * size.applications.length
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

/** Calls a second that AWS is simulated to allow, so that a run takes minutes and not hours. */
const rates = {
  S: { sso: 20, identitystore: 20, organizations: 10 },
  M: { sso: 40, identitystore: 40, organizations: 20 },
  L: { sso: 250, identitystore: 250, organizations: 125 },
} as const

/**
 * Collects an organization over loopback into a database: calls against the formula, cross-checks apart, seconds against the rate
 * limit, memory.
 * @param options `databaseMs`: the database is so far away, over TCP; left out: embedded, over its socket
 */
export async function benchCollection(name: keyof typeof rates, options: { readonly databaseMs?: number } = {}): Promise<object> {
  const { accounts, users, groups, permissionSets, pairs, memberships, assignments, applications } = sizes[name]
  const membershipsPerUser = memberships / users
  const shape = {
    ...{ seed: 1, accounts, users, groups, permissionSets, pairs, membershipsPerUser, assignments, applications },
    ous: 12,
  }
  await using aws = await simulated({ shape, latencyMs: 5 })
  await using place = await database(options.databaseMs ?? null)
  const figures = await collectorOf({
    source: sourceOf(aws.roleArn, rates[name]),
    environment: aws.env,
    databaseUrl: place.url,
    dataDir: place.dataDir,
    checks: 'sampled',
  })
  const least = formula(aws.size)
  const expected = Object.values(least).reduce((total, count) => total + count, 0)
  const calls = figures.calls - figures.checkCalls
  const floorSeconds = floorOf(figures.callsByBudget, rates[name])
  return {
    organization: name,
    callsPerSecond: rates[name],
    calls,
    callsByFormula: expected,
    callsAgainstFormula: round(calls / expected),
    attemptsAgainstCalls: round(figures.attempts / figures.calls),
    crossCheckCalls: figures.checkCalls,
    crossChecksAgainstCalls: round(figures.checkCalls / calls),
    throttles: figures.throttles,
    notComplete: figures.open,
    seconds: round(figures.seconds),
    secondsReading: round(figures.readSeconds),
    secondsAtRateLimit: round(floorSeconds),
    secondsAgainstRateLimit: round(figures.seconds / floorSeconds),
    cpuMsPerCall: round((figures.cpuSeconds * 1000) / figures.calls),
    peakMemoryMb: figures.peakMemoryMb,
    memoryWhenReadAgainst40Percent: ratio(figures.memoryWhenReadMb, figures.memoryAt40Mb),
    memoryAtEndAgainst40Percent: ratio(figures.memoryAtEndMb, figures.memoryAt40Mb),
    resources: figures.rows,
  }
}

/** The seconds that the busiest budget takes at its rate. */
function floorOf(calls: { readonly [budget: string]: number }, limit: (typeof rates)[keyof typeof rates]): number {
  const seconds = Object.entries(calls).map(([budget, count]) => {
    const perSecond = budget.startsWith('organizations.') ? limit.organizations : limit[budget as 'sso' | 'identitystore']
    return perSecond === undefined ? 0 : count / perSecond
  })
  return Math.max(...seconds)
}

export interface SimulatedProcess extends AsyncDisposable {
  readonly env: Record<string, string>
  readonly roleArn: string
  readonly size: Size
}

/** A simulated AWS in a process of its own. @param options of `simulator-process.ts` */
export async function simulated(options: object): Promise<SimulatedProcess> {
  const child = fork(fileURLToPath(new URL('./simulator-process.ts', import.meta.url)), [JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  let text = ''
  for await (const chunk of child.stdout!) {
    text += chunk
    if (text.endsWith('\n')) break
  }
  return {
    ...JSON.parse(text),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.send('stop')
      await ended
    },
  }
}

/** A source that takes all of these rates. */
export function sourceOf(roleArn: string, limit: { sso: number; identitystore: number; organizations: number }): object {
  const operations = datasets.filter(each => each.action.startsWith('organizations:')).map(each => each.operation)
  return {
    ...{ label: 'bench', kind: 'aws', partition: 'aws', region: 'eu-west-1', auth: { roleArn, externalId: null } },
    budgetShare: 1,
    rateLimits: {
      ...{ sso: limit.sso, identitystore: limit.identitystore, sts: 600 },
      ...Object.fromEntries(operations.map(name => [`organizations.${name}`, limit.organizations])),
    },
    includePersonalData: false,
  }
}

/** Runs one collection in a process of its own. */
export async function collectorOf(task: CollectorTask): Promise<CollectorFigures> {
  const file = fileURLToPath(new URL('./collector-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(task)], { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout)
}

/** An empty database: none of its own for the collector to start, or one at the end of a slow link. */
export async function database(farMs: number | null): Promise<AsyncDisposable & { url: string | null; dataDir: string }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  // the embedded server runs as another user when the bench runs as root
  chmodSync(dataDir, 0o755)
  const remove = () => rmSync(dataDir, { recursive: true, force: true })
  if (farMs === null) return { url: null, dataDir, [Symbol.asyncDispose]: async () => remove() }
  const options = { dataDir, log: silent, now: () => new Date(), softwareVersion: 'bench' }
  const keeper = await openStore({ ...options, url: null })
  const { host, database: name, user, port } = keeper.db.config
  const link = await slowLink(`${host}/.s.PGSQL.${port ?? 5432}`, farMs)
  const url = `postgres://${user}@127.0.0.1:${link.port}/${name}`
  await migrate({ ...options, url })
  return {
    ...{ url, dataDir },
    async [Symbol.asyncDispose]() {
      await link[Symbol.asyncDispose]()
      await keeper[Symbol.asyncDispose]()
      remove()
    },
  }
}

function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : round(a / b)
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
