import type { DatasetSummary, Facts, Snapshot } from '../model.ts'
import { datasetCoverage } from './collected.ts'
import { Entity, type Surroundings } from './entity.ts'
import type { GapIndex } from './gap-index.ts'
import type { IamEstate } from './iam-estate.ts'
import type { Unknown } from './values.ts'

/** What reconciliations ask of the estate. */
export interface ReconciliationSurroundings extends Surroundings {
  readonly iam: IamEstate
  readonly gaps: GapIndex
}

/** Members of GetAccountSummary that count a dataset. */
const counted: { readonly [dataset: string]: string } = {
  'iam.users': 'Users',
  'iam.group_details': 'Groups',
  'iam.roles': 'Roles',
  'iam.managed_policies': 'Policies',
}

/** Checks that tell what moved while the source was read: no second reading that must agree. */
const movements = /^(heads_again |changes_in_progress$|changed_in_window$)/

/** Every population with what it may be held against: an independent count, a second reading, and the run before. */
export function reconciliations(
  estate: ReconciliationSurroundings,
  snapshot: Snapshot,
  previous: readonly DatasetSummary[] | null,
  checks: readonly Facts[],
): readonly Reconciliation[] {
  const placeOf = ({ name, place }: DatasetSummary) => `${name}|${place.accountId}|${place.region}`
  const before = new Map((previous ?? []).map(each => [placeOf(each), each]))
  const populations = snapshot.datasets.flatMap(summary => {
    if (summary.coverage === 'not_enabled' || summary.coverage === 'not_applicable' || summary.name.startsWith('evidenced.'))
      return []
    const was = before.get(placeOf(summary))
    const member = counted[summary.name]
    const expectedRows = member === undefined ? null : estate.iam.summaryCount(summary.place.accountId, member)
    const isWhole = was?.coverage === 'complete' || was?.coverage === 'complete_with_changes'
    const rows =
      datasetCoverage(estate, snapshot, summary) ??
      (expectedRows === null ? summary.count : estate.iam.ownRows(summary.name, summary.place.accountId))
    const previousRows = isWhole ? was.count : null
    return expectedRows === null && previousRows === null
      ? []
      : [new Reconciliation(estate, placeOf(summary), { rows, expectedRows, previousRows, count: summary.count })]
  })
  const readings = checks.flatMap(facts => {
    const name = String(facts.name)
    if (movements.test(name)) return []
    const gone = estate.gaps.rows('evidenced.cross_checks').get(name) ?? null
    return [
      new Reconciliation(estate, `check ${name}`, { rows: 0, expectedRows: null, previousRows: null, count: 0 }, facts, gone),
    ]
  })
  return [...populations, ...readings]
}

interface Counts {
  readonly rows: number | Unknown
  readonly expectedRows: number | null | Unknown
  readonly previousRows: number | null
  readonly count: number
}

/** One population, or one second reading, that must agree. */
export class Reconciliation extends Entity {
  readonly key: string
  readonly rows: number | Unknown
  readonly expectedRows: number | null | Unknown
  readonly previousRows: number | null
  readonly changeRatio: number
  readonly differences: number | Unknown
  readonly isMade: boolean | Unknown
  readonly statement: string

  constructor(estate: Surroundings, key: string, counts: Counts, check: Facts | null = null, gone: Unknown | null = null) {
    super(estate, 0)
    this.key = key
    this.rows = counts.rows
    this.expectedRows = counts.expectedRows
    this.previousRows = counts.previousRows
    const before = counts.previousRows ?? counts.count
    this.changeRatio = before === 0 ? (counts.count === 0 ? 0 : 1) : Math.abs(counts.count - before) / before
    this.differences = gone ?? (typeof check?.differences === 'number' ? check.differences : 0)
    this.isMade = gone ?? (check === null || check.made === true)
    this.statement = typeof check?.statement === 'string' ? check.statement : ''
  }

  get typeName(): string {
    return 'Reconciliation'
  }
  get name(): string {
    return this.key
  }
}
