import type { CollectionPlan, Counts, PlannedDiscovery, PlanStep, Source } from '../model.ts'
import { accountsAtATime } from './account-reading.ts'
import type { Aws } from './aws.ts'
import { connect } from './connect.ts'
import { actionOf, parentsOf, reusableRows } from './dataset.ts'
import { discoveryOf } from './discovery.ts'
import { plannedByAccount, provisionedToAccount } from './discovery-by-account.ts'
import type { Service } from './service.ts'
import { accountServicesOf, servicesOf } from './services.ts'
import type { Session } from './session.ts'
import { notApplicable } from './standing.ts'
import type { Remembered } from './sudden-drop.ts'

/**
 * Connects, proves who the source is, and predicts what reading it will cost. The connection stays open for `collect`.
 * @param counts rows of the last snapshot by dataset; empty for a first run, whose cost nobody knows
 * @param baseline rows by dataset when it was last read to its end: what `collect` holds a sudden drop against
 * @param remembered rows of earlier runs that save calls, as `collect` will be given them
 * @returns calls and seconds are null while they cannot be predicted; seconds are those of the busiest budget
 * @throws {SourcesError} when the identity cannot be proven
 */
export async function planCollection(
  aws: Aws,
  source: Source,
  counts: Counts,
  baseline: Counts = {},
  remembered: Pick<Remembered, 'keptFacts' | 'accountsWithPairs'> = {},
): Promise<CollectionPlan> {
  const { session, callers } = await connect(aws, source)
  const reusable = await reusableOf(source, remembered)
  const counted = rowsIn(counts)
  const rows = (name: string) => reusable[name] ?? counted(name)
  const cheaper = discoveryOf(rows)
  const discovery = cheaper.taken === 'by_account' ? discoveryOf(rows, await unlistedAccount(remembered)) : cheaper
  const services = discovery.taken === 'by_account' ? plannedByAccount(servicesOf(source)) : servicesOf(source)
  const steps = [...services, ...accountServicesOf(source)].flatMap(service =>
    service.datasets
      .filter(dataset => notApplicable(dataset.needs, session.standing) === null)
      .map((dataset): PlanStep => {
        const calls = dataset.calls(rows)
        const parents = parentsOf(dataset).map(each => each.dataset)
        return {
          dataset: dataset.name,
          operation: dataset.operation.name,
          action: actionOf(dataset.operation),
          place: session.place(service.name),
          ...(parents.length === 0 ? {} : { parents }),
          calls,
          seconds: calls === null ? null : calls / rateOf(source, session, service, dataset.operation.name),
        }
      }),
  )
  const plan: CollectionPlan = {
    source: source.label,
    identity: session.standing!.identity,
    callers,
    steps,
    calls: sum(steps.map(step => step.calls)),
    seconds: secondsOf(source, steps, session),
    ...(steps.some(step => step.dataset === 'sso.provisioned_accounts') ? { discovery: timed(discovery, source, session) } : {}),
    baseline,
  }
  aws.sessions.set(plan, session)
  return plan
}

/** An account that had pairs when they were last known, while the organization listed it no more. */
async function unlistedAccount({ accountsWithPairs }: Pick<Remembered, 'accountsWithPairs'>): Promise<string | null> {
  const had = await accountsWithPairs?.()
  return [...(had ?? [])].find(([, isListed]) => !isListed)?.[0] ?? null
}

/** How many rows of earlier runs save a call, by dataset. */
async function reusableOf(source: Source, { keptFacts }: Pick<Remembered, 'keptFacts'>): Promise<Counts> {
  const found: { [name: string]: number } = {}
  for (const { name, inquiry } of servicesOf(source).flatMap(service => service.datasets)) {
    const isReusable = inquiry?.isReusable
    if (isReusable === undefined || keptFacts === undefined) continue
    found[reusableRows(name)] = [...(await keptFacts(name)).values()].filter(isReusable).length
  }
  return found
}

/** Of datasets that the last snapshot did not hold, nobody knows the size; of other snapshots, none. */
function rowsIn(counts: Counts): (dataset: string) => number | null {
  const isEmpty = Object.keys(counts).length === 0
  const hasIam = 'iam.account_summaries' in counts
  return name => counts[name] ?? (isEmpty || (name.startsWith('iam.') && !hasIam) ? null : 0)
}

/** What either way of discovery takes: both ask Identity Center. */
function timed(discovery: PlannedDiscovery, source: Source, session: Session): PlannedDiscovery {
  const sso = servicesOf(source).find(service => service.name === 'sso')!
  const seconds = (calls: number | null) =>
    calls === null ? null : calls / rateOf(source, session, sso, provisionedToAccount.name)
  return { ...discovery, secondsBySet: seconds(discovery.bySet), secondsByAccount: seconds(discovery.byAccount) }
}

/** Calls a second of one operation. IAM's budgets are one per account, and so many accounts are read side by side. */
function rateOf(source: Source, session: Session, service: Service, operation: string): number {
  const sideBySide = accountServicesOf(source).includes(service) ? accountsAtATime : 1
  return session.rate(service.budgetKey(operation), service.rate(operation)) * sideBySide
}

/** Seconds of the busiest budget: budgets run side by side. */
function secondsOf(source: Source, steps: readonly PlanStep[], session: Session): number | null {
  const seconds = new Map<string, number>()
  for (const service of [...servicesOf(source), ...accountServicesOf(source)]) {
    for (const step of steps.filter(each => service.datasets.some(dataset => dataset.name === each.dataset))) {
      if (step.calls === null) return null
      const key = service.budgetKey(step.operation)
      const rate = rateOf(source, session, service, step.operation)
      seconds.set(key, (seconds.get(key) ?? 0) + step.calls / rate)
    }
  }
  return Math.max(0, ...seconds.values())
}

function sum(calls: readonly (number | null)[]): number | null {
  return calls.reduce<number | null>((total, each) => (total === null || each === null ? null : total + each), 0)
}
