import { type Log, silent } from '../../src/log.ts'
import type { CallRecord, CollectedBatch, CollectionPlan, Counts, Gap, PartEnd, Source } from '../../src/model.ts'
import {
  type SimulatedOrganization,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
  unlimited,
} from '../../src/simulator/index.ts'
import {
  type Aws,
  type AwsOptions,
  type CheckMode,
  collect,
  datasets,
  localBudget,
  openAws,
  planCollection,
  type Remembered,
} from '../../src/sources/index.ts'

/** A simulator and the way to it, for one test. */
export interface FreshAws extends AsyncDisposable {
  readonly simulator: Simulator
  readonly aws: Aws
  readonly source: Source
}

export interface FreshOptions {
  readonly simulator?: Omit<SimulatorOptions, 'organization'>
  readonly aws?: Partial<AwsOptions>
  readonly source?: Partial<Source>
  readonly log?: Log
}

/** So fast that pacing plays no part. */
export const fast: { readonly [key: string]: number } = Object.fromEntries(
  [
    ...['sso', 'identitystore', 'iam', 'sts', 'organizations.ListParents'],
    ...datasets.filter(each => each.action.startsWith('organizations:')).map(each => `organizations.${each.operation}`),
  ].map(key => [key, 100_000]),
)

export async function freshAws(organization: SimulatedOrganization, options: FreshOptions = {}): Promise<FreshAws> {
  const simulator = await startSimulator({ organization, rates: unlimited, ...options.simulator })
  const aws = openAws({
    budget: localBudget(),
    log: silent,
    now: () => new Date(),
    environment: simulator.env,
    softwareVersion: '0.0.0-test',
    requestTimeoutMs: 5_000,
    retryDeadlineMs: 1_000,
    ...options.aws,
  })
  const source: Source = {
    label: 'acme',
    kind: 'aws',
    partition: organization.partition,
    region: organization.instance?.PrimaryRegion ?? 'eu-west-1',
    auth: { roleArn: null, externalId: null },
    budgetShare: 1,
    rateLimits: fast,
    includePersonalData: false,
    ...options.source,
  }
  return {
    simulator,
    aws,
    source,
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]()
      await simulator.stop()
    },
  }
}

/** What a store would hold after a run: rows of the last attempt of each part. */
export interface Collected {
  readonly plan: CollectionPlan
  readonly parts: ReadonlyMap<
    string,
    {
      readonly rows: ReadonlyMap<string, unknown>
      readonly end: PartEnd | null
      readonly dataset: string
      readonly parent: string
      readonly accountId: string
    }
  >
  readonly calls: readonly CallRecord[]
  rows(dataset: string): ReadonlyMap<string, unknown>
  /** the part of an account; where only one account is read, it need not be named */
  part(
    dataset: string,
    parent: string,
    accountId?: string,
  ): { readonly rows: ReadonlyMap<string, unknown>; readonly end: PartEnd }
  gaps(dataset: string): readonly Gap[]
}

export async function collected(
  fresh: FreshAws,
  options: {
    counts?: Counts
    done?: ReadonlySet<string>
    plan?: CollectionPlan
    checks?: CheckMode
    remembered?: Remembered
  } = {},
): Promise<Collected> {
  const { counts = {}, done = new Set<string>(), checks = 'none', remembered } = options
  const plan = options.plan ?? (await planCollection(fresh.aws, fresh.source, counts, {}, remembered))
  const batches: CollectedBatch[] = []
  const batchesOf = collect(fresh.aws, fresh.source, plan, done, undefined, checks, remembered)
  for await (const batch of batchesOf) batches.push(batch)
  return staged(plan, batches)
}

/** Keeps batches as model.ts says: `isFirst` throws away what an earlier attempt had staged, the same key twice is a fault. */
export function staged(plan: CollectionPlan, batches: readonly CollectedBatch[]): Collected {
  const parts = new Map<
    string,
    { rows: Map<string, unknown>; end: PartEnd | null; dataset: string; parent: string; accountId: string }
  >()
  for (const { part, isFirst, rows, end } of batches.flatMap(batch => batch.pieces)) {
    const key = `${part.dataset} ${part.place.accountId} ${part.place.region} ${part.parent}`
    const { accountId } = part.place
    if (isFirst) parts.set(key, { rows: new Map(), end: null, dataset: part.dataset, parent: part.parent, accountId })
    const open = parts.get(key)
    if (open === undefined) throw new Error(`${key} goes on without having begun`)
    if (open.end !== null) throw new Error(`${key} goes on after its end`)
    for (const row of rows) {
      if (open.rows.has(row.key)) throw new Error(`${key} holds ${row.key} twice`)
      open.rows.set(row.key, row.facts)
    }
    open.end = end
  }
  return {
    plan,
    parts,
    calls: batches.flatMap(batch => batch.calls),
    rows: dataset => new Map([...parts.values()].filter(part => part.dataset === dataset).flatMap(part => [...part.rows])),
    part(dataset, parent, accountId) {
      const found = [...parts.values()].find(
        each => each.dataset === dataset && each.parent === parent && (accountId ?? each.accountId) === each.accountId,
      )
      if (found === undefined) throw new Error(`no part ${dataset} ${parent}`)
      if (found.end === null) throw new Error(`${dataset} ${parent} has no end`)
      return { rows: found.rows, end: found.end }
    },
    gaps: dataset => [...parts.values()].filter(part => part.dataset === dataset).flatMap(part => part.end?.gaps ?? []),
  }
}
