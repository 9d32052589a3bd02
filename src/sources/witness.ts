import type { Facts, PartPiece } from '../model.ts'

/** What is remembered for comparing; beyond it, large lists are forgotten and said to be. */
const mostKeys = 400_000

/** Datasets that cross-checks compare; of the starred ones the facts are kept too. */
const kept: { readonly [dataset: string]: 'keys' | 'facts' } = {
  'organizations.accounts': 'keys',
  'identitystore.users': 'keys',
  'identitystore.groups': 'keys',
  'identitystore.group_memberships': 'keys',
  'sso.permission_set_arns': 'keys',
  'sso.permission_sets': 'facts',
  'sso.provisioned_accounts': 'keys',
  'sso.account_assignments': 'keys',
  'iam.users': 'keys',
  'iam.group_details': 'keys',
  'iam.roles': 'keys',
  'iam.managed_policies': 'keys',
  'iam.account_summaries': 'facts',
}

export interface SeenRow {
  readonly accountId: string
  readonly key: string
  /** empty unless the dataset's facts are kept */
  readonly facts: Facts
}

/** Remembers what a collection hands on, as far as cross-checks compare it. */
export class Witness {
  readonly #parts = new Map<string, Map<string, SeenRow[]>>()
  readonly #notWhole = new Map<string, string>()
  #keys = 0

  /** @param isResumed parts of an interrupted run are staged and not read again: nothing but lists that name parents is whole */
  constructor(isResumed: boolean) {
    if (isResumed) for (const dataset of Object.keys(kept)) this.#notWhole.set(dataset, 'the run went on from an interrupted one')
  }

  note({ part, isFirst, rows, end }: PartPiece): void {
    const how = kept[part.dataset]
    if (how === undefined) return
    // an account that is suspended, an instance without sets: nothing is missing there
    if (end?.coverage === 'not_applicable') return
    if (end !== null && end.coverage !== 'complete' && end.coverage !== 'complete_with_changes') {
      this.#notWhole.set(part.dataset, `${part.dataset} is ${end.coverage}`)
    }
    const parts = this.#parts.get(part.dataset) ?? new Map<string, SeenRow[]>()
    this.#parts.set(part.dataset, parts)
    const name = `${part.place.accountId} ${part.parent}`
    const seen = isFirst ? [] : (parts.get(name) ?? [])
    for (const { key, facts } of rows) seen.push({ accountId: part.place.accountId, key, facts: how === 'facts' ? facts : {} })
    parts.set(name, seen)
    this.#keys += rows.length
    if (this.#keys > mostKeys) this.#forget(part.dataset)
  }

  /** Every row of a dataset that was read to its end, or why it cannot be compared. */
  rows(dataset: string): readonly SeenRow[] | string {
    const reason = this.#notWhole.get(dataset)
    if (reason !== undefined) return reason
    const parts = this.#parts.get(dataset)
    return parts === undefined ? `${dataset} was not read` : [...parts.values()].flat()
  }

  #forget(dataset: string): void {
    for (const rows of this.#parts.get(dataset)?.values() ?? []) this.#keys -= rows.length
    this.#parts.delete(dataset)
    this.#notWhole.set(dataset, `${dataset} is more than is kept in memory for comparing`)
  }
}
