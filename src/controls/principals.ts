import type { Directory } from './directory.ts'
import { declareFacts, type List, StoredEntity, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { People } from './people.ts'
import { type Since, Undecided, type Unknown } from './values.ts'

/** What users and groups ask of the estate. */
export interface PrincipalSurroundings extends Surroundings {
  readonly users: EntityTable
  readonly groups: EntityTable
  readonly links: {
    groupsOf(user: number): List
    membersOf(group: number): List
    accountAssignmentsOf(side: 'user' | 'group', number: number): List
    applicationAssignmentsOf(side: 'user' | 'group', number: number): List
  }
  readonly access: { effectiveAssignmentsOf(user: User): List }
  readonly directory: Directory
  readonly people: People
}

export class User extends StoredEntity {
  readonly kind = 'user'
  declare readonly estate: PrincipalSurroundings
  declare readonly UserName: string | Unknown
  declare readonly DisplayName: string | null | Unknown
  declare readonly UserStatus: string | Unknown
  declare readonly CreatedAt: Date | null | Unknown
  declare readonly UpdatedAt: Date | null | Unknown
  declare readonly Emails: List | Unknown
  declare readonly ExternalIds: List | Unknown
  #effective: List | undefined
  #people: List | undefined
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
    this.#groups ??= this.estate.links.groupsOf(this.number)
    return this.#groups
  }
  get assignments(): List {
    this.#assignments ??= this.estate.links.accountAssignmentsOf('user', this.number)
    return this.#assignments
  }
  get applicationAssignments(): List {
    return this.estate.links.applicationAssignmentsOf('user', this.number)
  }
  get effectiveAssignments(): List {
    this.#effective ??= this.estate.access.effectiveAssignmentsOf(this)
    return this.#effective
  }
  get people(): List {
    this.#people ??= this.estate.people.of(this)
    return this.#people
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
    this.#members ??= this.estate.links.membersOf(this.number)
    return this.#members
  }
  get assignments(): List {
    this.#assignments ??= this.estate.links.accountAssignmentsOf('group', this.number)
    return this.#assignments
  }
  get applicationAssignments(): List {
    this.#applicationAssignments ??= this.estate.links.applicationAssignmentsOf('group', this.number)
    return this.#applicationAssignments
  }
}

declareFacts(User, 'User')
declareFacts(Group, 'Group')
