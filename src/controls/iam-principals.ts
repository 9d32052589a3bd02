import type { Facts, Json } from '../model.ts'
import { declareFacts, type List, type Surroundings } from './entity.ts'
import { type Escalation, type EscalationFamilies, escalationOf } from './escalation.ts'
import { defaultDocument, instantOf } from './iam-report.ts'
import type { PolicyDocument, Statement } from './policy-document.ts'
import { type PolicyDocuments, type ReadPolicy, readWritten } from './policy-documents.ts'
import { allowsEverything, serviceWildcards } from './policy-reach.ts'
import { closedOr, type DatasetRows, RowEntity } from './rows.ts'
import { emptyList, joinGaps, OpenList, Since, Undecided, type Unknown } from './values.ts'

/** What IAM asks of the estate it belongs to. */
export interface IamSurroundings {
  readonly documents: PolicyDocuments
  readonly escalation: EscalationFamilies
  accountName(id: string): string
}

/** What IAM users, groups and keys ask of their account. */
export interface PrincipalIam extends Surroundings {
  readonly accountId: string
  readonly outside: IamSurroundings
  readonly userDetails: DatasetRows
  readonly groupDetails: DatasetRows
  readonly managed: DatasetRows
  readonly accessKeys: DatasetRows
  readonly lastUsed: DatasetRows
  group(arn: string): IamGroup
  accessKey(key: string): AccessKey
  reportLine(arn: string): Facts | Unknown
}

/** Grants of an IAM principal, with what lets everything be decided although single actions are not. */
interface PrincipalGrants {
  readonly statements: readonly Statement[]
  readonly unread: readonly Unknown[]
  readonly mayAllowAll: readonly Unknown[]
  readonly boundary: PolicyDocument | null
  readonly oneself?: string
}

abstract class Principal extends RowEntity {
  declare readonly estate: PrincipalIam
  #grants: PrincipalGrants | undefined
  #escalation: Escalation | undefined

  /** what GetAccountAuthorizationDetails says of it */
  protected abstract get details(): Facts | Unknown
  protected abstract readonly policyMember: string
  protected abstract readonly groups: List
  protected abstract readonly oneself: string | undefined

  get accountId(): string {
    return this.estate.accountId
  }
  get name(): string {
    return `${this.key.split('/').at(-1)} in ${this.estate.outside.accountName(this.accountId)}`
  }
  get attachedPolicies(): List {
    const { details } = this
    if (details instanceof Undecided) return closedOr([], details)
    return closedOr(
      attached(details).map(policy => policy.name),
      undefined,
    )
  }
  get inlinePolicies(): List {
    const { details } = this
    if (details instanceof Undecided) return closedOr([], details)
    return closedOr(
      inline(details, this.policyMember).map(policy => policy.name),
      undefined,
    )
  }
  get isAdmin(): boolean | Unknown {
    const { statements, mayAllowAll, boundary } = this.grants
    return allowsEverything({ statements, unread: mayAllowAll, boundary })
  }
  get canEscalate(): boolean | Unknown {
    const { kind, why } = this.escalation
    return kind === 'unknown' ? why! : kind === 'can_escalate'
  }
  get escalations(): List {
    const { titles, why } = this.escalation
    return closedOr(titles, why ?? undefined)
  }
  get serviceWildcards(): List {
    const own = this.own(false)
    const services = [...new Set(own.statements.flatMap(serviceWildcards))]
    return closedOr(services, own.unread.length === 0 ? undefined : own.unread.reduce(joinGaps))
  }
  get escalation(): Escalation {
    this.#escalation ??= escalationOf(this.grants, this.estate.outside.escalation)
    return this.#escalation
  }
  get grants(): PrincipalGrants {
    this.#grants ??= this.#collect()
    return this.#grants
  }

  /** Own policies without those of groups. @param withAws whether AWS managed policies count */
  own(withAws: boolean): Omit<PrincipalGrants, 'boundary' | 'oneself'> {
    const { details, estate } = this
    if (details instanceof Undecided) return { statements: [], unread: [details], mayAllowAll: [details] }
    const read: ReadPolicy[] = inline(details, this.policyMember).map(({ name, document }) => this.#written(document, name))
    for (const { name, arn } of attached(details)) {
      if (/^arn:[a-z-]+:iam::aws:policy\//.test(arn)) {
        if (withAws)
          read.push(
            estate.managed.byKey(arn) === undefined ? estate.outside.documents.read(arn, name) : this.#customer(arn, name),
          )
      } else read.push(this.#customer(arn, name))
    }
    return {
      statements: read.flatMap(policy => policy.statements),
      unread: read.flatMap(policy => policy.unread ?? []),
      mayAllowAll: read.flatMap(policy => policy.mayAllowAll ?? []),
    }
  }

  #collect(): PrincipalGrants {
    const own = this.own(true)
    const { groups, details, oneself } = this
    const known = (groups instanceof OpenList ? groups.items : groups) as readonly IamGroup[]
    const all = [own, ...known.map(group => group.own(true))]
    const open = groups instanceof OpenList ? [groups.why] : []
    return {
      statements: all.flatMap(each => each.statements),
      unread: [...all.flatMap(each => each.unread), ...open],
      mayAllowAll: [...all.flatMap(each => each.mayAllowAll), ...open],
      boundary: details instanceof Undecided ? null : this.#boundary(details),
      ...(oneself === undefined ? {} : { oneself }),
    }
  }

  /** A boundary lowers only when its document was read to its end. */
  #boundary(details: Facts): PolicyDocument | null {
    const set = details.PermissionsBoundary
    const arn = typeof set === 'object' && set !== null && 'PermissionsBoundaryArn' in set ? set.PermissionsBoundaryArn : null
    if (typeof arn !== 'string') return null
    const name = arn.split('/').at(-1) ?? arn
    const isAws = /^arn:[a-z-]+:iam::aws:policy\//.test(arn)
    const read = isAws ? this.estate.outside.documents.read(arn, name) : this.#customer(arn, name)
    return read.unread === null ? { statements: read.statements } : null
  }

  #customer(arn: string, name: string): ReadPolicy {
    const { managed } = this.estate
    const row = managed.byKey(arn)
    if (row !== undefined) return this.#written(defaultDocument(row), name)
    const why = managed.absence(arn, '') ?? this.estate.invalid(managed.dataset, arn, `${arn} is attached and was not listed`)
    return { statements: [], unread: why, mayAllowAll: why }
  }

  #written(document: Json | undefined, name: string): ReadPolicy {
    const read = readWritten(document, name)
    if (!('malformed' in read)) return { statements: read.statements, unread: null, mayAllowAll: null }
    const why = this.estate.invalid(this.dataset, this.key, `policy ${name} of ${this.key} is no policy: ${read.malformed}`)
    return { statements: [], unread: why, mayAllowAll: why }
  }
}

export class IamUser extends Principal {
  declare readonly CreateDate: Date | null | Unknown
  readonly kind = 'user'
  protected readonly policyMember = 'UserPolicyList'
  protected get oneself(): string {
    return this.key
  }

  get typeName(): string {
    return 'IamUser'
  }
  get Arn(): string {
    return this.key
  }
  protected get details(): Facts | Unknown {
    const { userDetails } = this.estate
    const row = userDetails.byKey(this.key)
    return (
      row?.facts ??
      userDetails.absence(this.key, '') ??
      this.estate.invalid(userDetails.dataset, this.key, `${this.key} was made or deleted while the run read`)
    )
  }
  protected get groups(): List {
    const { details, estate } = this
    if (details instanceof Undecided) return closedOr([], details)
    const names = Array.isArray(details.GroupList) ? details.GroupList : []
    const rows = [...estate.groupDetails.all()].filter(({ facts }) => names.includes(facts.GroupName ?? ''))
    const isWhole = rows.length === names.length
    const why = isWhole
      ? undefined
      : (estate.gaps.list(estate.groupDetails.dataset) ??
        estate.invalid(estate.groupDetails.dataset, this.key, `a group of ${this.key} was not listed`))
    return closedOr(
      rows.map(({ key }) => estate.group(key)),
      why,
    )
  }
  /** The value of a tag; null when the user has none of that key. */
  tag(key: string): string | null | Unknown {
    const { details } = this
    if (details instanceof Undecided) return details
    const tags = Array.isArray(details.Tags) ? details.Tags : []
    const found = tags.find(tag => typeof tag === 'object' && tag !== null && 'Key' in tag && tag.Key === key)
    return typeof found === 'object' && found !== null && 'Value' in found ? String(found.Value) : null
  }
  get created(): Since | Unknown {
    const date = this.CreateDate
    if (date instanceof Undecided) return date
    return date === null ? this.estate.notSent(this.dataset, this.key, 'CreateDate') : new Since(date, true)
  }
  get accessKeys(): List {
    const { estate } = this
    return closedOr(
      estate.accessKeys.of(this.key).map(({ key }) => estate.accessKey(key)),
      estate.accessKeys.partGap(this.key, this.key.split('/').at(-1)!),
    )
  }
  get hasPassword(): boolean | Unknown {
    return this.#flag('password_enabled')
  }
  get hasMfa(): boolean | Unknown {
    return this.#flag('mfa_active')
  }
  get passwordActivity(): Since | Unknown {
    const line = this.estate.reportLine(this.key)
    if (line instanceof Undecided) return line
    const time = instantOf(line.password_last_used) ?? instantOf(line.password_last_changed)
    return time === null ? this.created : new Since(time, true)
  }
  get lastActivity(): Since | Unknown {
    const line = this.estate.reportLine(this.key)
    if (line instanceof Undecided) return line
    const times = ['password_last_used', 'access_key_1_last_used_date', 'access_key_2_last_used_date']
      .map(column => instantOf(line[column])?.getTime() ?? 0)
      .filter(time => time > 0)
    return times.length === 0 ? this.created : new Since(new Date(Math.max(...times)), true)
  }

  #flag(column: string): boolean | Unknown {
    const line = this.estate.reportLine(this.key)
    if (line instanceof Undecided) return line
    const value = line[column]
    if (value === 'true' || value === 'false') return value === 'true'
    return this.estate.invalid('iam.credential_reports', this.key, `${column} of ${this.key} is ${String(value)}`)
  }
}

export class IamGroup extends Principal {
  readonly kind = 'group'
  protected readonly policyMember = 'GroupPolicyList'
  protected readonly oneself = 'any_user'
  protected readonly groups: List = []

  get typeName(): string {
    return 'IamPrincipal'
  }
  get Arn(): string {
    return this.key
  }
  protected get details(): Facts | Unknown {
    return this.facts ?? this.absence()
  }
}

/** A role of an account. */
export class IamRole extends Principal {
  readonly kind = 'role'
  protected readonly policyMember = 'RolePolicyList'
  protected readonly oneself = undefined
  protected readonly groups = emptyList

  get typeName(): string {
    return 'IamRole'
  }
  protected get details(): Facts | Unknown {
    return this.facts ?? this.absence()
  }
}

export class AccessKey extends RowEntity {
  declare readonly estate: PrincipalIam
  declare readonly CreateDate: Date | null | Unknown

  get typeName(): string {
    return 'AccessKey'
  }
  get name(): string {
    const [user, id] = this.key.split('|') as [string, string]
    return `${id} of ${user.split('/').at(-1)} in ${this.estate.outside.accountName(this.estate.accountId)}`
  }
  get created(): Since | Unknown {
    const date = this.CreateDate
    if (date instanceof Undecided) return date
    return date === null ? this.estate.notSent(this.dataset, this.key, 'CreateDate') : new Since(date, true)
  }
  get lastUsed(): Date | null | Unknown {
    const { lastUsed } = this.estate
    const row = lastUsed.byKey(this.key)
    if (row === undefined) {
      const why = lastUsed.absence(this.key, this.key, ...this.key.split('|'))
      return why ?? this.estate.invalid(lastUsed.dataset, this.key, `the last use of ${this.key} is missing from the snapshot`)
    }
    const nested = row.facts.AccessKeyLastUsed
    const used =
      typeof nested === 'object' && nested !== null && 'LastUsedDate' in nested ? nested.LastUsedDate : row.facts.LastUsedDate
    return instantOf(used)
  }
}

function attached(details: Facts): readonly { readonly name: string; readonly arn: string }[] {
  const list = Array.isArray(details.AttachedManagedPolicies) ? details.AttachedManagedPolicies : []
  return list.flatMap(each =>
    typeof each === 'object' && each !== null && 'PolicyArn' in each
      ? [{ name: String(('PolicyName' in each ? each.PolicyName : null) ?? each.PolicyArn), arn: String(each.PolicyArn) }]
      : [],
  )
}

function inline(details: Facts, member: string): readonly { readonly name: string; readonly document: Json | undefined }[] {
  const list = details[member]
  if (!Array.isArray(list)) return []
  return list.flatMap(each =>
    typeof each === 'object' && each !== null && 'PolicyName' in each
      ? [{ name: String(each.PolicyName), document: 'PolicyDocument' in each ? each.PolicyDocument : undefined }]
      : [],
  )
}

declareFacts(IamUser, 'IamUser')
declareFacts(AccessKey, 'AccessKey')
