import type { Facts, GapReason, StoredResource } from '../model.ts'
import type { Needs } from './customer-policies.ts'
import { datasets } from './datasets.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { GapIndex } from './gap-index.ts'
import { CustomerManagedPolicy, ManagedPolicy } from './permission-set.ts'
import { closedOr } from './rows.ts'
import { emptyList, joinGaps, Unknown } from './values.ts'

export const inlineDataset = 'sso.inline_policies'
export const managedDataset = 'sso.managed_policies'
export const customerDataset = 'sso.customer_managed_policy_references'
export const boundaryDataset = 'sso.permissions_boundaries'
const detailsDataset = 'sso.permission_sets'

/** Datasets that say what permission sets are made of. */
export const policyDatasets: ReadonlySet<string> = new Set([
  ...[detailsDataset, inlineDataset, managedDataset, customerDataset, boundaryDataset],
])

/** What was read of every permission set: its details, its policies as they are attached, its boundary. */
export class PermissionSetRows {
  readonly #sets: EntityTable
  readonly #gaps: GapIndex
  readonly #details = new Map<number, Facts>()
  readonly #inline = new Map<number, Facts>()
  readonly #managed = new Map<number, Facts[]>()
  readonly #customer = new Map<number, Facts[]>()
  readonly #boundaries = new Map<number, Facts>()
  readonly #made = new Map<string, Unknown>()

  constructor(sets: EntityTable, gaps: GapIndex) {
    this.#sets = sets
    this.#gaps = gaps
  }

  /** Takes a row of one of the policy datasets; `parent` is the permission set's ARN. */
  add(row: StoredResource): void {
    const set = this.#sets.number(row.parent === '' ? (row.key.split('|')[0] ?? row.key) : row.parent)
    if (row.dataset === detailsDataset) this.#details.set(set, row.facts)
    else if (row.dataset === inlineDataset) this.#inline.set(set, row.facts)
    else if (row.dataset === boundaryDataset) this.#boundaries.set(set, row.facts)
    else push(row.dataset === managedDataset ? this.#managed : this.#customer, set, row.facts)
  }

  /** What DescribePermissionSet said. */
  details(set: number): Facts | undefined {
    return this.#details.get(set)
  }

  detailsAbsence(set: number): Unknown {
    return this.partGap(detailsDataset, set) ?? this.#rowMissing(detailsDataset, set)
  }

  /**
   * False for a set that was listed and then confirmed gone: its details were read to the end and there are none.
   */
  exists(set: number): boolean {
    return this.#details.has(set) || this.partGap(detailsDataset, set) !== undefined
  }

  inline(set: number): string | null | Unknown {
    const gap = this.partGap(inlineDataset, set)
    if (gap !== undefined) return gap
    const row = this.#inline.get(set)
    if (row === undefined) return this.#rowMissing(inlineDataset, set)
    const text = row.InlinePolicy
    if (typeof text === 'string') return text.trim() === '' ? null : text
    if (text === undefined || text === null) return null
    return this.policyGap(inlineDataset, set, this.key(set), 'invalid_answer', 'InlinePolicy is not a text')
  }

  managed(set: number): List {
    return this.#list(managedDataset, set, this.#managed, row => {
      const invalid = (member: string) => this.policyGap(managedDataset, set, null, 'invalid_answer', `${member} is not a text`)
      return new ManagedPolicy(
        typeof row.Name === 'string' ? row.Name : invalid('Name'),
        typeof row.Arn === 'string' ? row.Arn : invalid('Arn'),
      )
    })
  }

  customerManaged(set: number): List {
    return this.#list(customerDataset, set, this.#customer, row => {
      const invalid = (member: string) => this.policyGap(customerDataset, set, null, 'invalid_answer', `${member} is not a text`)
      const path = row.Path ?? '/'
      return new CustomerManagedPolicy(
        typeof row.Name === 'string' ? row.Name : invalid('Name'),
        typeof path === 'string' ? path : invalid('Path'),
      )
    })
  }

  /** The name of the permissions boundary; null when none is set. */
  boundary(set: number): string | null | Unknown {
    const unread = this.partGap(boundaryDataset, set)
    if (unread !== undefined) return unread
    const row = this.#boundaries.get(set)
    if (row === undefined) return null
    const own = row.CustomerManagedPolicyReference
    if (typeof own === 'object' && own !== null && 'Name' in own && typeof own.Name === 'string') return own.Name
    if (typeof row.ManagedPolicyArn === 'string') return row.ManagedPolicyArn.split('/').at(-1) ?? row.ManagedPolicyArn
    return this.policyGap(boundaryDataset, set, this.key(set), 'invalid_answer', 'the boundary names no policy')
  }

  /** Name and path of everything the set needs to find in an account: customer managed policies and such a boundary. */
  needs(set: number): Needs {
    const own = this.#boundaries.get(set)?.CustomerManagedPolicyReference
    const rows = [...(this.#customer.get(set) ?? []), ...(typeof own === 'object' && own !== null ? [own as Facts] : [])]
    const names = rows.map(({ Name, Path }) => ({ name: String(Name), path: typeof Path === 'string' ? Path : '/' }))
    const gaps = [this.partGap(customerDataset, set), this.partGap(boundaryDataset, set)].filter(gap => gap !== undefined)
    return { names, why: gaps.length === 0 ? undefined : gaps.reduce(joinGaps) }
  }

  /** Rows of the customer managed policies that it names. */
  protected customerRows(set: number): readonly Facts[] {
    return this.#customer.get(set) ?? []
  }

  protected boundaryRow(set: number): Facts | undefined {
    return this.#boundaries.get(set)
  }

  #list(dataset: string, set: number, rows: Map<number, Facts[]>, read: (row: Facts) => unknown): List {
    const items = (rows.get(set) ?? emptyList).map(row => read(row as Facts))
    return closedOr(items, this.partGap(dataset, set))
  }

  /** The gap that hides a set's part of a dataset; a whole gap that only speaks of unknown sets hides nothing of a known one. */
  protected partGap(dataset: string, set: number): Unknown | undefined {
    const gaps = this.#gaps
    const own = gaps.part(dataset, this.key(set)) ?? gaps.rows(dataset).get(this.key(set))
    if (own !== undefined) return own
    const isKnown = this.#sets.isPresent(set) || this.#details.has(set)
    if (!isKnown) return gaps.whole(dataset) ?? this.#sets.absence(set, gaps)
    return gaps.isExplainedByParents(dataset) ? undefined : gaps.whole(dataset)
  }

  #rowMissing(dataset: string, set: number): Unknown {
    const message = `the answer to ${datasets[dataset]?.action} for ${this.key(set)} is missing from the snapshot`
    return this.policyGap(dataset, set, null, 'not_collected', message)
  }

  /** Each gap of our own making is one object, however often it is met. */
  protected policyGap(dataset: string, set: number, key: string | null, reason: GapReason, message: string): Unknown {
    const name = `${dataset} ${set} ${key ?? ''} ${message}`
    let unknown = this.#made.get(name)
    if (unknown === undefined) {
      const gap = this.#gaps.absent(dataset, this.key(set), reason, message, key)
      const isDocument =
        reason === 'not_collected' &&
        (dataset === managedDataset || dataset === customerDataset || (dataset === boundaryDataset && key !== null))
      const action = reason === 'invalid_answer' ? null : isDocument ? 'iam:GetPolicyVersion' : gap.action
      unknown = new Unknown([{ ...gap, action }])
      this.#made.set(name, unknown)
    }
    return unknown
  }

  protected key(set: number): string {
    return this.#sets.keys[set]!
  }

  protected nameOf(set: number): string {
    const name = this.#details.get(set)?.Name
    return typeof name === 'string' ? name : this.key(set)
  }
}

function push(map: Map<number, Facts[]>, set: number, facts: Facts): void {
  const list = map.get(set)
  if (list === undefined) map.set(set, [facts])
  else list.push(facts)
}
