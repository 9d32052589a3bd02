import type { Facts } from '../model.ts'
import { declareFacts, type List, StoredEntity, type Surroundings } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { Escalation } from './escalation.ts'
import { isFullAccess, type Statement as PolicyStatement } from './policy-document.ts'
import { type Grants, serviceWildcards } from './policy-reach.ts'
import { closedOr } from './rows.ts'
import { sessionHours } from './session-duration.ts'
import { type Since, Undecided, type Unknown } from './values.ts'

/** What policy analysis says of a permission set. `why` is there for `unknown` alone. */
export interface SetClassification {
  readonly kind: 'admin' | 'none' | 'unknown'
  readonly reason: string
  readonly why: Unknown | null
}

/** The policies of permission sets, by the set's number. */
export interface SetPolicies {
  details(set: number): Facts | undefined
  detailsAbsence(set: number): Unknown
  inline(set: number): string | null | Unknown
  managed(set: number): List
  customerManaged(set: number): List
  writtenStatements(set: number): List
  inlineStatements(set: number): List
  boundary(set: number): string | null | Unknown
  boundaryAllowsAll(set: number): boolean | Unknown
  escalation(set: number): Escalation
  grants(set: number): Grants
  isAdmin(set: number): boolean | Unknown
  classify(set: number): SetClassification
}

/** What permission sets ask of the estate. */
export interface SetSurroundings extends Surroundings {
  readonly permissionSets: EntityTable
  readonly policies: SetPolicies
  readonly links: { accountAssignmentsOf(side: 'permissionSet', number: number): List }
  tagsOfSet(arn: string): List
}

export class PermissionSet extends StoredEntity {
  declare readonly estate: SetSurroundings
  declare readonly Name: string | Unknown
  declare readonly SessionDuration: string | null | Unknown
  declare readonly RelayState: string | null | Unknown
  #managed: List | undefined
  #customer: List | undefined
  #statements: List | undefined
  #name: string | Unknown | undefined
  declare readonly CreatedDate: Date | null | Unknown

  get typeName(): string {
    return 'PermissionSet'
  }
  protected get table(): EntityTable {
    return this.estate.permissionSets
  }
  override get dataset(): string {
    return 'sso.permission_sets'
  }
  override get facts(): Facts | undefined {
    return this.estate.policies.details(this.number)
  }
  override absence(): Unknown {
    return this.estate.policies.detailsAbsence(this.number)
  }
  /** Asked for millions of assignments. */
  get name(): string | Unknown {
    this.#name ??= this.Name
    return this.#name
  }
  get PermissionSetArn(): string {
    return this.key
  }
  get sessionHours(): number | Unknown {
    const duration = this.SessionDuration
    if (duration === null) return 1
    if (duration instanceof Undecided) return duration
    return sessionHours(duration) ?? this.estate.invalid('sso.permission_sets', this.key, `SessionDuration is ${duration}`)
  }
  /** As a browser reads it: `https://console.aws.amazon.com:x@example.org` leads to example.org. */
  get relayHost(): string | null | Unknown {
    const address = this.RelayState
    if (address === null || address instanceof Undecided) return address
    if (!URL.canParse(address)) return null
    const { protocol, hostname } = new URL(address)
    return protocol === 'https:' ? hostname : null
  }
  get InlinePolicy(): string | null | Unknown {
    return this.estate.policies.inline(this.number)
  }
  get hasInlinePolicy(): boolean | Unknown {
    const text = this.InlinePolicy
    return text instanceof Undecided ? text : text !== null
  }
  get managedPolicies(): List {
    this.#managed ??= this.estate.policies.managed(this.number)
    return this.#managed
  }
  get customerManagedPolicies(): List {
    this.#customer ??= this.estate.policies.customerManaged(this.number)
    return this.#customer
  }
  get writtenStatements(): List {
    this.#statements ??= this.estate.policies.writtenStatements(this.number)
    return this.#statements
  }
  get inlineStatements(): List {
    return this.estate.policies.inlineStatements(this.number)
  }
  get boundaryName(): string | null | Unknown {
    return this.estate.policies.boundary(this.number)
  }
  get hasBoundary(): boolean | Unknown {
    const name = this.boundaryName
    return name instanceof Undecided ? name : name !== null
  }
  get boundaryAllowsAll(): boolean | Unknown {
    return this.estate.policies.boundaryAllowsAll(this.number)
  }
  get tags(): List {
    return this.estate.tagsOfSet(this.key)
  }
  get created(): Since | Unknown {
    return this.sinceCreated(this.CreatedDate)
  }
  get canEscalate(): boolean | Unknown {
    const { kind, why } = this.estate.policies.escalation(this.number)
    return kind === 'unknown' ? why! : kind === 'can_escalate'
  }
  get escalations(): List {
    const { titles, why } = this.estate.policies.escalation(this.number)
    return closedOr(titles, why ?? undefined)
  }
  get grants(): Grants {
    return this.estate.policies.grants(this.number)
  }
  get isAdminEquivalent(): boolean | Unknown {
    return this.estate.policies.isAdmin(this.number)
  }
  get adminReason(): string | Unknown {
    const { kind, reason, why } = this.estate.policies.classify(this.number)
    return kind === 'unknown' ? why! : kind === 'admin' ? reason : ''
  }
  get assignments(): List {
    return this.estate.links.accountAssignmentsOf('permissionSet', this.number)
  }
}

export class ManagedPolicy {
  readonly typeName = 'ManagedPolicy'
  readonly Name: string | Unknown
  readonly Arn: string | Unknown

  constructor(name: string | Unknown, arn: string | Unknown) {
    this.Name = name
    this.Arn = arn
  }
}

export class CustomerManagedPolicy {
  readonly typeName = 'CustomerManagedPolicy'
  readonly Name: string | Unknown
  readonly Path: string | Unknown

  constructor(name: string | Unknown, path: string | Unknown) {
    this.Name = name
    this.Path = path
  }
}

export class Statement {
  readonly typeName = 'Statement'
  readonly policy: string
  readonly sid: string | null
  readonly effect: string
  readonly isFullAccess: boolean
  readonly serviceWildcards: readonly string[]

  constructor(statement: PolicyStatement) {
    this.policy = statement.policy
    this.sid = statement.sid
    this.effect = statement.effect
    this.isFullAccess = isFullAccess(statement)
    this.serviceWildcards = serviceWildcards(statement)
  }
}

declareFacts(PermissionSet, 'PermissionSet')
