import type { Gap, Snapshot, StoredResource, StoredState } from '../model.ts'
import { holdsAt, isUnproven, type Past } from './past.ts'
import { setDatasets, setOf } from './set-change.ts'
import type { Unknown } from './values.ts'

const documents = 'iam.policy_documents'
const customer = 'iam.managed_policies'

/** Datasets whose earlier states say whether a permission set administered. */
export const pastSetDatasets: readonly string[] = [...setDatasets, 'sso.provisioned_accounts', documents, customer]

/** When a permission set was admin-equivalent; `why` where nobody knows whether it was. */
export interface AdminSpan {
  readonly from: number
  /** first version in which it was so no more; Infinity while it is */
  readonly to: number
  readonly why: Unknown | null
}

/** What the past of permission sets asks of the present. */
export interface PresentSets {
  readonly snapshot: Snapshot
  /** rows of a set, of the policies it refers to and of the accounts it is in, as they are now */
  rowsOf(arn: string): readonly StoredResource[]
  isAdmin(arn: string): boolean | Unknown
  /** the same of an estate that holds these rows alone */
  isAdminAmong(snapshot: Snapshot, rows: readonly StoredResource[], arn: string): boolean | Unknown
}

/** Whether permission sets administered in the earlier snapshots of a period. */
export class PastSets {
  readonly #past: Past
  readonly #present: PresentSets
  /** states of rows that changed, by set */
  readonly #bySet = new Map<string, (readonly StoredState[])[]>()
  /** states of documents that changed: of everything that may refer to them */
  readonly #documents: readonly (readonly StoredState[])[]
  readonly #spans = new Map<string, readonly AdminSpan[]>()

  constructor(past: Past, present: PresentSets) {
    this.#past = past
    this.#present = present
    for (const dataset of [...setDatasets, 'sso.provisioned_accounts']) {
      for (const states of past.timelines(dataset)) {
        const set =
          dataset === 'sso.provisioned_accounts' ? states[0]!.key.slice(0, states[0]!.key.lastIndexOf('|')) : setOf(states[0]!)
        const known = this.#bySet.get(set)
        if (known === undefined) this.#bySet.set(set, [states])
        else known.push(states)
      }
    }
    this.#documents = [...past.timelines(documents), ...past.timelines(customer)]
  }

  /** Sets that may have become admin-equivalent, or ceased to be, within the period. */
  changed(all: Iterable<string>): readonly string[] {
    return [...new Set([...this.#bySet.keys(), ...all])].filter(arn => {
      const spans = this.spans(arn)
      return spans.some(({ from, to }) => from > this.#past.first || to !== Number.POSITIVE_INFINITY)
    })
  }

  spans(arn: string): readonly AdminSpan[] {
    let spans = this.#spans.get(arn)
    if (spans === undefined) {
      spans = this.#find(arn)
      this.#spans.set(arn, spans)
    }
    return spans
  }

  #find(arn: string): readonly AdminSpan[] {
    const rows = this.#present.rowsOf(arn)
    const shown = new Set(rows.map(row => `${row.dataset} ${row.place.accountId} ${row.key}`))
    const isIts = ([state]: readonly StoredState[]) =>
      shown.has(`${state!.dataset} ${state!.place.accountId} ${state!.key}`) || this.#isReferred(arn, state!)
    const timelines = [...(this.#bySet.get(arn) ?? []), ...this.#documents.filter(isIts)]
    const versions = timelines.flat().flatMap(({ from, to, lastSeen }) => [from, to ?? this.#past.first, lastSeen + 1])
    const starts = [...new Set([this.#past.first, ...versions])].filter(each => each <= this.#past.last).sort((a, b) => a - b)
    const isUnchanged = starts.length === 1
    return starts.flatMap((from, index) => {
      const to = starts[index + 1] ?? Number.POSITIVE_INFINITY
      const isAdmin =
        isUnchanged || to === Number.POSITIVE_INFINITY ? this.#present.isAdmin(arn) : this.#isAdminAt(arn, from, rows, timelines)
      return isAdmin === false ? [] : [{ from, to, why: isAdmin === true ? null : isAdmin }]
    })
  }

  /** A document of the past that a row of the set's past names, when neither is there any more. */
  #isReferred(arn: string, { dataset, key, facts }: StoredState): boolean {
    const rows = (this.#bySet.get(arn) ?? []).flat()
    if (dataset === documents) return rows.some(row => row.facts.Arn === key || row.facts.ManagedPolicyArn === key)
    return rows.some(row => row.dataset.startsWith('sso.') && row.facts.Name === facts.PolicyName)
  }

  #isAdminAt(
    arn: string,
    version: number,
    rows: readonly StoredResource[],
    timelines: readonly (readonly StoredState[])[],
  ): boolean | Unknown {
    const name = ({ dataset, place, key }: Pick<StoredResource, 'dataset' | 'place' | 'key'>) =>
      `${dataset} ${place.accountId} ${key}`
    const changed = new Set(timelines.map(([state]) => name(state!)))
    const then = timelines.flatMap(states => states.findLast(state => holdsAt(state, version)) ?? [])
    const sure = then.filter(state => version <= state.lastSeen && !(isUnproven(state) && version < state.from))
    const lost = timelines
      .flat()
      .filter(state => (isUnproven(state) && version < state.from) || (then.includes(state) && version > state.lastSeen))
    const at = this.#past.sealedAt(version)
    const stored = sure.map(state => ({
      ...state,
      digest: '',
      salt: null,
      firstSeenAt: at,
      seenFromTheStart: true,
      earlier: [],
      since: at,
    }))
    const { snapshot } = this.#present
    const gaps = lost.map(
      ({ dataset, place, parent }): Gap => ({
        ...{ dataset, place, parent, key: null, member: null, reason: 'not_collected', action: null, errorCode: null },
        message: `it could not be read at ${at.toISOString()}`,
      }),
    )
    return this.#present.isAdminAmong(
      { ...snapshot, gaps: [...snapshot.gaps, ...gaps] },
      [...rows.filter(row => !changed.has(name(row))), ...stored],
      arn,
    )
  }
}
