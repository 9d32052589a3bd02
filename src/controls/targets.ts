import { declareFacts, type List, StoredEntity, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import { type Since, Undecided, type Unknown } from './values.ts'

/** What accounts and applications ask of the estate. */
export interface TargetSurroundings extends Surroundings {
  readonly accounts: EntityTable
  readonly applications: EntityTable
  readonly managementAccountId: string | Unknown
  adminsOf(account: number): List
  accountAssignmentsOf(side: 'account', number: number): List
  applicationAssignmentsOf(side: 'application', number: number): List
}

export class Account extends StoredEntity {
  declare readonly estate: TargetSurroundings
  declare readonly Name: string | null | Unknown
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
    this.#assignments ??= this.estate.accountAssignmentsOf('account', this.number)
    return this.#assignments
  }
  get admins(): List {
    this.#admins ??= this.estate.adminsOf(this.number)
    return this.#admins
  }
}

export class Application extends StoredEntity {
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
  get assignments(): List {
    return this.estate.applicationAssignmentsOf('application', this.number)
  }
}

declareFacts(Account, 'Account')
declareFacts(Application, 'Application')
