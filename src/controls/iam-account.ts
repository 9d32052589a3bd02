import type { Facts, Snapshot, StoredResource } from '../model.ts'
import { declareFacts, type List, type Surroundings } from './entity.ts'
import { GapIndex } from './gap-index.ts'
import type { IamSurroundings } from './iam-principal.ts'
import { AccessKey, IamGroup, IamUser } from './iam-principals.ts'
import { instantOf, isInstantOrNone } from './iam-report.ts'
import { OwnGaps } from './own-gaps.ts'
import { closedOr, DatasetRows, RowEntity } from './rows.ts'
import { Undecided, type Unknown } from './values.ts'

/** IAM of one account, read with the credentials of that account: its gaps are its own. */
export class IamAccountEstate implements Surroundings {
  readonly accountId: string
  readonly gaps: GapIndex
  readonly outside: IamSurroundings
  readonly users: DatasetRows
  readonly userDetails: DatasetRows
  readonly groupDetails: DatasetRows
  readonly roles: DatasetRows
  readonly roleDetails: DatasetRows
  readonly managed: DatasetRows
  readonly accessKeys: DatasetRows
  readonly lastUsed: DatasetRows
  readonly virtualMfa: DatasetRows
  readonly reports: DatasetRows
  readonly summaries: DatasetRows
  readonly passwordPolicies: DatasetRows
  readonly #byDataset: ReadonlyMap<string, DatasetRows>
  readonly #own: OwnGaps
  readonly #objects = new Map<string, IamUser | IamGroup | AccessKey>()

  constructor(accountId: string, snapshot: Snapshot, outside: IamSurroundings) {
    this.accountId = accountId
    this.outside = outside
    this.gaps = new GapIndex(snapshot, accountId)
    this.#own = new OwnGaps(this.gaps)
    const rows = (name: string) => new DatasetRows(`iam.${name}`, this.gaps)
    this.users = rows('users')
    this.userDetails = rows('user_details')
    this.groupDetails = rows('group_details')
    this.roles = rows('roles')
    this.roleDetails = rows('role_details')
    this.managed = rows('managed_policies')
    this.accessKeys = rows('access_keys')
    this.lastUsed = rows('access_keys_last_used')
    this.virtualMfa = rows('virtual_mfa_devices')
    this.reports = rows('credential_reports')
    this.summaries = rows('account_summaries')
    this.passwordPolicies = rows('password_policies')
    const all = [
      this.users,
      this.userDetails,
      this.groupDetails,
      this.roles,
      this.roleDetails,
      this.managed,
      this.accessKeys,
      this.lastUsed,
      this.virtualMfa,
      this.reports,
      this.summaries,
      this.passwordPolicies,
    ]
    this.#byDataset = new Map(all.map(each => [each.dataset, each]))
  }

  add(row: StoredResource): void {
    const rows = this.#byDataset.get(row.dataset)
    rows?.add(row, rows === this.accessKeys ? row.key.split('|')[0] : row.parent)
  }

  /** The rows of a dataset; undefined for one that is not kept here. */
  rowsOf(dataset: string): DatasetRows | undefined {
    return this.#byDataset.get(dataset)
  }

  user(arn: string): IamUser {
    return this.#object(`user ${arn}`, () => {
      const row = this.users.byKey(arn)
      return new IamUser(this, this.users.dataset, arn, row, this.users.absence(arn, '') ?? undefined)
    })
  }
  group(arn: string): IamGroup {
    return this.#object(`group ${arn}`, () => {
      const row = this.groupDetails.byKey(arn)
      return new IamGroup(this, this.groupDetails.dataset, arn, row, this.groupDetails.absence(arn, '') ?? undefined)
    })
  }
  accessKey(key: string): AccessKey {
    return this.#object(`key ${key}`, () => {
      const row = this.accessKeys.byKey(key)
      return new AccessKey(this, this.accessKeys.dataset, key, row, this.accessKeys.absence(key, key.split('|')[0]!) ?? undefined)
    })
  }

  /** Keys that are known to be there, read or not. */
  keysOf(rows: DatasetRows): readonly string[] {
    return [...new Set([...[...rows.all()].map(({ key }) => key), ...rows.unreadKeys()])]
  }

  userList(): List {
    return closedOr(
      this.keysOf(this.users).map(arn => this.user(arn)),
      this.gaps.list(this.users.dataset),
    )
  }

  /** The line of the credential report about a user or the root user. A user who is younger than the report has none. */
  reportLine(arn: string): Facts | Unknown {
    const row = this.reports.byKey(arn)
    if (row !== undefined) return row.facts
    return this.reports.absence(arn, '') ?? this.notSent(this.reports.dataset, arn, 'its line of the credential report')
  }

  /** A customer managed policy of this account: its row, null when the account has none of this name and path. */
  customerPolicy(name: string, path: string): StoredResource | null | Unknown {
    const row = [...this.managed.all()].find(({ facts }) => facts.PolicyName === name && (facts.Path ?? '/') === path)
    return row ?? this.gaps.list(this.managed.dataset) ?? null
  }

  notSent(dataset: string, key: string, member: string): Unknown {
    return this.#own.notSent(dataset, key, member)
  }
  invalid(dataset: string, key: string, message: string): Unknown {
    return this.#own.invalid(dataset, key, message)
  }

  #object<E extends IamUser | IamGroup | AccessKey>(name: string, make: () => E): E {
    let object = this.#objects.get(name)
    if (object === undefined) {
      object = make()
      this.#objects.set(name, object)
    }
    return object as E
  }
}

/** An account whose IAM is collected. */
export class IamAccount extends RowEntity {
  declare readonly estate: IamAccountEstate

  constructor(estate: IamAccountEstate) {
    const { accountId, summaries } = estate
    super(estate, summaries.dataset, accountId, summaries.byKey(accountId), summaries.absence(accountId, '') ?? undefined)
  }

  get typeName(): string {
    return 'IamAccount'
  }
  get accountId(): string {
    return this.key
  }
  get name(): string {
    return this.estate.outside.accountName(this.key)
  }
  get users(): List {
    return this.estate.userList()
  }
  get rootVirtualMfaDevices(): List {
    const { virtualMfa, gaps } = this.estate
    const isRoot = ({ facts }: StoredResource) => {
      const user = facts.User
      const arn = typeof user === 'object' && user !== null && 'Arn' in user ? user.Arn : null
      return arn === this.#rootArn || String(facts.SerialNumber).endsWith(':mfa/root-account-mfa-device')
    }
    const serials = [...virtualMfa.all()].filter(isRoot).map(({ key }) => key)
    return closedOr(serials, gaps.list(virtualMfa.dataset))
  }
  get rootLastUsed(): Date | null | Unknown {
    const line = this.estate.reportLine(this.#rootArn)
    if (line instanceof Undecided) return line
    const columns = ['password_last_used', 'access_key_1_last_used_date', 'access_key_2_last_used_date']
    const broken = columns.find(column => !isInstantOrNone(line[column]))
    if (broken !== undefined)
      return this.estate.invalid(this.estate.reports.dataset, this.#rootArn, `${broken} of root is ${String(line[broken])}`)
    const used = columns.map(column => instantOf(line[column])).filter(time => time !== null)
    return used.length === 0 ? null : new Date(Math.max(...used.map(time => time.getTime())))
  }
  get #rootArn(): string {
    const partition = /^arn:([a-z-]+):/.exec([...this.estate.reports.all()][0]?.key ?? '')?.[1] ?? 'aws'
    return `arn:${partition}:iam::${this.key}:root`
  }
  get hasPasswordPolicy(): boolean | Unknown {
    const { passwordPolicies } = this.estate
    return passwordPolicies.byKey(this.key) !== undefined || (passwordPolicies.absence(this.key, '') ?? false)
  }
  get passwordPolicy(): PasswordPolicy | Unknown {
    const { passwordPolicies } = this.estate
    const row = passwordPolicies.byKey(this.key)
    if (row !== undefined) return new PasswordPolicy(this.estate, row.dataset, row.key, row)
    const why = passwordPolicies.absence(this.key, '')
    return why ?? this.estate.invalid(passwordPolicies.dataset, this.key, 'the account has no password policy')
  }
}

export class PasswordPolicy extends RowEntity {
  get typeName(): string {
    return 'PasswordPolicy'
  }
}

declareFacts(IamAccount, 'IamAccount')
declareFacts(PasswordPolicy, 'PasswordPolicy')
