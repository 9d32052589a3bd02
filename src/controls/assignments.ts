import type { AccountAssignmentColumns, ApplicationAssignmentColumns, AssignmentColumns } from './edges.ts'
import { Entity, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import { PermissionSet } from './permission-set.ts'
import type { Group, User } from './principals.ts'
import { Account, Application } from './targets.ts'
import { Undecided, type Unknown } from './values.ts'

/** What assignments ask of the estate. */
export interface AssignmentSurroundings extends Surroundings {
  readonly accounts: EntityTable
  readonly permissionSets: EntityTable
  readonly applications: EntityTable
  readonly accountAssignments: AccountAssignmentColumns
  readonly applicationAssignments: ApplicationAssignmentColumns
  readonly links: { principalOf(columns: AssignmentColumns, row: number): User | Group | null | Unknown }
  permissionSet(number: number): PermissionSet
  accountOrNull(number: number): Account | null | Unknown
  applicationOrNull(number: number): Application | null | Unknown
}

abstract class Assignment extends Entity {
  declare readonly estate: AssignmentSurroundings
  protected abstract get columns(): AssignmentColumns
  abstract get principal(): User | Group | null | Unknown

  get PrincipalType(): string | Unknown {
    return this.columns.principalType(this.number)
  }
  get PrincipalId(): string | Unknown {
    return this.columns.principalId(this.number)
  }
  get principalName(): string | null | Unknown {
    const principal = this.principal
    return principal === null || principal instanceof Undecided ? principal : principal.name
  }
}

export class AccountAssignment extends Assignment {
  readonly kind = 'account'

  get typeName(): string {
    return 'AccountAssignment'
  }
  protected get columns() {
    return this.estate.accountAssignments
  }
  get key(): string {
    return this.estate.accountAssignments.key(this.number)
  }
  get AccountId(): string {
    return this.estate.accounts.keys[this.estate.accountAssignments.account(this.number)]!
  }
  get PermissionSetArn(): string {
    return this.estate.permissionSets.keys[this.estate.accountAssignments.permissionSet(this.number)]!
  }
  get principal(): User | Group | null | Unknown {
    return this.estate.links.principalOf(this.estate.accountAssignments, this.number)
  }
  get account(): Account | null | Unknown {
    return this.estate.accountOrNull(this.estate.accountAssignments.account(this.number))
  }
  get permissionSet(): PermissionSet {
    return this.estate.permissionSet(this.estate.accountAssignments.permissionSet(this.number))
  }
  get targetName(): string {
    const account = this.account
    const set = this.permissionSet.Name
    const accountName = account === null || account instanceof Undecided ? this.AccountId : account.name
    return `${set instanceof Undecided ? this.PermissionSetArn : set} on ${accountName instanceof Undecided ? this.AccountId : accountName}`
  }
}

export class ApplicationAssignment extends Assignment {
  readonly kind = 'application'

  get typeName(): string {
    return 'ApplicationAssignment'
  }
  protected get columns() {
    return this.estate.applicationAssignments
  }
  get key(): string {
    return `${this.ApplicationArn}|${this.PrincipalType}|${this.PrincipalId}`
  }
  get ApplicationArn(): string {
    return this.estate.applications.keys[this.estate.applicationAssignments.application(this.number)]!
  }
  get principal(): User | Group | null | Unknown {
    return this.estate.links.principalOf(this.estate.applicationAssignments, this.number)
  }
  get application(): Application | null | Unknown {
    return this.estate.applicationOrNull(this.estate.applicationAssignments.application(this.number))
  }
  get targetName(): string {
    const application = this.application
    const name = application === null || application instanceof Undecided ? this.ApplicationArn : application.name
    return name instanceof Undecided ? this.ApplicationArn : name
  }
}

/** An assignment that may exist: nobody knows whose. */
abstract class GhostAssignment {
  readonly why: Unknown

  constructor(why: Unknown) {
    this.why = why
  }

  get PrincipalType(): Unknown {
    return this.why
  }
  get PrincipalId(): Unknown {
    return this.why
  }
  get principal(): Unknown {
    return this.why
  }
  get principalName(): Unknown {
    return this.why
  }
  get targetName(): Unknown {
    return this.why
  }
}

/** An account assignment that may exist: its pair, or its permission set, could not be read. */
export class GhostAccountAssignment extends GhostAssignment {
  readonly typeName = 'AccountAssignment'
  readonly kind = 'account'
  readonly account: Account | null | Unknown
  readonly permissionSet: PermissionSet | Unknown

  constructor(account: Account | null | Unknown, permissionSet: PermissionSet | Unknown, why: Unknown) {
    super(why)
    this.account = account
    this.permissionSet = permissionSet
  }

  get AccountId(): string | Unknown {
    return this.account instanceof Account ? this.account.key : this.why
  }
  get PermissionSetArn(): string | Unknown {
    return this.permissionSet instanceof PermissionSet ? this.permissionSet.key : this.why
  }
}

/** An application assignment that may exist. */
export class GhostApplicationAssignment extends GhostAssignment {
  readonly typeName = 'ApplicationAssignment'
  readonly kind = 'application'
  readonly application: Application | Unknown

  constructor(application: Application | Unknown, why: Unknown) {
    super(why)
    this.application = application
  }

  get ApplicationArn(): string | Unknown {
    return this.application instanceof Application ? this.application.key : this.why
  }
}
