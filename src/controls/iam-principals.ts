import type { Facts } from '../model.ts'
import { declareFacts, type List } from './entity.ts'
import { Principal, type PrincipalIam } from './iam-principal.ts'
import { instantOf } from './iam-report.ts'
import { closedOr, RowEntity } from './rows.ts'
import { emptyList, Since, Undecided, type Unknown } from './values.ts'

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

declareFacts(IamUser, 'IamUser')
declareFacts(AccessKey, 'AccessKey')
