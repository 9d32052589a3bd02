import type { DatasetSummary, SourceHistory, StoredState } from '../model.ts'
import { isPerAccount } from './gap-index.ts'

/** What changed in a source before the judged snapshot, by dataset and resource. */
export class Past {
  readonly previous: readonly DatasetSummary[] | null
  readonly #sealedAt: ReadonlyMap<number, Date>
  /** of states whose facts are no longer kept, by dataset: keys and why */
  readonly #disposed = new Map<string, { readonly key: string; readonly why: string }[]>()
  readonly #timelines = new Map<string, Map<string, StoredState[]>>()
  readonly first: number
  readonly last: number

  private constructor({ snapshots, previous }: Omit<SourceHistory, 'states'>) {
    this.previous = previous
    this.#sealedAt = new Map(snapshots.map(({ version, sealedAt }) => [version, sealedAt]))
    this.first = snapshots[0]?.version ?? 0
    this.last = snapshots.at(-1)?.version ?? 0
  }

  static async read(history: SourceHistory): Promise<Past> {
    const past = new Past(history)
    for await (const state of history.states) past.#add(state)
    return past
  }

  static of(history: Omit<SourceHistory, 'states'>, states: readonly StoredState[]): Past {
    const past = new Past(history)
    for (const state of states) past.#add(state)
    return past
  }

  #add(state: StoredState): void {
    if (state.disposed !== undefined)
      this.#disposed.set(state.dataset, [...this.disposed(state.dataset), { key: state.key, why: state.disposed }])
    let byKey = this.#timelines.get(state.dataset)
    if (byKey === undefined) {
      byKey = new Map()
      this.#timelines.set(state.dataset, byKey)
    }
    const key = isPerAccount(state.dataset) ? `${state.place.accountId} ${state.key}` : state.key
    const timeline = byKey.get(key)
    if (timeline === undefined) byKey.set(key, [state])
    else timeline.push(state)
  }

  /** False when there is no earlier snapshot: then nothing is known of changes. */
  get isComparable(): boolean {
    return this.first < this.last
  }

  sealedAt(version: number): Date {
    return this.#sealedAt.get(version)!
  }

  /** The states of each resource of a dataset that changed, each in order. */
  timelines(dataset: string): Iterable<readonly StoredState[]> {
    return this.#timelines.get(dataset)?.values() ?? []
  }

  /** Resources of which an earlier state is no longer kept: what they were cannot be told from what they are. */
  disposed(dataset: string): readonly { readonly key: string; readonly why: string }[] {
    return this.#disposed.get(dataset) ?? []
  }

  /** The states of one resource of the organization; undefined when it did not change. */
  timeline(dataset: string, key: string): readonly StoredState[] | undefined {
    return this.#timelines.get(dataset)?.get(key)
  }
}

/** True when a resource was so in a snapshot, whether that snapshot saw it or not. A start that nothing proves counts as the beginning. */
export function holdsAt({ from, to, notBefore }: StoredState, version: number): boolean {
  return (from <= version || notBefore === null) && (to === null || version < to)
}

/** True for a state that began within the period without anything to say since when. */
export function isUnproven({ isFromTheStart, notBefore }: StoredState): boolean {
  return !isFromTheStart && notBefore === null
}
