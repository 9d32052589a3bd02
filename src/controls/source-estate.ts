import type { Exception, ImportedRows, Kept, Snapshot, StoredResource } from '../model.ts'
import type { AccessLevels } from './access-level.ts'
import { AccountAssignment, ApplicationAssignment } from './assignments.ts'
import { Changes } from './changes.ts'
import { CustomerPolicies } from './customer-policies.ts'
import { Directory } from './directory.ts'
import { EffectiveAccess } from './effective-access.ts'
import { Entitlements } from './entitlements.ts'
import type { List } from './entity.ts'
import type { EscalationFamilies } from './escalation.ts'
import { EstateLinks } from './estate-links.ts'
import { EstateTables } from './estate-tables.ts'
import { GapIndex } from './gap-index.ts'
import { IamEstate } from './iam-estate.ts'
import type { IamRole } from './iam-principals.ts'
import { InstanceRows } from './instance.ts'
import type { ManagedPolicies } from './managed-policies.ts'
import { OrganizationRows } from './organization.ts'
import { OwnGaps } from './own-gaps.ts'
import type { Past } from './past.ts'
import { Attestation, People } from './people.ts'
import { PermissionSet } from './permission-set.ts'
import { PermissionSetPolicies } from './permission-set-policies.ts'
import { policyDatasets } from './permission-set-rows.ts'
import { PolicyDocuments } from './policy-documents.ts'
import { Populations } from './populations.ts'
import { PresentEstate } from './present.ts'
import { Group, User } from './principals.ts'
import { Reviews } from './reviews.ts'
import { closedOr, tagsOf } from './rows.ts'
import { setDatasets, setOf } from './set-change.ts'
import { Account, Application } from './targets.ts'
import { Undecided, type Unknown } from './values.ts'

/** What an estate may hold beside the judged snapshot. */
export interface MoreThanNow {
  readonly past?: Past | null
  readonly kept?: Kept | null
  readonly exceptions?: readonly Exception[] | null
  /** instant of the judgement; left out: when the snapshot was sealed */
  readonly asOf?: Date
  /** of whoever judges; left out or null: it is not behind what was collected */
  readonly clock?: Date | null
}

/**
 * One source as one linked view: people, groups, permission sets, accounts, applications and who is assigned what. Links are
 * integers in typed arrays; objects and lists are made when they are asked for. `link` closes it after the last row.
 */
export class SourceEstate extends EstateTables {
  readonly snapshot: Snapshot
  readonly imports: readonly ImportedRows[]
  /** why rows are not kept any more, in words; empty while all are */
  readonly disposed = new Set<string>()
  readonly policies: PermissionSetPolicies
  readonly documents: PolicyDocuments
  readonly escalation: EscalationFamilies
  readonly accessLevels: AccessLevels
  readonly directory: Directory
  readonly organizations: OrganizationRows
  readonly instances: InstanceRows
  readonly iam: IamEstate
  readonly customerPolicies: CustomerPolicies
  readonly people: People
  readonly reviews: Reviews
  readonly populations: Populations
  managementAccountId: string | Unknown
  readonly past: Past | null
  readonly kept: Kept | null
  readonly exceptions: readonly Exception[] | null
  readonly asOf: Date
  readonly clock: Date | null

  readonly #managed: ManagedPolicies
  readonly #own: OwnGaps
  /** rows of permission sets as they were read, where there is a past to compare them with */
  readonly #setRows = new Map<string, StoredResource[]>()
  readonly #made = {
    users: [] as User[],
    groups: [] as Group[],
    permissionSets: [] as PermissionSet[],
    accounts: [] as Account[],
    applications: [] as Application[],
    accountAssignments: [] as AccountAssignment[],
    applicationAssignments: [] as ApplicationAssignment[],
  }
  #links: EstateLinks | null = null
  #access: EffectiveAccess | null = null
  #changes: Changes | null = null
  #entitlements: Entitlements | null = null
  #users: List | null = null
  #iamUsers: List | null = null
  #activeAccounts: List | null = null
  #attestations: readonly Attestation[] | null = null

  constructor(snapshot: Snapshot, managed: ManagedPolicies, imports: readonly ImportedRows[] = [], more: MoreThanNow = {}) {
    super(new GapIndex(snapshot, null, broughtBy(imports, more)))
    this.snapshot = snapshot
    this.imports = imports
    this.past = more.past ?? null
    this.asOf = more.asOf ?? snapshot.sealedAt
    this.clock = more.clock ?? null
    this.kept = more.kept ?? null
    this.exceptions = more.exceptions ?? null
    this.#managed = managed
    this.#own = new OwnGaps(this.gaps)
    for (const each of imports) this.#addDisposedRows(each)
    const imported = (kind: ImportedRows['kind']) => imports.find(each => each.kind === kind)
    this.documents = new PolicyDocuments(this, this.gaps, managed)
    this.escalation = managed.escalation
    this.accessLevels = managed.accessLevels
    this.policies = new PermissionSetPolicies(this.permissionSets, this.gaps, this)
    this.directory = new Directory(this)
    this.organizations = new OrganizationRows(this, this.gaps)
    this.instances = new InstanceRows(this, this.gaps)
    this.iam = new IamEstate(snapshot, this)
    this.customerPolicies = new CustomerPolicies(this, this.iam, this.#own)
    this.people = new People(this, imported('roster'))
    this.reviews = new Reviews(this, imported('reviews'))
    this.populations = new Populations(this)
    const known = snapshot.identity.managementAccountId
    this.managementAccountId = known ?? this.gaps.list('organizations.organizations') ?? this.#organizationMissing()
  }

  get source(): string {
    return this.snapshot.source
  }

  /** Takes one row. Datasets that no control reads yet are passed over. */
  add(row: StoredResource): void {
    if (row.disposed !== undefined) {
      this.disposed.add(row.disposed)
      // it was there, and nobody can say what it was
      const gap = this.gaps.absent(row.dataset, row.parent, 'disposed', row.disposed, row.key)
      if (!this.iam.addGap({ ...gap, place: row.place, action: null })) this.gaps.add({ ...gap, place: row.place, action: null })
      if (row.dataset === 'evidenced.cross_checks') this.crossChecks.push({ name: row.key })
      return
    }
    if (this.past !== null && setDatasets.includes(row.dataset)) this.#keepSetRow(row)
    if (row.earlier.some(each => each.disposed)) this.disposed.add('earlier states of what still holds were disposed of')
    if (this.take(row)) return
    if (policyDatasets.has(row.dataset)) this.policies.add(row)
    else if (row.dataset === 'iam.policy_documents') this.documents.add(row)
    else if (this.organizations.add(row)) {
      const { MasterAccountId } = row.facts
      if (row.dataset === 'organizations.organizations' && typeof MasterAccountId === 'string')
        this.managementAccountId = MasterAccountId
    } else if (!this.instances.add(row)) this.iam.add(row)
  }

  /** Rows of an import that are not kept any more: anybody may have been among them. */
  #addDisposedRows({ kind, rows, disposed }: ImportedRows): void {
    if (disposed === undefined) return
    this.disposed.add(disposed.reason)
    const key = rows.length === 0 ? null : `${disposed.rows} of its rows`
    this.gaps.add({ ...this.gaps.absent(`import.${kind}`, '', 'disposed', disposed.reason, key), action: null })
  }

  #keepSetRow(row: StoredResource): void {
    const arn = setOf(row)
    const rows = this.#setRows.get(arn)
    if (rows === undefined) this.#setRows.set(arn, [row])
    else rows.push(row)
  }

  /** Links what was added. Called once, after the last row. */
  link(): void {
    this.#links = new EstateLinks(this, this, this.#own)
    this.#access = new EffectiveAccess(this, this, this.#links)
  }

  get links(): EstateLinks {
    if (this.#links === null) throw new Error('the estate is not linked')
    return this.#links
  }
  get access(): EffectiveAccess {
    if (this.#access === null) throw new Error('the estate is not linked')
    return this.#access
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
        return estate.setOfArn(arn).isAdminEquivalent
      }),
    )
    return this.#changes
  }

  /** What reviewers decide about. */
  get entitlements(): Entitlements {
    this.#entitlements ??= new Entitlements(this, this.populations.order('accountAssignment'))
    return this.#entitlements
  }

  user(number: number): User {
    this.#made.users[number] ??= new User(this, number)
    return this.#made.users[number]!
  }
  group(number: number): Group {
    this.#made.groups[number] ??= new Group(this, number)
    return this.#made.groups[number]!
  }
  permissionSet(number: number): PermissionSet {
    this.#made.permissionSets[number] ??= new PermissionSet(this, number)
    return this.#made.permissionSets[number]!
  }
  account(number: number): Account {
    this.#made.accounts[number] ??= new Account(this, number)
    return this.#made.accounts[number]!
  }
  application(number: number): Application {
    this.#made.applications[number] ??= new Application(this, number)
    return this.#made.applications[number]!
  }
  accountAssignment(number: number): AccountAssignment {
    this.#made.accountAssignments[number] ??= new AccountAssignment(this, number)
    return this.#made.accountAssignments[number]!
  }
  applicationAssignment(number: number): ApplicationAssignment {
    this.#made.applicationAssignments[number] ??= new ApplicationAssignment(this, number)
    return this.#made.applicationAssignments[number]!
  }
  setOfArn(arn: string): PermissionSet {
    return this.permissionSet(this.permissionSets.number(arn))
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
  accountOfId(id: string): Account | null | Unknown {
    return this.accountOrNull(this.accounts.number(id))
  }
  accountName(id: string): string {
    const number = this.accounts.number(id)
    const name = this.accounts.isPresent(number) ? this.account(number).name : id
    return typeof name === 'string' ? name : id
  }
  roleOf(accountId: string, name: string): IamRole | Unknown {
    return this.iam.role(accountId, name)
  }

  userList(): List {
    this.#users ??= closedOr(
      Array.from(this.users.order(), number => this.user(number)),
      this.gaps.list(this.users.dataset),
    )
    return this.#users
  }
  activeAccounts(): List {
    this.#activeAccounts ??= this.#listActiveAccounts()
    return this.#activeAccounts
  }
  #listActiveAccounts(): List {
    const accounts = Array.from(this.accounts.order(), number => this.account(number))
    const unread = accounts.map(({ State }) => State).find(state => state instanceof Undecided) as Unknown | undefined
    const active = accounts.filter(({ State }) => State === 'ACTIVE')
    return closedOr(active, unread ?? this.gaps.list(this.accounts.dataset))
  }
  instanceList(): List {
    return this.instances.instances()
  }
  attestations(): readonly Attestation[] {
    this.#attestations ??= (this.imports.find(({ kind }) => kind === 'attestations')?.rows ?? []).map(row => new Attestation(row))
    return this.#attestations
  }
  iamUserList(): List {
    this.#iamUsers ??= closedOr(this.iam.members('iamUser') ?? [], this.iam.userGap())
    return this.#iamUsers
  }
  tagsOfSet(arn: string): List {
    return tagsOf(this.setTags, this, arn)
  }
  missingPolicies(setArn: string, accountId: string): List {
    return this.customerPolicies.missing(this.policies.needs(this.permissionSets.number(setArn)), accountId)
  }

  notSent(dataset: string, key: string, member: string): Unknown {
    return this.#own.notSent(dataset, key, member)
  }
  invalid(dataset: string, key: string, message: string): Unknown {
    return this.#own.invalid(dataset, key, message)
  }

  #organizationMissing(): Unknown {
    const message = 'the organization was not described'
    return this.#own.once(this.gaps.absent('organizations.organizations', '', 'not_collected', message))
  }
}

/** Datasets that are there without AWS having been asked. */
function broughtBy(imports: readonly ImportedRows[], { past, exceptions, kept }: MoreThanNow): ReadonlySet<string> {
  return new Set([
    ...imports.map(({ kind }) => `import.${kind}`),
    ...(past?.isComparable ? ['history.snapshots'] : []),
    ...(exceptions == null ? [] : ['ledger.exceptions']),
    ...(kept == null ? [] : ['ledger.snapshots', 'ledger.verifications']),
  ])
}
