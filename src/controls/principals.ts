import type { Directory } from './directory.ts'
import { declareFacts, type List, StoredEntity, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import { type Since, Undecided, type Unknown } from './values.ts'

/** What users and groups ask of the estate. */
export interface PrincipalSurroundings extends Surroundings {
  readonly users: EntityTable
  readonly groups: EntityTable
  groupsOf(user: number): List
  membersOf(group: number): List
  accountAssignmentsOf(side: 'user' | 'group', number: number): List
  applicationAssignmentsOf(side: 'user' | 'group', number: number): List
  readonly directory: Directory
  effectiveAssignmentsOf(user: User): List
  peopleOf(user: User): List
}

export class User extends StoredEntity {
  readonly kind = 'user'
  declare readonly estate: PrincipalSurroundings
  declare readonly UserName: string | Unknown
  declare readonly UserStatus: string | Unknown
  declare readonly CreatedAt: Date | null | Unknown
  declare readonly UpdatedAt: Date | null | Unknown
  declare readonly Emails: List | Unknown
  declare readonly ExternalIds: List | Unknown
  #effective: List | undefined
  #groups: List | undefined
  #assignments: List | undefined

  get typeName(): string {
    return 'User'
  }
  protected get table(): EntityTable {
    return this.estate.users
  }
  get name(): string | Unknown {
    return this.UserName
  }
  get firstSeen(): Since | Unknown {
    return this.sinceCreated(this.CreatedAt)
  }
  get disabledSince(): Since | Unknown {
    const updated = this.UpdatedAt
    if (updated instanceof Undecided) return updated
    return this.table.stateSince(this.number) ?? this.absence()
  }
  get groups(): List {
    this.#groups ??= this.estate.groupsOf(this.number)
    return this.#groups
  }
  get assignments(): List {
    this.#assignments ??= this.estate.accountAssignmentsOf('user', this.number)
    return this.#assignments
  }
  get applicationAssignments(): List {
    return this.estate.applicationAssignmentsOf('user', this.number)
  }
  get effectiveAssignments(): List {
    this.#effective ??= this.estate.effectiveAssignmentsOf(this)
    return this.#effective
  }
  get people(): List {
    return this.estate.peopleOf(this)
  }
  get primaryEmail(): string | null | Unknown {
    return this.estate.directory.emailOf(this)
  }
  get emailDomain(): string | null | Unknown {
    const email = this.primaryEmail
    return typeof email === 'string' ? email.slice(email.lastIndexOf('@') + 1).toLowerCase() : email
  }
  get sameEmail(): List {
    return this.estate.directory.sameEmail(this)
  }
  get sameUserName(): List {
    return this.estate.directory.sameUserName(this)
  }
  get isDirectoryExternal(): boolean | Unknown {
    return this.estate.directory.isExternal
  }
}

export class Group extends StoredEntity {
  readonly kind = 'group'
  declare readonly estate: PrincipalSurroundings
  declare readonly DisplayName: string | null | Unknown
  declare readonly CreatedAt: Date | null | Unknown
  #members: List | undefined
  #assignments: List | undefined
  #applicationAssignments: List | undefined

  get typeName(): string {
    return 'Group'
  }
  protected get table(): EntityTable {
    return this.estate.groups
  }
  get name(): string | Unknown {
    return this.DisplayName ?? this.key
  }
  get firstSeen(): Since | Unknown {
    return this.sinceCreated(this.CreatedAt)
  }
  get isDirectoryExternal(): boolean | Unknown {
    return this.estate.directory.isExternal
  }
  get members(): List {
    this.#members ??= this.estate.membersOf(this.number)
    return this.#members
  }
  get assignments(): List {
    this.#assignments ??= this.estate.accountAssignmentsOf('group', this.number)
    return this.#assignments
  }
  get applicationAssignments(): List {
    this.#applicationAssignments ??= this.estate.applicationAssignmentsOf('group', this.number)
    return this.#applicationAssignments
  }
}

declareFacts(User, 'User')
declareFacts(Group, 'Group')
