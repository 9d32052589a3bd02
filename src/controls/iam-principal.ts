import type { Facts, Json } from '../model.ts'
import type { List, Surroundings } from './entity.ts'
import { type Escalation, type EscalationFamilies, escalationOf } from './escalation.ts'
import { defaultDocument } from './iam-report.ts'
import type { PolicyDocument, Statement } from './policy-document.ts'
import { type PolicyDocuments, type ReadPolicy, readWritten } from './policy-documents.ts'
import { allowsEverything, serviceWildcards } from './policy-reach.ts'
import { closedOr, type DatasetRows, RowEntity } from './rows.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

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
  group(arn: string): Principal
  accessKey(key: string): RowEntity
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

/** What may be granted something by policies of its own: a user, a group or a role. */
export abstract class Principal extends RowEntity {
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
    const known = (groups instanceof OpenList ? groups.items : groups) as readonly Principal[]
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
