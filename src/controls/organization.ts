import type { Facts, Json, StoredResource } from '../model.ts'
import { declareFacts, type List, type Surroundings } from './entity.ts'
import type { GapIndex } from './gap-index.ts'
import { allowsAll } from './policy-document.ts'
import { readWritten } from './policy-documents.ts'
import { closedOr, DatasetRows, RowEntity, tagsOf } from './rows.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

/** What the organization asks of an account. */
export interface PlacedAccount {
  readonly key: string
  readonly facts: Facts | undefined
  absence(): Unknown
}

/** What the organization asks of the estate. */
export interface OrganizationSurroundings extends Surroundings {
  readonly organizations: OrganizationRows
  instanceList(): List
  accountOfId(id: string): PlacedAccount | null | Unknown
}

/** what the delegation policy of Organizations gives, named like a service */
const delegationPolicy = 'organizations.amazonaws.com'
const scp = 'SERVICE_CONTROL_POLICY'
const rcp = 'RESOURCE_CONTROL_POLICY'
/** policies that AWS attaches by itself and that allow everything */
const harmless = new Set(['FullAWSAccess', 'RCPFullAWSAccess'])

/** The datasets of Organizations beside the list of accounts: units, tags, policies and delegation. */
export class OrganizationRows {
  readonly organizations: DatasetRows
  readonly roots: DatasetRows
  readonly units: DatasetRows
  readonly tags: DatasetRows
  readonly policies: DatasetRows
  readonly documents: DatasetRows
  readonly targets: DatasetRows
  readonly delegatedServices: DatasetRows
  readonly features: DatasetRows
  readonly resourcePolicies: DatasetRows
  readonly #estate: OrganizationSurroundings
  readonly #byDataset: ReadonlyMap<string, DatasetRows>
  #policiesByTarget: Map<string, Policy[]> | null = null

  constructor(estate: OrganizationSurroundings, gaps: GapIndex) {
    this.#estate = estate
    const rows = (dataset: string) => new DatasetRows(dataset, gaps)
    this.organizations = rows('organizations.organizations')
    this.roots = rows('organizations.roots')
    this.units = rows('organizations.organizational_units')
    this.tags = rows('organizations.tags')
    this.policies = rows('organizations.policies')
    this.documents = rows('organizations.policy_documents')
    this.targets = rows('organizations.policy_targets')
    this.delegatedServices = rows('organizations.delegated_services')
    this.features = rows('iam.organizations_features')
    this.resourcePolicies = rows('organizations.resource_policies')
    this.#byDataset = new Map(
      [
        this.organizations,
        this.roots,
        this.units,
        this.tags,
        this.policies,
        this.documents,
        this.targets,
        this.delegatedServices,
        this.features,
        this.resourcePolicies,
      ].map(each => [each.dataset, each]),
    )
  }

  /** Takes a row when it belongs here. */
  add(row: StoredResource): boolean {
    const rows = this.#byDataset.get(row.dataset)
    if (rows === undefined) return false
    const isOwned = rows === this.tags || rows === this.targets || rows === this.delegatedServices
    rows.add(row, isOwned ? row.key.split('|')[0] : row.parent)
    return true
  }

  tagsOf(resource: string): List {
    return tagsOf(this.tags, this.#estate, resource)
  }

  /**
   * Ids of what stands above an account, outermost first, from `Paths` (`o-1/r-1/ou-1/111111111111/`).
   * Null where AWS sent no path that can be read.
   */
  ancestors(account: PlacedAccount): readonly string[] | Unknown {
    const facts = account.facts
    if (facts === undefined) return account.absence()
    const path = Array.isArray(facts.Paths) ? facts.Paths[0] : undefined
    if (typeof path !== 'string') return this.#estate.notSent('organizations.accounts', account.key, 'Paths')
    const ids = path.split('/').filter(id => /^(r|ou)-/.test(id))
    return ids[0]?.startsWith('r-') ? ids : this.#estate.invalid('organizations.accounts', account.key, `Paths is ${path}`)
  }

  /** Name of an organizational unit. */
  unitName(id: string): string | Unknown {
    const row = this.units.byKey(id)
    if (typeof row?.facts.Name === 'string') return row.facts.Name
    return (
      this.units.listGap() ??
      this.#estate.invalid(this.units.dataset, id, `${id} is in the path of an account and was not listed`)
    )
  }

  /** Whether service control policies are switched on at the root. */
  hasServiceControlPolicies(): boolean | Unknown {
    const gap = this.roots.listGap()
    const types = [...this.roots.all()].flatMap(({ facts }) => (Array.isArray(facts.PolicyTypes) ? facts.PolicyTypes : []))
    const isOn = types.some(
      type => typeof type === 'object' && type !== null && 'Type' in type && type.Type === scp && type.Status === 'ENABLED',
    )
    return isOn || (gap ?? false)
  }

  /** Policies attached to any of these targets, without those that allow everything. */
  guardrailsOf(targets: readonly string[]): List {
    const byTarget = this.#policiesByTarget ?? this.#linkPolicies()
    const found = new Set(targets.flatMap(target => byTarget.get(target) ?? []))
    const items: Policy[] = []
    const ghosts: Policy[] = []
    const gaps: Unknown[] = [this.policies.listGap(), this.targets.listGap()].filter(gap => gap !== undefined)
    const isOpen = gaps.length > 0
    for (const policy of found) {
      const guards = this.#guards(policy)
      if (guards instanceof Undecided) {
        ghosts.push(policy)
        gaps.push(guards)
      } else if (guards) items.push(policy)
    }
    return gaps.length === 0 ? items : new OpenList(items, ghosts, gaps.reduce(joinGaps), { isUnbounded: false, isOpen })
  }

  /** Whether a policy keeps anybody from anything, by its document: one that only allows everything does not. */
  #guards(policy: Policy): boolean | Unknown {
    const { Name: name, Type: type, key } = policy
    if (name instanceof Undecided) return name
    if (harmless.has(name ?? '')) return false
    if (type instanceof Undecided) return type
    if (type !== scp && type !== rcp) return true
    const row = this.documents.byKey(key)
    if (row === undefined)
      return this.documents.absence(key, key) ?? this.#estate.invalid(this.documents.dataset, key, `${key} was not described`)
    const read = readWritten(row.facts.Content, name ?? key)
    if ('malformed' in read)
      return this.#estate.invalid(this.documents.dataset, key, `the document of ${key} is no policy: ${read.malformed}`)
    // what is allowed under a condition is allowed anyway beside an Allow of everything, and alone it keeps from the rest
    return !allowsAll(read.statements.filter(({ effect, isConditional }) => effect === 'Deny' || !isConditional))
  }

  #linkPolicies(): Map<string, Policy[]> {
    const byTarget = new Map<string, Policy[]>()
    for (const { key } of this.targets.all()) {
      const [id, target] = key.split('|') as [string, string]
      const row = this.policies.byKey(id)
      const policy = new Policy(this.#estate, this.policies.dataset, id, row, this.policies.listGap())
      byTarget.set(target, [...(byTarget.get(target) ?? []), policy])
    }
    this.#policiesByTarget = byTarget
    return byTarget
  }

  organizationList(): List {
    return this.organizations.list(row => new Organization(this.#estate, row.dataset, row.key, row))
  }
  /** Accounts with the services they administer, and accounts that the delegation policy of Organizations names. */
  delegationList(): List {
    const made = [...this.delegatedServices.all()].map(row => this.#delegation(row.dataset, row.key, row))
    const gaps = [this.delegatedServices.listGap(), this.resourcePolicies.listGap()].filter(gap => gap !== undefined)
    for (const { key, facts } of this.resourcePolicies.all()) {
      const accounts = principalsOf(facts.Content)
      if (accounts === null)
        gaps.push(this.#estate.invalid(this.resourcePolicies.dataset, key, `the policy ${key} cannot be read`))
      for (const id of accounts ?? [])
        made.push(this.#delegation(this.resourcePolicies.dataset, `${id}|${delegationPolicy}`, undefined))
    }
    return closedOr(made, gaps.length === 0 ? undefined : gaps.reduce(joinGaps))
  }
  delegatedServicesOf(accountId: string): List {
    return this.delegatedServices.listOf(accountId, row => row.key.split('|')[1] ?? '')
  }
  #delegation(dataset: string, key: string, row: StoredResource | undefined): Delegation {
    return new Delegation(this.#estate, dataset, key, row)
  }
}

/** Accounts that a resource policy names, `*` for everybody; null when it is no policy. */
function principalsOf(content: Json | undefined): readonly string[] | null {
  let parsed: unknown = content
  try {
    if (typeof content === 'string') parsed = JSON.parse(content)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || !('Statement' in parsed)) return null
  const statements: readonly unknown[] = Array.isArray(parsed.Statement) ? parsed.Statement : [parsed.Statement]
  const named = statements.flatMap(statement => {
    if (typeof statement !== 'object' || statement === null) return []
    if ('Effect' in statement && statement.Effect === 'Deny') return []
    if ('NotPrincipal' in statement) return ['*']
    if (!('Principal' in statement)) return []
    const principal = statement.Principal
    const aws = typeof principal === 'object' && principal !== null && 'AWS' in principal ? principal.AWS : principal
    return (Array.isArray(aws) ? aws : [aws]).filter(each => typeof each === 'string')
  })
  return [...new Set(named.map(each => /\d{12}/.exec(each)?.[0] ?? each))]
}

export class Organization extends RowEntity {
  declare readonly estate: OrganizationSurroundings

  get typeName(): string {
    return 'Organization'
  }
  get name(): string {
    return this.key
  }
  get delegations(): List {
    return this.estate.organizations.delegationList()
  }
  get instances(): List {
    return this.estate.instanceList()
  }
  get centralRootFeatures(): List {
    const { features } = this.estate.organizations
    const names = [...features.all()].flatMap(({ facts, key }) => {
      const list = facts.EnabledFeatures
      return Array.isArray(list) ? list.map(String) : [typeof facts.Feature === 'string' ? facts.Feature : key]
    })
    return closedOr(names, features.listGap())
  }
}

/** A member account that administers one service for the organization. */
export class Delegation extends RowEntity {
  declare readonly estate: OrganizationSurroundings

  get typeName(): string {
    return 'Delegation'
  }
  get AccountId(): string {
    return this.key.split('|')[0]!
  }
  get ServicePrincipal(): string {
    return this.key.split('|')[1] ?? ''
  }
  get name(): string {
    return `${this.ServicePrincipal} in ${this.AccountId}`
  }
  get account(): PlacedAccount | null | Unknown {
    return this.estate.accountOfId(this.AccountId)
  }
}

export class Policy extends RowEntity {
  declare readonly Name: string | null | Unknown
  declare readonly Type: string | null | Unknown

  get typeName(): string {
    return 'Policy'
  }
  get name(): string | Unknown {
    return this.Name ?? this.key
  }
}

declareFacts(Organization, 'Organization')
declareFacts(Policy, 'Policy')
