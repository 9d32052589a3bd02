import { compareBytes } from '../digest.ts'
import type { CallRecord, Facts, Snapshot } from '../model.ts'
import { aboutSnapshot } from './about-snapshot.ts'
import { pathPart } from './artifact-name.ts'
import type { OperationCalls } from './operation-calls.ts'
import { missingOf } from './source-section.ts'
import { columnsNamed, type ReportTable, type TableReport } from './table-report.ts'

/** What the ledger adds up to for one dataset in one place. */
export interface DatasetCalls {
  readonly calls: number
  readonly items: number
  readonly errors: number
}

/** @returns sums by `dataset accountId region` */
export async function callsByDataset(records: AsyncIterable<CallRecord>): Promise<ReadonlyMap<string, DatasetCalls>> {
  const sums = new Map<string, DatasetCalls>()
  for await (const { dataset, place, items, errorCode } of records) {
    if (dataset === undefined) continue
    const key = `${dataset} ${place.accountId} ${place.region}`
    const { calls = 0, items: before = 0, errors = 0 } = sums.get(key) ?? {}
    sums.set(key, { calls: calls + 1, items: before + items, errors: errors + (errorCode === null ? 0 : 1) })
  }
  return sums
}

/** The tie-out sheet: what was asked, what was answered and what was kept, by dataset and by operation, and a second way of reading the same. */
export function tieOutReport(
  snapshot: Snapshot,
  input: {
    readonly operations: readonly OperationCalls[]
    readonly byDataset: ReadonlyMap<string, DatasetCalls>
    /** facts of the cross-checks; empty when none were made */
    readonly checks: readonly Facts[]
    readonly softwareVersion: string
  },
): TableReport {
  const about = aboutSnapshot(snapshot, input.softwareVersion)
  const counted = input.operations.reduce((sum, { calls }) => sum + calls, 0)
  const ties = counted === snapshot.calls
  return {
    ...about,
    path: `tie-out/${pathPart(snapshot.source)}`,
    title: `Tie-out of snapshot ${snapshot.version}: ${snapshot.source}`,
    isComplete: missingOf(snapshot).length === 0,
    cover: [
      ['Calls in the ledger', counted],
      ['Calls the snapshot counts', snapshot.calls],
      ['They', ties ? 'are the same' : 'DIFFER'],
      ['Root of the call ledger', snapshot.callLedgerRoot],
      ['Cross-checks', checksLine(input.checks)],
      ...about.cover,
    ],
    tables: [
      datasetTable(snapshot, input.byDataset),
      operationTable(input.operations),
      checkTable(input.checks),
      callerTable(snapshot),
    ],
  }
}

function checksLine(checks: readonly Facts[]): string {
  if (checks.length === 0) return 'none were made'
  const made = checks.filter(({ made }) => made === true)
  const differences = made.reduce((sum, check) => sum + Number(check.differences), 0)
  return `${made.length} of ${checks.length} made, ${differences} differences`
}

function datasetTable(snapshot: Snapshot, byDataset: ReadonlyMap<string, DatasetCalls>): ReportTable {
  const datasets = [...snapshot.datasets].sort(
    (a, b) => compareBytes(a.name, b.name) || compareBytes(a.place.accountId, b.place.accountId),
  )
  return {
    name: 'datasets',
    about: 'Datasets: rows answered against rows kept',
    columns: columnsNamed(
      [
        ...['dataset', 'accountId', 'region', 'coverage', 'calls', 'callsInLedger', 'pages', 'itemsAnswered', 'listedTwice'],
        ...['rowsKept', 'itemsNotKept', 'firstObservedAt', 'lastObservedAt', 'digest'],
      ],
      ['digest'],
    ),
    isComplete: true,
    count: datasets.length,
    rows: () =>
      datasets.map(each => {
        const { accountId, region } = each.place
        const sum = byDataset.get(`${each.name} ${accountId} ${region}`)
        return [
          ...[
            each.name,
            accountId,
            region,
            each.coverage,
            each.calls,
            sum?.calls ?? 0,
            each.pages,
            sum?.items ?? 0,
            each.duplicates,
          ],
          ...[each.count, (sum?.items ?? 0) - each.duplicates - each.count],
          ...[each.firstObservedAt?.toISOString() ?? null, each.lastObservedAt?.toISOString() ?? null, each.digest],
        ]
      }),
  }
}

function operationTable(operations: readonly OperationCalls[]): ReportTable {
  return {
    name: 'operations',
    about: 'Operations by place',
    columns: columnsNamed([
      ...['service', 'operation', 'accountId', 'region', 'calls', 'itemsAnswered', 'requests', 'throttles', 'errors'],
      ...['firstAt', 'lastAt'],
    ]),
    isComplete: true,
    count: operations.length,
    rows: () =>
      operations.map(each => [
        ...[each.service, each.operation, each.accountId, each.region, each.calls, each.items, each.attempts, each.throttles],
        Object.entries(each.errors)
          .map(([code, count]) => `${code} × ${count}`)
          .join(', '),
        ...[each.firstAt, each.lastAt],
      ]),
  }
}

function checkTable(checks: readonly Facts[]): ReportTable {
  return {
    name: 'cross-checks',
    about: 'Cross-checks: the same read in a second way',
    columns: columnsNamed(['name', 'made', 'statement', 'population', 'compared', 'differences', 'examples', 'seed']),
    isComplete: true,
    count: checks.length,
    rows: () =>
      checks.map(check => [
        ...[String(check.name), check.made === true, String(check.statement), Number(check.population), Number(check.compared)],
        ...[
          Number(check.differences),
          ((check.examples as readonly string[] | undefined) ?? []).join('\n'),
          String(check.seed ?? ''),
        ],
      ]),
  }
}

function callerTable({ callers }: Snapshot): ReportTable {
  return {
    name: 'callers',
    about: 'Callers, as AWS names them',
    columns: columnsNamed(['accountId', 'region', 'arn', 'userId']),
    isComplete: true,
    count: callers.length,
    rows: () => callers.map(({ place, arn, userId }) => [place.accountId, place.region, arn, userId]),
  }
}
