import { compareBytes } from '../digest.ts'
import type { Facts, Json } from '../model.ts'
import type { CustomerPolicies } from './customer-policies.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import { type Escalation, type EscalationFamilies, escalationOf } from './escalation.ts'
import type { GapIndex } from './gap-index.ts'
import { type ManagedPolicy, type SetClassification, type SetPolicies, Statement } from './permission-set.ts'
import { boundaryDataset, customerDataset, inlineDataset, managedDataset, PermissionSetRows } from './permission-set-rows.ts'
import {
  allowsAll,
  isFullAccess,
  isFullDenial,
  type PolicyDocument,
  type Statement as PolicyStatement,
  readDocument,
  readPolicy,
} from './policy-document.ts'
import type { PolicyDocuments } from './policy-documents.ts'
import type { Grants } from './policy-reach.ts'
import { closedOr } from './rows.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

/** What lies outside the permission sets themselves. */
export interface PolicySurroundings {
  readonly documents: PolicyDocuments
  readonly escalation: EscalationFamilies
  readonly customerPolicies: CustomerPolicies
}

/** What the policies of every permission set mean together. */
export class PermissionSetPolicies extends PermissionSetRows implements SetPolicies {
  readonly #outside: PolicySurroundings
  readonly #documents = new Map<string, PolicyDocument | { readonly malformed: string }>()
  readonly #classified = new Map<number, SetClassification>()
  readonly #grants = new Map<number, Grants>()
  readonly #escalations = new Map<number, Escalation>()

  constructor(sets: EntityTable, gaps: GapIndex, outside: PolicySurroundings) {
    super(sets, gaps)
    this.#outside = outside
  }

  /**
   * Statements that people wrote: the inline policy's, and those of customer managed policies. The documents of the latter lie in
   * the member accounts; where their IAM is not collected each is a gap (iam:GetPolicyVersion).
   */
  writtenStatements(set: number): List {
    const document = this.#inlineDocument(set)
    const { documents, gaps } = this.#customerDocuments(set)
    const known = [...(document instanceof Undecided ? [] : document.statements), ...documents.flatMap(each => each.statements)]
    const why = document instanceof Undecided ? [document, ...gaps] : gaps
    return closedOr(
      known.map(statement => new Statement(statement)),
      why.length === 0 ? undefined : why.reduce(joinGaps),
    )
  }

  inlineStatements(set: number): List {
    const document = this.#inlineDocument(set)
    if (document instanceof Undecided) return closedOr([], document)
    return document.statements.map(statement => new Statement(statement))
  }

  /** Which ways to more rights its policies open; the reference list of AWS managed policies counts where no document is there. */
  escalation(set: number): Escalation {
    let found = this.#escalations.get(set)
    if (found === undefined) {
      found = escalationOf(this.grants(set), this.#outside.escalation)
      if (found.kind !== 'can_escalate' && this.classify(set).kind === 'admin') found = admin
      this.#escalations.set(set, found)
    }
    return found
  }

  /** What the set allows, with what could not be read of it. */
  grants(set: number): Grants {
    let grants = this.#grants.get(set)
    if (grants === undefined) {
      grants = this.#grantsOf(set)
      this.#grants.set(set, grants)
    }
    return grants
  }

  #grantsOf(set: number): Grants {
    const managed = this.managed(set)
    const policies = (managed instanceof OpenList ? managed.items : managed) as readonly ManagedPolicy[]
    const document = this.#inlineDocument(set)
    const { documents, gaps } = this.#customerDocuments(set)
    const unread: Unknown[] = [...gaps]
    const statements: PolicyStatement[] = documents.flatMap(each => each.statements)
    if (managed instanceof OpenList) unread.push(managed.why)
    if (document instanceof Undecided) unread.push(document)
    else statements.push(...document.statements)
    for (const policy of policies) {
      if (typeof policy.Arn !== 'string') {
        unread.push(policy.Arn)
        continue
      }
      const read = this.#outside.documents.read(policy.Arn, policy.Arn.split('/').at(-1)!)
      statements.push(...read.statements)
      if (read.unread !== null) unread.push(read.unread)
    }
    return { statements, unread, boundary: this.#boundaryDocument(set) }
  }

  /** The boundary's document, when it was read to its end: only that lowers. */
  #boundaryDocument(set: number): PolicyDocument | null {
    if (this.partGap(boundaryDataset, set) !== undefined) return null
    const row = this.boundaryRow(set)
    const arn = row?.ManagedPolicyArn
    if (row !== undefined && typeof arn !== 'string') {
      const { found } = this.#customerBoundary(set, row)
      return found !== null && found.why === null ? { statements: letThrough(found.documents) } : null
    }
    if (typeof arn !== 'string') return null
    const { statements, unread } = this.#outside.documents.read(arn, arn.split('/').at(-1)!)
    return unread === null ? { statements } : null
  }

  /** What is known of the documents of customer managed policies. A Deny that not every account has lowers nothing. */
  #customerDocuments(set: number): { readonly documents: readonly PolicyDocument[]; readonly gaps: readonly Unknown[] } {
    const documents: PolicyDocument[] = []
    const gaps: Unknown[] = []
    const gap = this.partGap(customerDataset, set)
    if (gap !== undefined) gaps.push(gap)
    for (const row of this.customerRows(set)) {
      const found =
        typeof row.Name === 'string' && (row.Path === undefined || typeof row.Path === 'string')
          ? this.#outside.customerPolicies.documents(this.key(set), row.Name, row.Path ?? '/')
          : null
      if (found === null) {
        gaps.push(this.#customerGap(set, row))
        continue
      }
      if (found.why !== null) gaps.push(found.why)
      const isOne = found.documents.length === 1 && found.why === null
      for (const each of found.documents)
        documents.push({ statements: each.statements.filter(statement => isOne || statement.effect === 'Allow') })
    }
    return { documents, gaps }
  }

  isAdmin(set: number): boolean | Unknown {
    const { kind, why } = this.classify(set)
    return kind === 'unknown' ? why! : kind === 'admin'
  }

  /**
   * Whether a permission set is admin-equivalent: its policies allow every action on every resource, or administer identity itself (the
   * AWS managed policies that do so by the reference list, and whatever satisfies a family of escalation.yaml that `administers`). An
   * explicit Deny of everything, or a permissions boundary whose document is known to let neither through, makes it `none`; a boundary
   * that was refused, or whose document was not read, makes `unknown` of what would be `admin`. A Deny in a document that was not read
   * is not assumed. An unread policy makes it `unknown`, unless something known decides. Service control policies are not considered.
   */
  classify(set: number): SetClassification {
    let classified = this.#classified.get(set)
    if (classified === undefined) {
      classified = this.#classify(set)
      this.#classified.set(set, classified)
    }
    return classified
  }

  #classify(set: number): SetClassification {
    const boundary = this.#boundaryMeaning(set)
    const limit = boundary.lowers === true ? { statements: boundary.statements } : null
    if (limit !== null && this.#identityWays({ statements: anything, unread: [], boundary: limit }).length === 0)
      return none(`its permissions boundary ${boundary.name} does not allow everything`)
    const managed = this.managed(set)
    const policies = (managed instanceof OpenList ? managed.items : managed) as readonly ManagedPolicy[]
    const document = this.#inlineDocument(set)
    const customer = this.#customerDocuments(set)
    const inline = document instanceof Undecided ? [] : document.statements
    const written = customer.documents.flatMap(each => each.statements)
    const meanings = policies.map(policy => ({
      policy,
      meaning: typeof policy.Arn === 'string' ? this.#outside.documents.meaningOf(policy.Arn) : undefined,
    }))
    const denying = meanings.find(({ meaning }) => meaning === 'denies_everything')
    if (denying !== undefined) return none(`${text(denying.policy.Name)} denies everything`)
    if (inline.some(isFullDenial)) return none('the inline policy denies everything')
    if (written.some(isFullDenial)) return none('a customer managed policy denies everything')
    const granting = meanings.filter(({ meaning }) => meaning === 'full_access' || meaning === 'privileged')
    const reasons = limit === null ? granting.map(({ policy }) => `${text(policy.Name)} is attached`) : []
    if (limit === null && inline.some(isFullAccess)) reasons.push('the inline policy allows every action on every resource')
    for (const name of new Set(limit === null ? written.filter(isFullAccess).map(statement => statement.policy) : []))
      reasons.push(`customer managed policy ${name} allows every action on every resource`)
    if (reasons.length === 0) {
      const known = policies.flatMap(({ Arn }) =>
        typeof Arn === 'string' ? this.#outside.documents.read(Arn, nameOf(Arn)).statements : [],
      )
      const ways = this.#identityWays({ statements: [...inline, ...written, ...known], unread: [], boundary: limit })
      if (ways.length > 0) reasons.push(`it can ${ways.join(', ')}`)
    }
    if (reasons.length > 0 && boundary.lowers instanceof Undecided) {
      const reason = `${reasons.sort(compareBytes).join(' and ')}, and its permissions boundary could not be read`
      return { kind: 'unknown', reason, why: boundary.lowers }
    }
    if (reasons.length > 0) return { kind: 'admin', reason: reasons.sort(compareBytes).join(' and '), why: null }

    const gaps: Unknown[] = []
    if (managed instanceof OpenList) gaps.push(managed.why)
    if (document instanceof Undecided) gaps.push(document)
    for (const { policy, meaning } of meanings) if (meaning === undefined) gaps.push(this.#unlistedGap(set, policy))
    gaps.push(...customer.gaps)
    if (gaps.length === 0) return none('no policy of it allows everything')
    const why = gaps.reduce(joinGaps)
    return { kind: 'unknown', reason: 'a policy of it could not be read', why }
  }

  /** Titles of the ways to administer identity itself. */
  #identityWays(grants: Grants): readonly string[] {
    const families = this.#outside.escalation.families.filter(({ administers }) => administers === true)
    return escalationOf(grants, { ...this.#outside.escalation, families }).titles
  }

  /** Whether a permissions boundary lets less than everything through, and what: false without one, and a gap where it was not read. */
  #boundaryMeaning(set: number): BoundaryMeaning {
    const unread = this.partGap(boundaryDataset, set)
    if (unread !== undefined) return { lowers: unread, name: '', statements: [] }
    const row = this.boundaryRow(set)
    if (row === undefined) return { lowers: false, name: '', statements: [] }
    const arn = row.ManagedPolicyArn
    if (typeof arn === 'string') {
      const name = nameOf(arn)
      const meaning = this.#outside.documents.meaningOf(arn)
      return {
        lowers: meaning === undefined ? this.#boundaryGap(set, arn) : meaning !== 'full_access',
        name,
        statements: this.#outside.documents.read(arn, name).statements,
      }
    }
    const { found, name, path } = this.#customerBoundary(set, row)
    if (found === null) return { lowers: this.#boundaryGap(set, `${path}${name}`), name, statements: [] }
    if (found.documents.some(document => document.statements.some(isFullAccess))) return { lowers: false, name, statements: [] }
    return { lowers: found.why ?? true, name, statements: letThrough(found.documents) }
  }

  /** Whether a permissions boundary is set that lets everything through: it bounds nothing. */
  boundaryAllowsAll(set: number): boolean | Unknown {
    const unread = this.partGap(boundaryDataset, set)
    if (unread !== undefined) return unread
    const row = this.boundaryRow(set)
    if (row === undefined) return false
    const arn = row.ManagedPolicyArn
    if (typeof arn === 'string') {
      const { documents } = this.#outside
      const { statements, mayAllowAll } = documents.read(arn, nameOf(arn))
      // the reference list says the same of PowerUserAccess, which lets little of IAM through
      const isKnown = documents.isCollected(arn) || arn.endsWith(':iam::aws:policy/AdministratorAccess')
      if (!isKnown && allowsAll(statements)) return this.#boundaryGap(set, arn)
      return allowsAll(statements) || (mayAllowAll === null ? false : this.#boundaryGap(set, arn))
    }
    const { found, name, path } = this.#customerBoundary(set, row)
    if (found === null) return this.#boundaryGap(set, `${path}${name}`)
    return found.documents.some(({ statements }) => allowsAll(statements)) || (found.why ?? false)
  }

  /** A boundary that the member accounts hold; null where no account tells what it says. */
  #customerBoundary(set: number, row: Facts) {
    const own = row.CustomerManagedPolicyReference as Facts | undefined
    const [name, path] = [text(own?.Name ?? ''), text(own?.Path ?? '/')]
    const found = this.#outside.customerPolicies.documents(this.key(set), name, path)
    return { found: found === null || (found.documents.length === 0 && found.why === null) ? null : found, name, path }
  }

  #boundaryGap(set: number, policy: string): Unknown {
    const message = `the document of the permissions boundary ${policy} of ${this.nameOf(set)} was not collected`
    return this.policyGap(boundaryDataset, set, this.key(set), 'not_collected', message)
  }

  #inlineDocument(set: number): PolicyDocument | Unknown {
    const inline = this.inline(set)
    if (inline instanceof Undecided) return inline
    if (inline === null) return { statements: [] }
    let document = this.#documents.get(inline)
    if (document === undefined) {
      document = readPolicy(inline, 'inline policy')
      this.#documents.set(inline, document)
    }
    if (!('malformed' in document)) return document
    const message = `the inline policy of ${this.nameOf(set)} is no policy: ${document.malformed}`
    return this.policyGap(inlineDataset, set, this.key(set), 'invalid_answer', message)
  }

  #customerGap(set: number, { Name, Path }: Facts): Unknown {
    const name = `${text(Path ?? '/')}${text(Name ?? '')}`
    const message = `the document of customer managed policy ${name} of ${this.nameOf(set)} lies in the member accounts and was not collected`
    return this.policyGap(customerDataset, set, `${this.key(set)}|${name}`, 'not_collected', message)
  }

  #unlistedGap(set: number, policy: ManagedPolicy): Unknown {
    const arn = text(policy.Arn)
    const message = `the document of ${arn} of ${this.nameOf(set)} was not collected, and it is not among the AWS managed policies known to this version`
    return this.policyGap(managedDataset, set, `${this.key(set)}|${arn}`, 'not_collected', message)
  }
}

interface BoundaryMeaning {
  readonly lowers: boolean | Unknown
  readonly name: string
  /** what is known to be let through, where it lowers */
  readonly statements: readonly PolicyStatement[]
}

/** A set that allows everything, to see what a boundary lets through. */
const anything = (() => {
  const read = readDocument({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }, 'everything')
  return 'malformed' in read ? [] : read.statements
})()

/** What any account lets through is let through; a Deny counts where there is but one document. */
function letThrough(documents: readonly PolicyDocument[]): readonly PolicyStatement[] {
  const isOne = documents.length === 1
  return documents.flatMap(each => each.statements.filter(({ effect }) => isOne || effect === 'Allow'))
}

function nameOf(arn: string): string {
  return arn.split('/').at(-1) ?? arn
}

const admin: Escalation = { kind: 'can_escalate', titles: ['administrator access'], why: null }

function none(reason: string): SetClassification {
  return { kind: 'none', reason, why: null }
}

function text(value: string | Unknown | Json): string {
  return typeof value === 'string' ? value : '(not known)'
}
