import type { DatasetSummary, Gap, ImportedRows, Snapshot } from '../model.ts'
import { datasets } from './datasets.ts'
import { itemsOf } from './effective.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import { isPerAccount } from './gap-index.ts'
import type { IamEstate } from './iam-estate.ts'
import type { Account } from './targets.ts'
import { Since, Unknown } from './values.ts'

/** What was read so long after the clock was read by a clock that was ahead. */
const clockToleranceMs = 300_000

type Held = Pick<DatasetSummary, 'name' | 'place' | 'coverage' | 'count' | 'lastObservedAt' | 'reason'>

/** What the completeness of a collection asks of the estate. */
export interface CollectedSurroundings extends Surroundings {
  readonly iam: IamEstate
  /** of whoever judges; null: it is not behind what was collected */
  readonly clock: Date | null
  activeAccounts(): List
}

/** An import is whole or it is refused. */
const importSummary: Omit<Held, 'name' | 'lastObservedAt' | 'count'> = {
  place: { accountId: '', region: '' },
  coverage: 'complete',
  reason: null,
}

/** What a snapshot holds, and what every snapshot ought to hold and this one does not. */
export function collectedOf(
  estate: CollectedSurroundings,
  snapshot: Snapshot,
  imports: readonly ImportedRows[],
): readonly Collected[] {
  const held = snapshot.datasets.map(summary => new Collected(estate, snapshot, summary.name, summary, null))
  const names = new Set(snapshot.datasets.map(({ name }) => name))
  const expected = Object.entries(datasets).filter(
    ([name, { action, configure }]) => action !== null && configure === undefined && !isPerAccount(name),
  )
  const missing = expected.flatMap(([name]) => {
    const why = names.has(name) ? undefined : estate.gaps.whole(name)
    return why === undefined ? [] : [new Collected(estate, snapshot, name, null, why)]
  })
  const brought = imports.map(({ kind, importedAt, rows }) => {
    const summary = { ...importSummary, name: `import.${kind}`, lastObservedAt: importedAt, count: rows.length }
    return new Collected(estate, snapshot, summary.name, summary, null)
  })
  return [...held, ...missing, ...neverAsked(estate, snapshot), ...brought]
}

/**
 * Active accounts whose IAM nobody asked about, where that of others was read. IAM of a suspended account cannot be asked, and is told as
 * not applicable.
 */
function neverAsked(estate: CollectedSurroundings, snapshot: Snapshot): readonly Collected[] {
  if (!estate.iam.isCollected) return []
  const asked = new Set(snapshot.datasets.filter(({ name }) => isPerAccount(name)).map(({ place }) => place.accountId))
  return itemsOf<Account>(estate.activeAccounts())
    .filter(({ key }) => !asked.has(key))
    .map(({ key }) => {
      const name = 'iam.account_summaries'
      const place = { accountId: key, region: '' }
      const held = {
        ...importSummary,
        name,
        place,
        coverage: 'incomplete' as const,
        count: 0,
        lastObservedAt: null,
        reason: 'IAM of this account was never asked about',
      }
      return new Collected(estate, snapshot, name, held, null)
    })
}

/** Why the rows of a dataset cannot be counted; undefined when it was read to its end. */
export function datasetCoverage(estate: Surroundings, snapshot: Snapshot, summary: DatasetSummary): Unknown | undefined {
  if (summary.coverage === 'complete' || summary.coverage === 'complete_with_changes') return undefined
  const { name, place } = summary
  const isHere = (at: Gap['place']) => at.accountId === place.accountId && at.region === place.region
  const gaps = snapshot.gaps.filter(gap => gap.dataset === name && gap.member === null && isHere(gap.place))
  return new Unknown(
    gaps.length > 0
      ? gaps.slice(0, 20)
      : [{ ...estate.gaps.absent(name, '', 'not_collected', summary.reason ?? summary.coverage), place }],
  )
}

/** One dataset of the snapshot at one place: what evidence is judged by. */
export class Collected extends Entity {
  readonly key: string
  readonly dataset: string
  readonly #summary: Held | null
  readonly #snapshot: Snapshot
  readonly #why: Unknown | null
  readonly #clock: Date | null

  /** @param why why there is no summary; null when there is one */
  constructor(estate: CollectedSurroundings, snapshot: Snapshot, dataset: string, summary: Held | null, why: Unknown | null) {
    super(estate, 0)
    this.#snapshot = snapshot
    this.#summary = summary
    this.#why = why
    this.#clock = estate.clock
    this.dataset = dataset
    this.key =
      summary === null || summary.place.accountId === ''
        ? dataset
        : `${dataset}|${summary.place.accountId}|${summary.place.region}`
  }

  get typeName(): string {
    return 'Collected'
  }
  get accountId(): string {
    return this.#summary?.place.accountId ?? ''
  }
  get name(): string {
    return this.accountId === '' ? this.dataset : `${this.dataset} in ${this.accountId}`
  }
  get coverage(): string | Unknown {
    return this.#summary?.coverage ?? this.#why!
  }
  get reason(): string {
    const said = [...new Set(this.#gaps().map(gap => gap.message))]
    return this.#summary?.reason ?? said.slice(0, 3).join('; ')
  }
  get actions(): readonly string[] {
    return [...new Set(this.#gaps().flatMap(gap => gap.action ?? []))]
  }
  /** What is not complete in this snapshot has no date of completeness in it. */
  get lastComplete(): Since | Unknown {
    if (this.#summary === null) return this.#why!
    const { coverage, lastObservedAt } = this.#summary
    const at = lastObservedAt ?? this.#snapshot.sealedAt
    const isComplete = coverage === 'complete' || coverage === 'complete_with_changes'
    if (isComplete && this.#clock !== null && at.getTime() > this.#clock.getTime() + clockToleranceMs) return this.#ahead(at)
    return new Since(at, isComplete)
  }
  get isImport(): boolean {
    return this.dataset.startsWith('import.')
  }
  get rows(): number | Unknown {
    return this.#summary?.count ?? this.#why!
  }

  /** How old it is nobody knows: the clock that it was read by was ahead. */
  #ahead(at: Date): Unknown {
    const message = `it is dated ${at.toISOString()}, which lies ahead of the clock at its judgement: a clock was wrong`
    return new Unknown([{ ...this.estate.gaps.absent(this.dataset, '', 'not_collected', message), action: null }])
  }

  #gaps(): readonly Gap[] {
    if (this.#summary === null) return this.#why!.gaps
    const { name, place } = this.#summary
    const isHere = (at: Gap['place']) => at.accountId === place.accountId && at.region === place.region
    return this.#snapshot.gaps.filter(gap => gap.dataset === name && gap.member === null && isHere(gap.place))
  }
}
