import { IntColumn } from './columns.ts'
import type { EntityTable } from './entity-table.ts'

const isUser = 0
const isGroup = 1
/** a principal type that this version does not know is kept as `type id` */
const isOther = 2

/** Who is assigned, in two columns: the kind, and the number of the user or group. */
export abstract class AssignmentColumns {
  readonly #kinds = new IntColumn()
  readonly #principals = new IntColumn()
  readonly #others: { readonly principalType: string; readonly principalId: string }[] = []
  readonly #users: EntityTable
  readonly #groups: EntityTable

  constructor(users: EntityTable, groups: EntityTable) {
    this.#users = users
    this.#groups = groups
  }

  get length(): number {
    return this.#kinds.length
  }

  /** Whether JSON writes every key as it is, as far as keys are made of users and groups. */
  get hasPlainKeys(): boolean {
    return this.#others.length === 0 && this.#users.hasPlainKeys && this.#groups.hasPlainKeys
  }

  protected addPrincipal(type: string, id: string): void {
    const kind = type === 'USER' ? isUser : type === 'GROUP' ? isGroup : isOther
    this.#kinds.push(kind)
    if (kind === isUser) this.#principals.push(this.#users.number(id))
    else if (kind === isGroup) this.#principals.push(this.#groups.number(id))
    else this.#principals.push(this.#others.push({ principalType: type, principalId: id }) - 1)
  }

  protected addNumber(isUserNumber: boolean, number: number): void {
    this.#kinds.push(isUserNumber ? isUser : isGroup)
    this.#principals.push(number)
  }

  /** Whether a user or a group is assigned; null for another kind of principal. */
  kind(row: number): 'user' | 'group' | null {
    const kind = this.#kinds.at(row)
    return kind === isUser ? 'user' : kind === isGroup ? 'group' : null
  }

  /** The number of the user or group of a row; it means nothing for another kind of principal. */
  principal(row: number): number {
    return this.#principals.at(row)
  }

  principalType(row: number): string {
    const kind = this.#kinds.at(row)
    return kind === isUser ? 'USER' : kind === isGroup ? 'GROUP' : this.#others[this.#principals.at(row)]!.principalType
  }

  principalId(row: number): string {
    const number = this.#principals.at(row)
    const kind = this.#kinds.at(row)
    if (kind === isOther) return this.#others[number]!.principalId
    return (kind === isUser ? this.#users : this.#groups).keys[number]!
  }

  /** For each row the number of its principal when it is of that kind, else -1: what `linkBy` groups by. */
  principals(kind: 'user' | 'group'): Int32Array {
    const wanted = kind === 'user' ? isUser : isGroup
    const kinds = this.#kinds.values()
    return this.#principals.values().map((number, row) => (kinds[row] === wanted ? number : -1))
  }
}

export class AccountAssignmentColumns extends AssignmentColumns {
  readonly #accounts = new IntColumn()
  readonly #permissionSets = new IntColumn()
  readonly #accountTable: EntityTable
  readonly #setTable: EntityTable

  constructor(users: EntityTable, groups: EntityTable, accounts: EntityTable, permissionSets: EntityTable) {
    super(users, groups)
    this.#accountTable = accounts
    this.#setTable = permissionSets
  }

  override get hasPlainKeys(): boolean {
    return super.hasPlainKeys && this.#accountTable.hasPlainKeys && this.#setTable.hasPlainKeys
  }
  add(account: number, permissionSet: number, principalType: string, principalId: string): void {
    this.#accounts.push(account)
    this.#permissionSets.push(permissionSet)
    this.addPrincipal(principalType, principalId)
  }
  /** The same of a user or group by number. */
  addBetween(account: number, permissionSet: number, isUser: boolean, principal: number): void {
    this.#accounts.push(account)
    this.#permissionSets.push(permissionSet)
    this.addNumber(isUser, principal)
  }
  account(row: number): number {
    return this.#accounts.at(row)
  }
  permissionSet(row: number): number {
    return this.#permissionSets.at(row)
  }
  key(row: number): string {
    const account = this.#accountTable.keys[this.#accounts.at(row)]!
    const set = this.#setTable.keys[this.#permissionSets.at(row)]!
    return `${account}|${set}|${this.principalType(row)}|${this.principalId(row)}`
  }
  accounts(): Int32Array {
    return this.#accounts.values()
  }
  permissionSets(): Int32Array {
    return this.#permissionSets.values()
  }
}

export class ApplicationAssignmentColumns extends AssignmentColumns {
  readonly #applications = new IntColumn()

  add(application: number, principalType: string, principalId: string): void {
    this.#applications.push(application)
    this.addPrincipal(principalType, principalId)
  }
  /** The same of a user or group by number. */
  addBetween(application: number, isUser: boolean, principal: number): void {
    this.#applications.push(application)
    this.addNumber(isUser, principal)
  }
  application(row: number): number {
    return this.#applications.at(row)
  }
  applications(): Int32Array {
    return this.#applications.values()
  }
}
