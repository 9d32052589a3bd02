import { canonicalJson } from '../digest.ts'
import type { StoredState } from '../model.ts'
import { Change, type ChangeSurroundings, differences, whenOf } from './change.ts'
import { type ChangeEvent, eventsOf, type RowChange, type Watched } from './change-events.ts'
import type { Past } from './past.ts'

const listed = 'sso.permission_set_arns'
const details = 'sso.permission_sets'
const managed = 'sso.managed_policies'
const customer = 'sso.customer_managed_policy_references'
const inline = 'sso.inline_policies'
const boundaries = 'sso.permissions_boundaries'

/** Datasets that say what a permission set allows. */
export const setDatasets: readonly string[] = [listed, details, inline, managed, customer, boundaries]

const ignored = new Set(['Description', 'CreatedDate', 'RelayState', 'Name', 'PermissionSetArn'])

/** The permission set a row belongs to. */
export function setOf({ key, parent, dataset }: Pick<StoredState, 'key' | 'parent' | 'dataset'>): string {
  return dataset === listed ? key : parent === '' ? (key.split('|')[0] ?? key) : parent
}

const watched: readonly Watched[] = setDatasets.map(dataset => ({
  dataset,
  thing: setOf,
  signature: facts => canonicalJson(Object.fromEntries(Object.entries(facts).filter(([name]) => !ignored.has(name)))),
}))

/** Permission sets that are new, gone, or differ in policies, boundary or session duration. */
export function setChanges(estate: ChangeSurroundings, past: Past, nameOf: (arn: string) => string) {
  const { events, unproven } = eventsOf(past, watched)
  return { members: events.map(event => new PermissionSetChange(estate, past, event, nameOf(event.thing))), unproven }
}

export class PermissionSetChange extends Change {
  readonly PermissionSetArn: string
  readonly name: string
  readonly isNew: boolean
  readonly isGone: boolean
  readonly differences: readonly string[]

  constructor(estate: ChangeSurroundings, past: Past, event: ChangeEvent, name: string) {
    super(estate, event.thing, whenOf(past, event))
    this.PermissionSetArn = event.thing
    this.name = name
    this.isNew = event.rows.some(each => each.dataset === listed && each.before === null)
    this.isGone = event.rows.some(each => each.dataset === listed && each.after === null)
    this.differences = event.rows.flatMap(wordsOf)
  }

  get typeName(): string {
    return 'PermissionSetChange'
  }
  protected get approvable() {
    const set = { id: this.PermissionSetArn, name: this.name }
    return { permissionSet: set, resources: [this.PermissionSetArn], needs: [['permissionSet'] as const] }
  }
}

function wordsOf(row: RowChange): readonly string[] {
  const { dataset, before, after } = row
  if (dataset === listed) return []
  if (dataset === managed || dataset === customer) {
    const named = after ?? before!
    return [
      `${dataset === managed ? 'AWS' : 'customer'} managed policy ${String(named.Name)} ${after === null ? 'detached' : 'attached'}`,
    ]
  }
  const words = differences(row, ignored)
  if (dataset === boundaries) return [`permissions boundary: ${words.join(', ')}`]
  return dataset === inline ? words.map(each => `inline policy: ${each}`) : words
}
