import type { Exception, Facts, Gap, ImportedRows, Kept, Snapshot, StoredResource } from '../model.ts'
import { AccountAssignment, ApplicationAssignment, type GhostApplicationAssignment } from './assignments.ts'
import { Changes, historyOf } from './changes.ts'
import { type Collected, collectedOf } from './collected.ts'
import { collectorRoles } from './collector-role.ts'
import { IntColumn, type Links, linkBy } from './columns.ts'
import { Directory } from './directory.ts'
import { assignmentOrder } from './edge-order.ts'
import { AccountAssignmentColumns, ApplicationAssignmentColumns, type AssignmentColumns } from './edges.ts'
import { effectiveAssignments, itemsOf, union } from './effective.ts'
import { Entitlements } from './entitlements.ts'
import type { Entity, List } from './entity.ts'
import { EntityTable, sortByKey } from './entity-table.ts'
import type { EscalationFamilies } from './escalation.ts'
import { GapIndex } from './gap-index.ts'
import { accountGhosts, applicationGhosts, type Ghosts, joinWhy, mostGhosts, type Named } from './ghosts.ts'
import { IamEstate } from './iam-estate.ts'
import type { IamRole } from './iam-principals.ts'
import { InstanceRows } from './instance.ts'
import { Instants } from './instants.ts'
import { KeptException } from './kept-exception.ts'
import { StoredSnapshot } from './kept-snapshot.ts'
import type { ManagedPolicies } from './managed-policies.ts'
import { OrganizationRows } from './organization.ts'
import type { Past } from './past.ts'
import { Attestation, People } from './people.ts'
import { PermissionSet } from './permission-set.ts'
import { PermissionSetPolicies } from './permission-set-policies.ts'
import type { PolicyDocument } from './policy-document.ts'
import { PolicyDocuments } from './policy-documents.ts'
import { PresentEstate } from './present.ts'
import { Group, User } from './principals.ts'
import { Provisioning } from './provisioning.ts'
import { reconciliations } from './reconciliation.ts'
import { Reviews } from './reviews.ts'
import { closedOr, DatasetRows, tagsOf } from './rows.ts'
import { setDatasets, setOf } from './set-change.ts'
import { Account, Application } from './targets.ts'
import { emptyList, joinGaps, OpenList, Undecided, Unknown } from './values.ts'

const memberships = 'identitystore.group_memberships'
const accountAssignments = 'sso.account_assignments'
const applicationAssignments = 'sso.application_assignments'

/** What an estate may hold beside the judged snapshot. */
export interface MoreThanNow {
  readonly past?: Past | null
  readonly kept?: Kept | null
  readonly exceptions?: readonly Exception[] | null
  /** instant of the judgement; left out: when the snapshot was sealed */
  readonly asOf?: Date
}

/**
 * One source as one linked view: people, groups, permission sets, accounts, applications and who is assigned what. Links are
 * integers in typed arrays; objects and lists are made when they are asked for. Rows may come in any order; `link` closes it.
 */
export class SourceEstate {
  readonly snapshot: Snapshot
  readonly imports: readonly ImportedRows[]
  readonly gaps: GapIndex
  /** why rows are not kept any more, in words; empty while all are */
  readonly disposed = new Set<string>()
  readonly users = new EntityTable('identitystore.users', { member: 'UserStatus', changedAt: 'UpdatedAt' })
  readonly groups = new EntityTable('identitystore.groups')
  readonly permissionSets = new EntityTable('sso.permission_set_arns')
  readonly accounts = new EntityTable('organizations.accounts', { member: 'State', changedAt: null })
  readonly applications = new EntityTable('sso.applications')
  readonly accountAssignments: AccountAssignmentColumns
  readonly applicationAssignments: ApplicationAssignmentColumns
  readonly policies: PermissionSetPolicies
  readonly documents: PolicyDocuments
  readonly escalation: EscalationFamilies
  readonly directory: Directory
  readonly organizations: OrganizationRows
  readonly instances: InstanceRows
  readonly iam: IamEstate
  readonly people: People
  readonly applicationConfigurations: DatasetRows
  readonly outdated: DatasetRows
  managementAccountId: string | Unknown
  readonly past: Past | null
  readonly kept: Kept | null
  readonly exceptions: readonly Exception[] | null
  readonly asOf: Date
  readonly crossChecks: Facts[] = []

  readonly #managed: ManagedPolicies
  /** rows of permission sets as they were read, where there is a past to compare them with */
  readonly #setRows = new Map<string, StoredResource[]>()
  #changes: Changes | null = null
  readonly memberships = { groups: new IntColumn(), users: new IntColumn(), since: new IntColumn() }
  readonly assignmentSince = new IntColumn()
  readonly instants = new Instants()
  readonly reviews: Reviews
  #entitlements: Entitlements | null = null
  readonly #orders = new Map<PopulationName, Int32Array>()
  #users: List | null = null
  readonly #objects = new Map<new (estate: SourceEstate, number: number) => Entity, Entity[]>()
  readonly #made = new Map<string, Unknown>()
  readonly #provisioned: DatasetRows
  readonly #setTags: DatasetRows
  readonly #pairs = new Map<string, Provisioning>()
  #organizationAdmins: List | null = null
  #iamUsers: List | null = null
  #collected: readonly Collected[] | null = null
  #links: EstateLinks | null = null
  #ghosts: Ghosts | null = null
  #applicationGhosts: readonly GhostApplicationAssignment[] = []
  /** groups whose members could not all be read */
  readonly #unreadGroups = new Map<number, Unknown>()

  constructor(snapshot: Snapshot, managed: ManagedPolicies, imports: readonly ImportedRows[] = [], more: MoreThanNow = {}) {
    this.snapshot = snapshot
    this.imports = imports
    this.past = more.past ?? null
    this.asOf = more.asOf ?? snapshot.sealedAt
    this.kept = more.kept ?? null
    this.exceptions = more.exceptions ?? null
    this.#managed = managed
    const brought = imports.map(({ kind }) => `import.${kind}`)
    this.gaps = new GapIndex(
      snapshot,
      null,
      new Set([
        ...brought,
        ...(this.past?.isComparable ? ['history.snapshots'] : []),
        ...(this.exceptions === null ? [] : ['ledger.exceptions']),
        ...(this.kept === null ? [] : ['ledger.snapshots', 'ledger.verifications']),
      ]),
    )
    for (const each of imports) this.#addDisposedRows(each)
    this.accountAssignments = new AccountAssignmentColumns(this.users, this.groups)
    this.applicationAssignments = new ApplicationAssignmentColumns(this.users, this.groups)
    this.documents = new PolicyDocuments(this, this.gaps, managed)
    this.escalation = managed.escalation
    this.policies = new PermissionSetPolicies(this.permissionSets, this.gaps, this)
    this.directory = new Directory(this)
    this.organizations = new OrganizationRows(this, this.gaps)
    this.instances = new InstanceRows(this, this.gaps)
    this.iam = new IamEstate(snapshot, this)
    this.people = new People(
      this,
      imports.find(({ kind }) => kind === 'roster'),
    )
    this.reviews = new Reviews(
      this,
      imports.find(({ kind }) => kind === 'reviews'),
    )
    this.applicationConfigurations = new DatasetRows('sso.application_assignment_configurations', this.gaps)
    this.outdated = new DatasetRows('sso.outdated_provisioned_accounts', this.gaps)
    this.#provisioned = new DatasetRows('sso.provisioned_accounts', this.gaps)
    this.#setTags = new DatasetRows('sso.tags', this.gaps)
    const known = snapshot.identity.managementAccountId
    this.managementAccountId = known ?? this.gaps.list('organizations.organizations') ?? this.#organizationMissing()
  }

  get source(): string {
    return this.snapshot.source
  }

  /** Takes one row. Datasets that no control reads yet are passed over. */
  add(row: StoredResource): void {
    const { facts } = row
    if (row.disposed !== undefined) {
      this.disposed.add(row.disposed)
      // it was there, and nobody can say what it was
      const gap = this.gaps.absent(row.dataset, row.parent, 'disposed', row.disposed, row.key)
      if (!this.iam.addGap({ ...gap, place: row.place, action: null })) this.gaps.add({ ...gap, place: row.place, action: null })
      return
    }
    if (this.past !== null && setDatasets.includes(row.dataset)) this.#keepSetRow(row)
    if (row.earlier.some(each => each.disposed)) this.disposed.add('earlier states of what still holds were disposed of')
    switch (row.dataset) {
      case 'identitystore.users':
        this.users.add(row)
        break
      case 'identitystore.groups':
        this.groups.add(row)
        break
      case 'organizations.accounts':
        this.accounts.add(row)
        break
      case 'sso.permission_set_arns':
        this.permissionSets.add(row)
        break
      case 'sso.applications':
        this.applications.add(row)
        break
      case 'sso.permission_sets':
      case 'sso.inline_policies':
      case 'sso.managed_policies':
      case 'sso.customer_managed_policy_references':
      case 'sso.permissions_boundaries':
        this.policies.add(row)
        break
      case 'organizations.organizations':
        if (typeof facts.MasterAccountId === 'string') this.managementAccountId = facts.MasterAccountId
        this.organizations.add(row)
        break
      case 'sso.provisioned_accounts':
        this.#provisioned.add(row)
        break
      case 'sso.outdated_provisioned_accounts':
        this.outdated.add(row)
        break
      case 'sso.tags':
        this.#setTags.add(row, row.key.slice(0, row.key.lastIndexOf('|')))
        break
      case 'sso.application_assignment_configurations':
        this.applicationConfigurations.add(row)
        break
      case 'iam.policy_documents':
        this.documents.add(row)
        break
      case 'evidenced.cross_checks':
        this.crossChecks.push(facts)
        break
      case memberships:
        if (!this.#addMembership(row)) this.#addMalformed(row)
        break
      case accountAssignments:
        if (!this.#addAccountAssignment(row)) this.#addMalformed(row)
        break
      case applicationAssignments:
        if (!this.#addApplicationAssignment(facts)) this.#addMalformed(row)
        break
      default:
        if (!this.organizations.add(row) && !this.instances.add(row)) this.iam.add(row)
    }
  }

  /** Rows of an import that are not kept any more: anybody may have been among them. */
  #addDisposedRows({ kind, rows, disposed }: ImportedRows): void {
    if (disposed === undefined) return
    this.disposed.add(disposed.reason)
    const key = rows.length === 0 ? null : `${disposed.rows} of its rows`
    this.gaps.add({ ...this.gaps.absent(`import.${kind}`, '', 'disposed', disposed.reason, key), action: null })
  }

  /** Links what was added. Called once, after the last row. */
  link(): void {
    for (const table of [this.users, this.groups, this.permissionSets, this.accounts, this.applications]) {
      for (const key of this.gaps.rows(table.dataset).keys()) table.addUnread(key)
    }
    for (const unread of [this.gaps.parts(memberships), this.gaps.rows(memberships)]) {
      for (const [key, why] of unread) this.#unreadGroups.set(this.groups.number(key.split('|')[0]!), why)
    }
    const named: Named = {
      gaps: this.gaps,
      account: id => this.account(this.accounts.number(id)),
      permissionSet: arn => this.permissionSet(this.permissionSets.number(arn)),
      application: arn => this.application(this.applications.number(arn)),
    }
    this.#ghosts = accountGhosts(named)
    this.#applicationGhosts = applicationGhosts(named)
    const users = this.users.length
    const groups = this.groups.length
    const direct = this.accountAssignments
    const applications = this.applicationAssignments
    this.#links = {
      membersOfGroup: linkBy(this.memberships.groups.values(), groups),
      groupsOfUser: linkBy(this.memberships.users.values(), users),
      accountAssignments: {
        user: linkBy(direct.principals('user'), users),
        group: linkBy(direct.principals('group'), groups),
        account: linkBy(direct.accounts(), this.accounts.length),
        permissionSet: linkBy(direct.permissionSets(), this.permissionSets.length),
      },
      applicationAssignments: {
        user: linkBy(applications.principals('user'), users),
        group: linkBy(applications.principals('group'), groups),
        application: linkBy(applications.applications(), this.applications.length),
      },
    }
  }

  /** What is not as it was; null when nothing of the past was handed in. */
  get changes(): Changes | null {
    if (this.past === null) return null
    this.#changes ??= new Changes(
      this.past,
      new PresentEstate(this, this.#setRows, (snapshot, rows, arn) => {
        const estate = new SourceEstate(snapshot, this.#managed)
        for (const row of rows) estate.add(row)
        estate.link()
        return estate.permissionSet(estate.permissionSets.number(arn)).isAdminEquivalent
      }),
    )
    return this.#changes
  }

  roleOf(accountId: string, name: string): IamRole | Unknown {
    return this.iam.role(accountId, name)
  }
  accountSummary(accountId: string): Facts | undefined {
    return this.iam.summary(accountId)
  }
  ownRows(dataset: string, accountId: string): number {
    return this.iam.ownRows(dataset, accountId)
  }

  /** Accounts that a set is provisioned to. */
  provisionedRows(arn: string): readonly StoredResource[] {
    return this.#provisioned.of(arn)
  }

  user(number: number): User {
    return this.#object(User, number)
  }
  group(number: number): Group {
    return this.#object(Group, number)
  }
  permissionSet(number: number): PermissionSet {
    return this.#object(PermissionSet, number)
  }
  account(number: number): Account {
    return this.#object(Account, number)
  }
  application(number: number): Application {
    return this.#object(Application, number)
  }
  accountAssignment(number: number): AccountAssignment {
    return this.#object(AccountAssignment, number)
  }
  applicationAssignment(number: number): ApplicationAssignment {
    return this.#object(ApplicationAssignment, number)
  }

  /** Null when the list of accounts is complete and does not hold it. */
  accountOrNull(number: number): Account | null | Unknown {
    if (this.accounts.isPresent(number)) return this.account(number)
    return this.gaps.list('organizations.accounts') ?? null
  }

  applicationOrNull(number: number): Application | null | Unknown {
    if (this.applications.isPresent(number)) return this.application(number)
    return this.gaps.list('sso.applications') ?? null
  }

  /** Null when users (or groups) are listed completely and the principal is not among them. */
  principalOf(columns: AssignmentColumns, row: number): User | Group | null | Unknown {
    const link = columns.link(row)
    if (link === null) {
      const { principalType } = columns.principal(row)
      const dataset = columns === this.accountAssignments ? accountAssignments : applicationAssignments
      return this.#once({
        ...this.gaps.absent(dataset, '', 'unsupported', `principal type ${principalType} is not known`),
        action: null,
      })
    }
    const table = link.kind === 'user' ? this.users : this.groups
    if (!table.isPresent(link.number)) return this.gaps.list(table.dataset) ?? null
    return link.kind === 'user' ? this.user(link.number) : this.group(link.number)
  }

  groupsOf(user: number): List {
    const known = this.#members(this.#linked.groupsOfUser, user, row => this.group(this.memberships.groups.at(row)))
    const unlisted = this.gaps.list('identitystore.groups') ?? this.#wholeMembershipGap()
    if (unlisted !== undefined) return new OpenList(known, [], unlisted, { isUnbounded: false, isOpen: true })
    if (this.#unreadGroups.size === 0) return known
    const gaps = [...this.#unreadGroups.values()].slice(0, mostGhosts)
    const isOpen = this.#unreadGroups.size > mostGhosts
    const maybe = isOpen ? [] : [...this.#unreadGroups.keys()].map(group => this.group(group))
    const ghosts = maybe.filter(group => !known.includes(group))
    return openOr(known, ghosts, gaps.reduce(joinGaps), { isUnbounded: false, isOpen })
  }

  membersOf(group: number): List {
    const known = this.#members(this.#linked.membersOfGroup, group, row => this.user(this.memberships.users.at(row)))
    const gap = this.#membershipGap(group)
    return gap === undefined ? known : new OpenList(known, [], gap, { isUnbounded: false, isOpen: true })
  }

  accountAssignmentsOf(side: 'user' | 'group' | 'account' | 'permissionSet', number: number): List {
    const known = this.#members(this.#linked.accountAssignments[side], number, row => this.accountAssignment(row))
    const ghosts = this.#ghosts!
    if (side === 'user' || side === 'group') {
      return openOr(known, ghosts.merged, ghosts.why, { isUnbounded: ghosts.areMany, isOpen: false })
    }
    const maybe = side === 'account' ? ghosts.ofAccount(number) : ghosts.ofSet(number)
    return openOr(known, maybe, joinWhy(maybe), { isUnbounded: true, isOpen: false })
  }

  applicationAssignmentsOf(side: 'user' | 'group' | 'application', number: number): List {
    const known = this.#members(this.#linked.applicationAssignments[side], number, row => this.applicationAssignment(row))
    if (this.#applicationGhosts.length === 0) return known
    const ghosts =
      side === 'application'
        ? this.#applicationGhosts.filter(
            ({ application }) => !(application instanceof Application) || application.number === number,
          )
        : this.#applicationGhosts
    const isUnbounded = side === 'application' || ghosts.some(({ application }) => !(application instanceof Application))
    return openOr(known, ghosts, joinWhy(ghosts), { isUnbounded, isOpen: false })
  }

  /**
   * Distinct users who reach an account with an admin-equivalent permission set. Users of a set that may be admin are ghosts; an
   * unread membership list, and an unread pair whose set is not proven harmless, leave the list open.
   */
  adminsOf(account: number): List {
    const admins = new Set<User>()
    const maybe = new Set<User>()
    const gaps: Unknown[] = []
    let isOpen = false
    for (const ghost of this.#ghosts!.ofAccount(account)) {
      const set = ghost.permissionSet
      const isAdmin = set instanceof Undecided ? set : set.isAdminEquivalent
      if (isAdmin === false) continue
      isOpen = true
      gaps.push(isAdmin instanceof Undecided ? joinGaps(ghost.why, isAdmin) : ghost.why)
    }
    const { offsets, rows } = this.#linked.accountAssignments.account
    for (let i = offsets[account]!; i < offsets[account + 1]!; i++) {
      const row = rows[i]!
      const isAdmin = this.permissionSet(this.accountAssignments.permissionSet(row)).isAdminEquivalent
      if (isAdmin === false) continue
      if (isAdmin instanceof Undecided) gaps.push(isAdmin)
      const reached = this.#usersOf(this.accountAssignments, row)
      const known = reached instanceof OpenList ? reached.items : reached
      for (const user of known) (isAdmin === true ? admins : maybe).add(user as User)
      if (!(reached instanceof OpenList)) continue
      for (const user of reached.ghosts) maybe.add(user as User)
      gaps.push(reached.why)
      isOpen ||= reached.isOpen
    }
    const ghosts = [...maybe].filter(user => !admins.has(user))
    if (!isOpen && ghosts.length === 0) return [...admins]
    return new OpenList([...admins], ghosts, gaps.reduce(joinGaps), { isUnbounded: false, isOpen })
  }

  organizationAdmins(): List {
    const numbers = [...this.accounts.keys.keys()]
    this.#organizationAdmins ??= union(numbers.map(number => this.adminsOf(number)))
    return this.#organizationAdmins
  }

  effectiveAssignmentsOf(user: User): List {
    return effectiveAssignments(user)
  }

  /** Distinct users who are assigned to an application, directly or through a group. */
  effectiveUsersOf(application: number): List {
    const assigned = this.applicationAssignmentsOf('application', application)
    const { offsets, rows } = this.#linked.applicationAssignments.application
    const lists: List[] = []
    for (let i = offsets[application]!; i < offsets[application + 1]!; i++) {
      lists.push(this.#usersOf(this.applicationAssignments, rows[i]!))
    }
    if (assigned instanceof OpenList) lists.push(closedOr([], assigned.why))
    return union(lists)
  }

  /** What reviewers decide about. */
  get entitlements(): Entitlements {
    this.#entitlements ??= new Entitlements(this, this.order('accountAssignment'))
    return this.#entitlements
  }
  isGroupPrivileged(group: number): boolean | Unknown {
    return this.entitlements.isGroupPrivileged(group)
  }

  userList(): List {
    this.#users ??= this.#listUsers()
    return this.#users
  }

  #listUsers(): List {
    const known = [...this.users.keys.keys()].filter(number => this.users.isPresent(number)).map(number => this.user(number))
    return closedOr(known, this.gaps.list(this.users.dataset))
  }

  activeAccounts(): List {
    const known = [...this.accounts.keys.keys()].filter(number => this.accounts.isPresent(number))
    const accounts = known.map(number => this.account(number))
    const unread = accounts.map(({ State }) => State).find(state => state instanceof Undecided) as Unknown | undefined
    const active = accounts.filter(({ State }) => State === 'ACTIVE')
    return closedOr(active, unread ?? this.gaps.list(this.accounts.dataset))
  }

  instanceList(): List {
    return this.instances.instances()
  }

  attestations(): readonly Attestation[] {
    const rows = this.imports.find(({ kind }) => kind === 'attestations')?.rows ?? []
    return rows.map(row => new Attestation(row))
  }

  iamUserList(): List {
    this.#iamUsers ??= closedOr(this.iam.members('iamUser') ?? [], this.iam.userGap())
    return this.#iamUsers
  }

  peopleOf(user: User): List {
    return this.people.of(user)
  }

  setTags(arn: string): List {
    return tagsOf(this.#setTags, this, arn)
  }

  setOfArn(arn: string): PermissionSet {
    return this.permissionSet(this.permissionSets.number(arn))
  }

  accountOfId(id: string): Account | null | Unknown {
    return this.accountOrNull(this.accounts.number(id))
  }

  accountName(id: string): string {
    const number = this.accounts.number(id)
    const name = this.accounts.isPresent(number) ? this.account(number).name : id
    return typeof name === 'string' ? name : id
  }

  customerDocuments(
    setArn: string,
    name: string,
    path: string,
  ): { readonly documents: readonly PolicyDocument[]; readonly why: Unknown | null } | null {
    if (this.#provisioned.partGap(setArn) !== undefined) return null
    return this.iam.customerDocuments(this.#provisioned.of(setArn).map(accountOfPair), name, path)
  }

  /** Customer managed policies that a set names and an account does not have. */
  missingPolicies(setArn: string, accountId: string): List {
    const { names, why } = this.policies.needs(this.permissionSets.number(setArn))
    const gaps: Unknown[] = why === undefined ? [] : [why]
    const missing: string[] = []
    for (const { name, path } of names) {
      const account = this.iam.account(accountId)
      const found =
        account?.customerPolicy(name, path) ??
        (account === undefined
          ? this.#once(
              this.gaps.absent('iam.managed_policies', '', 'not_collected', `IAM of account ${accountId} is not collected`),
            )
          : null)
      if (found === null) missing.push(`${path}${name}`)
      else if (found instanceof Undecided) gaps.push(found)
    }
    return closedOr(missing, gaps.length === 0 ? undefined : gaps.reduce(joinGaps))
  }

  /** Members of a population that is not kept in columns; undefined for those that are. */
  members(resource: string): readonly Entity[] | undefined {
    switch (resource) {
      case 'principal':
        return [...this.#present('user'), ...this.#present('group')]
      case 'provisioning':
        return [...this.#provisioned.all()].map(({ key }) => this.#pair(key))
      case 'person':
        return this.people.all
      case 'iamPerson':
        return this.gaps.whole('import.roster') === undefined && this.iam.isCollected ? this.people.all : []
      case 'rosteredUser':
        return this.gaps.whole('import.roster') === undefined ? this.#present('user') : []
      case 'attestedInstance':
        return this.gaps.whole('import.attestations') === undefined ? itemsOf(this.instances.instances()) : []
      case 'instance':
        return itemsOf(this.instances.instances())
      case 'organization':
        return itemsOf(this.organizations.organizationList())
      case 'delegation':
        return itemsOf(this.organizations.delegationList())
      case 'entitlement':
        return [...this.entitlements.members()]
      case 'storedSnapshot': {
        const { kept } = this
        return kept === null ? [] : kept.snapshots.map(each => new StoredSnapshot(this, kept, each))
      }
      case 'exception':
        return (this.exceptions ?? [])
          .filter(({ scope }) => scope.source === null || scope.source === this.source)
          .map(each => new KeptException(this, each))
      case 'reconciliation':
        return reconciliations(this, this.snapshot, this.past?.previous ?? null, this.crossChecks)
      case 'collectorRole':
        return collectorRoles(this, this.snapshot.callers)
      case 'collected':
        this.#collected ??= collectedOf(this, this.snapshot, this.imports)
        return this.#collected
      default:
        return resource in historyOf ? (this.changes?.members(resource) ?? []) : this.iam.members(resource)
    }
  }

  #keepSetRow(row: StoredResource): void {
    const arn = setOf(row)
    const rows = this.#setRows.get(arn)
    if (rows === undefined) this.#setRows.set(arn, [row])
    else rows.push(row)
  }

  #pair(key: string): Provisioning {
    let pair = this.#pairs.get(key)
    if (pair === undefined) {
      pair = new Provisioning(this, key)
      this.#pairs.set(key, pair)
    }
    return pair
  }

  #present(resource: 'user' | 'group'): readonly Entity[] {
    return Array.from(this.order(resource), number => this[resource](number))
  }

  /** The numbers of a population in the byte order of their keys. */
  order(resource: PopulationName): Int32Array {
    let order = this.#orders.get(resource)
    if (order === undefined) {
      order = this.#sort(resource)
      this.#orders.set(resource, order)
    }
    return order
  }

  #sort(resource: PopulationName): Int32Array {
    switch (resource) {
      case 'user':
        return this.users.order()
      case 'group':
        return this.groups.order()
      case 'account':
        return this.accounts.order()
      case 'application':
        return this.applications.order()
      case 'permissionSet': {
        const all = Int32Array.from(this.permissionSets.keys.keys())
        const sets = all.filter(set =>
          this.permissionSets.isPresent(set) ? this.policies.exists(set) : this.policies.details(set) !== undefined,
        )
        return sortByKey(sets, set => this.permissionSets.keys[set]!)
      }
      case 'accountAssignment':
        return (
          assignmentOrder(this.accountAssignments, this) ??
          sortByKey(Int32Array.from(Array(this.accountAssignments.length).keys()), row => this.accountAssignment(row).key)
        )
      case 'applicationAssignment':
        return sortByKey(
          Int32Array.from(Array(this.applicationAssignments.length).keys()),
          row => this.applicationAssignment(row).key,
        )
    }
  }

  /** A gap for a member that must be there and is not. No permission would help. */
  notSent(dataset: string, key: string, member: string): Unknown {
    return this.#once({ ...this.gaps.absent(dataset, '', 'not_sent', `AWS did not send ${member} of ${key}`, key), member })
  }

  /** A gap for an answer that is not what AWS documents. */
  invalid(dataset: string, key: string, message: string): Unknown {
    return this.#once({ ...this.gaps.absent(dataset, '', 'invalid_answer', message, key), action: null })
  }

  get #linked(): EstateLinks {
    if (this.#links === null) throw new Error('the estate is not linked')
    return this.#links
  }

  #object<E extends Entity>(type: new (estate: SourceEstate, number: number) => E, number: number): E {
    let objects = this.#objects.get(type)
    if (objects === undefined) {
      objects = []
      this.#objects.set(type, objects)
    }
    objects[number] ??= new type(this, number)
    return objects[number] as E
  }

  #members<T>({ offsets, rows }: Links, number: number, make: (row: number) => T): readonly T[] {
    const start = offsets[number]!
    const end = offsets[number + 1]!
    if (start === end) return emptyList as readonly T[]
    const list = new Array<T>(end - start)
    for (let i = start; i < end; i++) list[i - start] = make(rows[i]!)
    return list
  }

  #usersOf(columns: AssignmentColumns, row: number): List {
    const link = columns.link(row)
    if (link === null) {
      const why = this.principalOf(columns, row) as Unknown
      return new OpenList([], [], why, { isUnbounded: false, isOpen: true })
    }
    if (link.kind === 'group') {
      const isGone = !this.groups.isPresent(link.number) && this.gaps.list('identitystore.groups') === undefined
      return isGone ? emptyList : this.membersOf(link.number)
    }
    if (this.users.isPresent(link.number)) return [this.user(link.number)]
    // an assignment outlasts its user: only the list of users tells whether there is one
    const why = this.gaps.list('identitystore.users')
    return why === undefined ? emptyList : new OpenList([], [this.user(link.number)], why, { isUnbounded: false, isOpen: false })
  }

  /** Why the members of a group are not all known. A group that does not exist (a deleted principal) has none. */
  #membershipGap(group: number): Unknown | undefined {
    const own = this.#unreadGroups.get(group)
    if (own !== undefined) return own
    return this.groups.isPresent(group) ? this.#wholeMembershipGap() : this.gaps.list('identitystore.groups')
  }

  #wholeMembershipGap(): Unknown | undefined {
    return this.gaps.isExplainedByParents(memberships) ? undefined : this.gaps.whole(memberships)
  }

  #addMembership(row: StoredResource): boolean {
    const { GroupId, MemberId } = row.facts
    const userId = typeof MemberId === 'object' && MemberId !== null && 'UserId' in MemberId ? MemberId.UserId : undefined
    if (typeof GroupId !== 'string' || typeof userId !== 'string') return false
    this.memberships.groups.push(this.groups.number(GroupId))
    this.memberships.users.push(this.users.number(userId))
    this.memberships.since.push(this.instants.of(row))
    return true
  }

  #addAccountAssignment(row: StoredResource): boolean {
    const { AccountId, PermissionSetArn, PrincipalType, PrincipalId } = row.facts
    if (typeof AccountId !== 'string' || typeof PermissionSetArn !== 'string') return false
    if (typeof PrincipalType !== 'string' || typeof PrincipalId !== 'string') return false
    const account = this.accounts.number(AccountId)
    this.accountAssignments.add(account, this.permissionSets.number(PermissionSetArn), PrincipalType, PrincipalId)
    this.assignmentSince.push(this.instants.of(row))
    return true
  }

  #addApplicationAssignment({ ApplicationArn, PrincipalType, PrincipalId }: Facts): boolean {
    if (typeof ApplicationArn !== 'string' || typeof PrincipalType !== 'string' || typeof PrincipalId !== 'string') return false
    this.applicationAssignments.add(this.applications.number(ApplicationArn), PrincipalType, PrincipalId)
    return true
  }

  /** A row that lacks what links it: the part it came from is not known completely. */
  #addMalformed(row: StoredResource): void {
    const message = `row ${row.key} of ${row.dataset} lacks the members that say whom it links`
    this.gaps.add({ ...this.gaps.absent(row.dataset, row.parent, 'invalid_answer', message), action: null })
  }

  #organizationMissing(): Unknown {
    return this.#once(this.gaps.absent('organizations.organizations', '', 'not_collected', 'the organization was not described'))
  }

  #once(gap: Gap): Unknown {
    const name = `${gap.dataset} ${gap.key} ${gap.member} ${gap.message}`
    let unknown = this.#made.get(name)
    if (unknown === undefined) {
      unknown = new Unknown([gap])
      this.#made.set(name, unknown)
    }
    return unknown
  }
}

/** `setArn|accountId` */
function accountOfPair({ key }: StoredResource): string {
  return key.slice(key.lastIndexOf('|') + 1)
}

/** Populations that are one list; `assignment` is two of them. */
export type PopulationName =
  | 'user'
  | 'group'
  | 'permissionSet'
  | 'account'
  | 'application'
  | 'accountAssignment'
  | 'applicationAssignment'

interface EstateLinks {
  readonly membersOfGroup: Links
  readonly groupsOfUser: Links
  readonly accountAssignments: {
    readonly user: Links
    readonly group: Links
    readonly account: Links
    readonly permissionSet: Links
  }
  readonly applicationAssignments: { readonly user: Links; readonly group: Links; readonly application: Links }
}

function openOr(
  items: readonly unknown[],
  ghosts: readonly unknown[],
  why: Unknown,
  more: { isUnbounded: boolean; isOpen: boolean },
): List {
  return ghosts.length === 0 && !more.isOpen ? items : new OpenList(items, ghosts, why, more)
}
