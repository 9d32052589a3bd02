import type { ImportedRows } from '../model.ts'
import { declareFacts, type List, StoredEntity, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { OrganizationRows } from './organization.ts'
import type { People } from './people.ts'
import { closedOr, type DatasetRows } from './rows.ts'
import { type Since, Undecided, type Unknown } from './values.ts'

/** What accounts and applications ask of the estate. */
export interface TargetSurroundings extends Surroundings {
  readonly accounts: EntityTable
  readonly applications: EntityTable
  readonly managementAccountId: string | Unknown
  readonly links: {
    accountAssignmentsOf(side: 'account', number: number): List
    applicationAssignmentsOf(side: 'application', number: number): List
  }
  readonly access: {
    readonly organizationAdmins: List
    adminsOf(account: number): List
    effectiveUsersOf(application: number): List
  }
  readonly organizations: OrganizationRows
  readonly applicationConfigurations: DatasetRows
  userList(): List
  readonly people: People
  readonly imports: readonly ImportedRows[]
}

export class Account extends StoredEntity {
  declare readonly estate: TargetSurroundings
  declare readonly Name: string | null | Unknown
  declare readonly State: string | Unknown
  #assignments: List | undefined
  #admins: List | undefined

  get typeName(): string {
    return 'Account'
  }
  protected get table(): EntityTable {
    return this.estate.accounts
  }
  get name(): string | Unknown {
    return this.Name ?? this.key
  }
  get isManagement(): boolean | Unknown {
    const id = this.estate.managementAccountId
    return id instanceof Undecided ? id : id === this.key
  }
  get stateSince(): Since | Unknown {
    return this.table.stateSince(this.number) ?? this.absence()
  }
  get assignments(): List {
    this.#assignments ??= this.estate.links.accountAssignmentsOf('account', this.number)
    return this.#assignments
  }
  get tags(): List {
    return this.estate.organizations.tagsOf(this.key)
  }
  get parentIsRoot(): boolean | Unknown {
    const above = this.estate.organizations.ancestors(this)
    return above instanceof Undecided ? above : above.length === 1
  }
  get ouNames(): List {
    const above = this.estate.organizations.ancestors(this)
    if (above instanceof Undecided) return closedOr([], above)
    const names = above.slice(1).map(id => this.estate.organizations.unitName(id))
    const known = names.filter(name => !(name instanceof Undecided))
    return closedOr(
      known,
      names.find(name => name instanceof Undecided),
    )
  }
  get hasServiceControlPolicies(): boolean | Unknown {
    return this.estate.organizations.hasServiceControlPolicies()
  }
  get guardrails(): List {
    const above = this.estate.organizations.ancestors(this)
    if (above instanceof Undecided) return closedOr([], above)
    return this.estate.organizations.guardrailsOf([...above, this.key])
  }
  get hasRoster(): boolean {
    return this.estate.imports.some(({ kind }) => kind === 'roster')
  }
  get delegatedServices(): List {
    return this.estate.organizations.delegatedServicesOf(this.key)
  }
  get organizationAdmins(): List {
    return this.estate.access.organizationAdmins
  }
  get admins(): List {
    this.#admins ??= this.estate.access.adminsOf(this.number)
    return this.#admins
  }
}

export class Application extends StoredEntity {
  #effectiveUsers: List | undefined
  declare readonly CreatedDate: Date | null | Unknown
  declare readonly ApplicationProviderArn: string | null | Unknown
  declare readonly estate: TargetSurroundings
  declare readonly Name: string | null | Unknown

  get typeName(): string {
    return 'Application'
  }
  protected get table(): EntityTable {
    return this.estate.applications
  }
  get name(): string | Unknown {
    return this.Name ?? this.key
  }
  get assignmentRequired(): boolean | Unknown {
    const { applicationConfigurations: rows } = this.estate
    const required = rows.byKey(this.key)?.facts.AssignmentRequired
    if (typeof required === 'boolean') return required
    return rows.absence(this.key, this.key) ?? this.estate.notSent(rows.dataset, this.key, 'AssignmentRequired')
  }
  get created(): Since | Unknown {
    return this.sinceCreated(this.CreatedDate)
  }
  get isCustomerManaged(): boolean | Unknown {
    const provider = this.ApplicationProviderArn
    return typeof provider === 'string' ? /\/custom/.test(provider) : (provider ?? true)
  }
  get effectiveUsers(): List {
    this.#effectiveUsers ??= this.estate.access.effectiveUsersOf(this.number)
    return this.#effectiveUsers
  }
  get assignments(): List {
    return this.estate.links.applicationAssignmentsOf('application', this.number)
  }
}

declareFacts(Account, 'Account')
declareFacts(Application, 'Application')
