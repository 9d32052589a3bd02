import type { Facts, ImportedRows, Snapshot, StoredResource } from '../model.ts'
import type { AssignmentIds } from './admin-grant.ts'
import { aliasesOf, type Nameable } from './approvals.ts'
import type { AccountAssignment } from './assignments.ts'
import type { Present } from './changes.ts'
import type { Directory } from './directory.ts'
import type { AccountAssignmentColumns } from './edges.ts'
import { itemsOf } from './effective.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { GapIndex } from './gap-index.ts'
import type { IamEstate } from './iam-estate.ts'
import type { KnownIdentity } from './leaver.ts'
import type { OrganizationRows } from './organization.ts'
import type { Identity, People, Person } from './people.ts'
import type { PermissionSet } from './permission-set.ts'
import type { PolicyDocuments } from './policy-documents.ts'
import type { Group, User } from './principals.ts'
import type { DatasetRows } from './rows.ts'
import type { Account } from './targets.ts'
import { OpenList, type Unknown } from './values.ts'

/** What is asked of a linked source. */
export interface LinkedSource {
  readonly gaps: GapIndex
  readonly asOf: Date
  readonly snapshot: Snapshot
  readonly imports: readonly ImportedRows[]
  readonly people: People
  readonly iam: IamEstate
  readonly directory: Directory
  readonly organizations: OrganizationRows
  readonly documents: PolicyDocuments
  readonly users: EntityTable
  readonly groups: EntityTable
  readonly permissionSets: EntityTable
  readonly accounts: EntityTable
  readonly accountAssignments: AccountAssignmentColumns
  user(number: number): User
  group(number: number): Group
  permissionSet(number: number): PermissionSet
  account(number: number): Account
  readonly provisioned: DatasetRows
  notSent(dataset: string, key: string, member: string): Unknown
  invalid(dataset: string, key: string, message: string): Unknown
}

/** The estate as it is now, as changes ask for it: by ids, since what is gone has no number. */
export class PresentEstate implements Present {
  readonly gaps: GapIndex
  readonly asOf: Date
  readonly snapshot: Snapshot
  readonly imports: readonly ImportedRows[]
  readonly isAdminAmong: Present['isAdminAmong']
  readonly #estate: LinkedSource
  readonly #setRows: ReadonlyMap<string, readonly StoredResource[]>
  #sharing: ReadonlyMap<string, number> | null = null

  /** @param setRows rows of permission sets as they were read, by ARN */
  constructor(
    estate: LinkedSource,
    setRows: ReadonlyMap<string, readonly StoredResource[]>,
    isAdminAmong: Present['isAdminAmong'],
  ) {
    this.#estate = estate
    this.#setRows = setRows
    this.gaps = estate.gaps
    this.asOf = estate.asOf
    this.snapshot = estate.snapshot
    this.imports = estate.imports
    this.isAdminAmong = isAdminAmong
  }

  get everyone(): readonly Person[] {
    return this.#estate.people.all
  }
  notSent(dataset: string, key: string, member: string): Unknown {
    return this.#estate.notSent(dataset, key, member)
  }
  invalid(dataset: string, key: string, message: string): Unknown {
    return this.#estate.invalid(dataset, key, message)
  }
  setArns(): Iterable<string> {
    return this.#estate.permissionSets.keys
  }
  isAdmin(arn: string): boolean | Unknown {
    const set = this.#estate.permissionSets.find(arn)
    return set === undefined ? false : this.#estate.permissionSet(set).isAdminEquivalent
  }

  rowsOf(arn: string): readonly StoredResource[] {
    const own = this.#setRows.get(arn) ?? []
    const policies = own.flatMap(({ facts }) => [facts.Arn, facts.ManagedPolicyArn]).filter(each => typeof each === 'string')
    const names = new Set(own.filter(row => row.dataset !== 'sso.permission_sets').map(({ facts }) => facts.Name))
    const documents = policies.flatMap(policy => this.#estate.documents.row(policy) ?? [])
    const pairs = this.#estate.provisioned.of(arn)
    const written = pairs.flatMap(({ key }) => {
      const account = this.#estate.iam.account(key.slice(key.lastIndexOf('|') + 1))
      return account === undefined ? [] : [...account.managed.all()].filter(row => names.has(row.facts.PolicyName ?? null))
    })
    return [...own, ...documents, ...pairs, ...written]
  }

  *assignmentsOfPairs(pairs: ReadonlySet<string>): Iterable<AssignmentIds> {
    if (pairs.size === 0) return
    const { accountAssignments, accounts, permissionSets } = this.#estate
    for (let row = 0; row < accountAssignments.length; row++) {
      const accountId = accounts.keys[accountAssignments.account(row)]!
      const setArn = permissionSets.keys[accountAssignments.permissionSet(row)]!
      if (!pairs.has(`${accountId}|${setArn}`)) continue
      const [type, principalId] = [accountAssignments.principalType(row), accountAssignments.principalId(row)]
      yield { accountId, setArn, type, principalId }
    }
  }
  assignmentsOfGroupId(groupId: string): Iterable<AssignmentIds> {
    return this.#idsOf(this.#estate.groups, groupId, number => this.#estate.group(number).assignments)
  }
  assignmentsOfSetArn(arn: string): Iterable<AssignmentIds> {
    return this.#idsOf(this.#estate.permissionSets, arn, number => this.#estate.permissionSet(number).assignments)
  }
  memberIds(groupId: string): Iterable<string> {
    const group = this.#estate.groups.find(groupId)
    return group === undefined ? [] : itemsOf<User>(this.#estate.group(group).members).map(({ key }) => key)
  }
  groupIds(userId: string): ReadonlySet<string> {
    const user = this.#estate.users.find(userId)
    return new Set(user === undefined ? [] : itemsOf<Group>(this.#estate.user(user).groups).map(({ key }) => key))
  }

  nameable(kind: 'user' | 'group' | 'permissionSet' | 'account', id: string, past: Facts | undefined): Nameable {
    const estate = this.#estate
    const gone = (member: string) => (typeof past?.[member] === 'string' ? (past[member] as string) : null)
    switch (kind) {
      case 'user': {
        const user = this.#there(estate.users, id, number => estate.user(number))
        const aliases = [gone('DisplayName')].filter(name => name !== null)
        return { id, name: user?.UserName ?? gone('UserName'), ...(user === undefined ? { aliases } : aliasesOf(user)) }
      }
      case 'group':
        return { id, name: this.#there(estate.groups, id, number => estate.group(number))?.DisplayName ?? gone('DisplayName') }
      case 'permissionSet':
        return { id, name: this.#there(estate.permissionSets, id, number => estate.permissionSet(number))?.Name ?? gone('Name') }
      case 'account': {
        const name = this.#there(estate.accounts, id, number => estate.account(number))?.Name ?? gone('Name')
        return { id, name, ...(typeof name === 'string' ? { sharing: this.#sharingOf(name) } : {}) }
      }
    }
  }
  usersById(id: string): List {
    const user = this.#there(this.#estate.users, id, number => this.#estate.user(number))
    if (user !== undefined) return [user]
    const why = this.gaps.list('identitystore.users')
    return why === undefined ? [] : new OpenList([], [], why, { isUnbounded: false, isOpen: true })
  }
  peopleOf(user: Identity): List {
    return this.#estate.people.of(user)
  }
  identitiesOf(person: Person): List {
    return this.#estate.people.usersOf(person)
  }
  goneIdentity(key: string, facts: Facts): KnownIdentity {
    const user = this.#estate.user(this.#estate.users.number(key))
    const emails = Array.isArray(facts.Emails) ? facts.Emails : []
    const [external, name] = [Array.isArray(facts.ExternalIds) ? facts.ExternalIds : [], facts.UserName]
    const UserName = typeof name === 'string' ? name : this.notSent('identitystore.users', key, 'UserName')
    const primaryEmail = this.#estate.directory.emailOf({ UserName, Emails: emails, ExternalIds: external })
    const status = facts.UserStatus
    const UserStatus = typeof status === 'string' ? status : this.notSent('identitystore.users', key, 'UserStatus')
    return { key: user.key, UserName, UserStatus, primaryEmail, ExternalIds: external }
  }
  policyFacts(id: string): Facts | undefined {
    return this.#estate.organizations.policies.byKey(id)?.facts
  }

  #idsOf(table: EntityTable, key: string, listOf: (number: number) => List): readonly AssignmentIds[] {
    const number = table.find(key)
    if (number === undefined) return []
    return itemsOf<AccountAssignment>(listOf(number)).map(({ AccountId, PermissionSetArn, PrincipalType, PrincipalId }) => ({
      accountId: AccountId,
      setArn: PermissionSetArn,
      type: String(PrincipalType),
      principalId: String(PrincipalId),
    }))
  }

  #there<E>(table: EntityTable, key: string, make: (number: number) => E): E | undefined {
    const number = table.find(key)
    return number !== undefined && table.isPresent(number) ? make(number) : undefined
  }

  /** How many accounts have this name; unknown while one may be among those that were not listed. */
  #sharingOf(name: string): number | Unknown {
    if (this.#sharing === null) {
      const { accounts } = this.#estate
      const names = accounts.keys.flatMap((_, number) => (accounts.isPresent(number) ? [this.#estate.account(number).Name] : []))
      this.#sharing = new Map(
        [...Map.groupBy(names, each => (typeof each === 'string' ? each.toLowerCase() : ''))].map(([each, all]) => [
          each,
          all.length,
        ]),
      )
    }
    const known = this.#sharing.get(name.toLowerCase()) ?? 0
    const unlisted = this.gaps.list('organizations.accounts')
    return known > 1 || unlisted === undefined ? known : unlisted
  }
}
