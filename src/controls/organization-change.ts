import { canonicalJson } from '../digest.ts'
import type { Facts, StoredState } from '../model.ts'
import type { Nameable } from './approvals.ts'
import { Change, type ChangeSurroundings, differences, whenOf } from './change.ts'
import { type ChangeEvent, eventsOf, type Watched } from './change-events.ts'
import type { Past } from './past.ts'

/** What an organization change asks of the estate. */
export interface OrganizationChangeSurroundings extends ChangeSurroundings {
  /** an account as an approval may name it */
  accountNamed(id: string): Nameable
  /** type of a policy of Organizations; null when it is not known */
  policyType(id: string): string | null
}

const only =
  (...members: readonly string[]) =>
  (facts: Facts) =>
    canonicalJson(Object.fromEntries(members.flatMap(name => (facts[name] === undefined ? [] : [[name, facts[name]]]))))
const presence = () => 'there'
const first = ({ key }: StoredState) => key.split('|')[0]!

/** `kind` and what it is about, by dataset. Names and descriptions are no guardrails. */
const watched: readonly Watched[] = [
  { dataset: 'organizations.policies', thing: state => `policy|${state.key}`, signature: presence },
  { dataset: 'organizations.policy_documents', thing: state => `policy|${state.key}`, signature: only('Content') },
  { dataset: 'organizations.policy_targets', thing: state => `attachment|${state.key}`, signature: presence },
  { dataset: 'organizations.delegated_administrators', thing: state => `delegation|${state.key}`, signature: presence },
  { dataset: 'organizations.delegated_services', thing: state => `delegation|${first(state)}`, signature: presence },
  { dataset: 'organizations.resource_policies', thing: () => 'delegationPolicy|organization', signature: only('Content') },
  {
    dataset: 'organizations.organizations',
    thing: state => `organization|${state.key}`,
    signature: only('FeatureSet', 'MasterAccountId'),
  },
  { dataset: 'organizations.accounts', thing: state => `account|${state.key}`, signature: only('State', 'Paths') },
]

export const organizationChangeDatasets: readonly string[] = watched.map(({ dataset }) => dataset)

/** Guardrails, delegation and accounts that are not as they were. */
export function organizationChanges(estate: OrganizationChangeSurroundings, past: Past) {
  const { events, unproven } = eventsOf(past, watched)
  return { members: events.map(event => new OrganizationChange(estate, past, event)), unproven }
}

export class OrganizationChange extends Change {
  declare readonly estate: OrganizationChangeSurroundings
  readonly kind: string
  readonly resourceId: string
  readonly what: string
  readonly differences: readonly string[]
  readonly #policyId: string | null

  constructor(estate: OrganizationChangeSurroundings, past: Past, event: ChangeEvent) {
    super(estate, event.thing, whenOf(past, event))
    const at = event.thing.indexOf('|')
    this.kind = event.thing.slice(0, at)
    this.resourceId = event.thing.slice(at + 1)
    this.what = wordOf(this.kind, event)
    this.differences = event.rows.flatMap(row =>
      row.before === null || row.after === null ? [] : differences(row, new Set(['Name', 'Email', 'Description'])),
    )
    this.#policyId = this.kind === 'policy' || this.kind === 'attachment' ? this.resourceId.split('|')[0]! : null
  }

  get typeName(): string {
    return 'OrganizationChange'
  }
  get name(): string {
    return `${this.kind} ${this.resourceId.replace('|', ' on ')} ${this.what}`
  }
  get policyType(): string | null {
    return this.#policyId === null ? null : this.estate.policyType(this.#policyId)
  }
  protected get approvable() {
    const isAccount = this.kind === 'account' || this.kind === 'delegation'
    return {
      ...(isAccount ? { account: this.estate.accountNamed(this.resourceId) } : {}),
      resources: [this.resourceId, ...this.resourceId.split('|')],
      needs: isAccount ? [['account'] as const] : [],
    }
  }
}

const words: { readonly [kind: string]: readonly [came: string, went: string, changed: string] } = {
  policy: ['created', 'deleted', 'changed'],
  attachment: ['attached', 'detached', 'changed'],
  delegation: ['registered', 'deregistered', 'changed'],
  delegationPolicy: ['created', 'deleted', 'changed'],
  organization: ['created', 'gone', 'changed'],
  account: ['added', 'gone', 'changed'],
}

function wordOf(kind: string, { wasThere, isThere }: ChangeEvent): string {
  const [came, went, changed] = words[kind]!
  return wasThere ? (isThere ? changed : went) : came
}
