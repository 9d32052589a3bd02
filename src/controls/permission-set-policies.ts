import { compareBytes } from '../digest.ts'
import type { Facts, GapReason, Json, StoredResource } from '../model.ts'
import { datasets } from './datasets.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import { type Escalation, type EscalationFamilies, escalationOf } from './escalation.ts'
import type { GapIndex } from './gap-index.ts'
import { CustomerManagedPolicy, ManagedPolicy, type SetClassification, type SetPolicies, Statement } from './permission-set.ts'
import {
  isFullAccess,
  isFullDenial,
  type PolicyDocument,
  type Statement as PolicyStatement,
  readPolicy,
} from './policy-document.ts'
import type { PolicyDocuments } from './policy-documents.ts'
import type { Grants } from './policy-reach.ts'
import { closedOr } from './rows.ts'
import { emptyList, joinGaps, OpenList, Undecided, Unknown } from './values.ts'

const inlineDataset = 'sso.inline_policies'
const managedDataset = 'sso.managed_policies'
const customerDataset = 'sso.customer_managed_policy_references'
const boundaryDataset = 'sso.permissions_boundaries'
const detailsDataset = 'sso.permission_sets'

/** What lies outside the permission sets themselves. */
export interface PolicySurroundings {
  readonly documents: PolicyDocuments
  readonly escalation: EscalationFamilies
  /**
   * The documents of a customer managed policy in the accounts a set is provisioned to, each different one once; null when no
   * account tells.
   */
  customerDocuments(
    setArn: string,
    name: string,
    path: string,
  ): { readonly documents: readonly PolicyDocument[]; readonly why: Unknown | null } | null
}

/** The policies of every permission set, and what they mean together. */
export class PermissionSetPolicies implements SetPolicies {
  readonly #sets: EntityTable
  readonly #gaps: GapIndex
  readonly #outside: PolicySurroundings
  readonly #details = new Map<number, Facts>()
  readonly #inline = new Map<number, Facts>()
  readonly #managed = new Map<number, Facts[]>()
  readonly #customer = new Map<number, Facts[]>()
  readonly #boundaries = new Map<number, Facts>()
  readonly #documents = new Map<string, PolicyDocument | { readonly malformed: string }>()
  readonly #classified = new Map<number, SetClassification>()
  readonly #escalations = new Map<number, Escalation>()
  readonly #unlisted = new Map<string, Unknown>()

  constructor(sets: EntityTable, gaps: GapIndex, outside: PolicySurroundings) {
    this.#sets = sets
    this.#gaps = gaps
    this.#outside = outside
  }

  /** Takes a row of one of the policy datasets; `parent` is the permission set's ARN. */
  add(row: StoredResource): void {
    const set = this.#sets.number(row.parent === '' ? (row.key.split('|')[0] ?? row.key) : row.parent)
    if (row.dataset === detailsDataset) this.#details.set(set, row.facts)
    else if (row.dataset === inlineDataset) this.#inline.set(set, row.facts)
    else if (row.dataset === boundaryDataset) this.#boundaries.set(set, row.facts)
    else push(row.dataset === managedDataset ? this.#managed : this.#customer, set, row.facts)
  }

  /** What DescribePermissionSet said. */
  details(set: number): Facts | undefined {
    return this.#details.get(set)
  }

  detailsAbsence(set: number): Unknown {
    return this.#partGap(detailsDataset, set) ?? this.#rowMissing(detailsDataset, set)
  }

  /**
   * False for a set that was listed and then confirmed gone: its details were read to the end and there are none.
   */
  exists(set: number): boolean {
    return this.#details.has(set) || this.#partGap(detailsDataset, set) !== undefined
  }

  inline(set: number): string | null | Unknown {
    const gap = this.#partGap(inlineDataset, set)
    if (gap !== undefined) return gap
    const row = this.#inline.get(set)
    if (row === undefined) return this.#rowMissing(inlineDataset, set)
    const text = row.InlinePolicy
    if (typeof text === 'string') return text.trim() === '' ? null : text
    if (text === undefined || text === null) return null
    return this.#policyGap(inlineDataset, set, this.#key(set), 'invalid_answer', 'InlinePolicy is not a text')
  }

  managed(set: number): List {
    return this.#list(managedDataset, set, this.#managed, row => {
      const invalid = (member: string) => this.#policyGap(managedDataset, set, null, 'invalid_answer', `${member} is not a text`)
      return new ManagedPolicy(
        typeof row.Name === 'string' ? row.Name : invalid('Name'),
        typeof row.Arn === 'string' ? row.Arn : invalid('Arn'),
      )
    })
  }

  customerManaged(set: number): List {
    return this.#list(customerDataset, set, this.#customer, row => {
      const invalid = (member: string) => this.#policyGap(customerDataset, set, null, 'invalid_answer', `${member} is not a text`)
      const path = row.Path ?? '/'
      return new CustomerManagedPolicy(
        typeof row.Name === 'string' ? row.Name : invalid('Name'),
        typeof path === 'string' ? path : invalid('Path'),
      )
    })
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

  /** The name of the permissions boundary; null when none is set. */
  boundary(set: number): string | null | Unknown {
    const unread = this.#partGap(boundaryDataset, set)
    if (unread !== undefined) return unread
    const row = this.#boundaries.get(set)
    if (row === undefined) return null
    const own = row.CustomerManagedPolicyReference
    if (typeof own === 'object' && own !== null && 'Name' in own && typeof own.Name === 'string') return own.Name
    if (typeof row.ManagedPolicyArn === 'string') return row.ManagedPolicyArn.split('/').at(-1) ?? row.ManagedPolicyArn
    return this.#policyGap(boundaryDataset, set, this.#key(set), 'invalid_answer', 'the boundary names no policy')
  }

  /** Name and path of everything the set needs to find in an account: customer managed policies and such a boundary. */
  needs(set: number): { readonly names: readonly { name: string; path: string }[]; readonly why: Unknown | undefined } {
    const own = this.#boundaries.get(set)?.CustomerManagedPolicyReference
    const rows = [...(this.#customer.get(set) ?? []), ...(typeof own === 'object' && own !== null ? [own as Facts] : [])]
    const names = rows.map(({ Name, Path }) => ({ name: String(Name), path: typeof Path === 'string' ? Path : '/' }))
    const gaps = [this.#partGap(customerDataset, set), this.#partGap(boundaryDataset, set)].filter(gap => gap !== undefined)
    return { names, why: gaps.length === 0 ? undefined : gaps.reduce(joinGaps) }
  }

  /** Which ways to more rights its policies open; the reference list of AWS managed policies counts where no document is there. */
  escalation(set: number): Escalation {
    let found = this.#escalations.get(set)
    if (found === undefined) {
      found = this.classify(set).kind === 'admin' ? admin : escalationOf(this.grants(set), this.#outside.escalation)
      this.#escalations.set(set, found)
    }
    return found
  }

  /** What the set allows, with what could not be read of it. */
  grants(set: number): Grants {
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
    if (this.#partGap(boundaryDataset, set) !== undefined) return null
    const arn = this.#boundaries.get(set)?.ManagedPolicyArn
    if (typeof arn !== 'string') return null
    const { statements, unread } = this.#outside.documents.read(arn, arn.split('/').at(-1)!)
    return unread === null ? { statements } : null
  }

  /** What is known of the documents of customer managed policies. A Deny that not every account has lowers nothing. */
  #customerDocuments(set: number): { readonly documents: readonly PolicyDocument[]; readonly gaps: readonly Unknown[] } {
    const documents: PolicyDocument[] = []
    const gaps: Unknown[] = []
    const gap = this.#partGap(customerDataset, set)
    if (gap !== undefined) gaps.push(gap)
    for (const row of this.#customer.get(set) ?? []) {
      const found =
        typeof row.Name === 'string' && (row.Path === undefined || typeof row.Path === 'string')
          ? this.#outside.customerDocuments(this.#key(set), row.Name, row.Path ?? '/')
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
   * Whether a permission set is admin-equivalent: an AWS managed policy that allows everything or administers identity itself, or
   * an inline statement that allows every action on every resource. An explicit Deny of everything, or a permissions boundary whose
   * document is known not to allow everything, makes it `none`; a boundary that was refused, or whose document was not read, makes
   * `unknown` of what would be `admin`. A Deny of everything in a document that was not read is not assumed. An unread policy makes
   * it `unknown`, unless something known decides. Service control policies are not considered.
   * Escalation paths are not analysed.
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
    if (boundary.lowers === true) return none(`its permissions boundary ${boundary.name} does not allow everything`)
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
    const reasons = granting.map(({ policy }) => `${text(policy.Name)} is attached`)
    if (inline.some(isFullAccess)) reasons.push('the inline policy allows every action on every resource')
    for (const name of new Set(written.filter(isFullAccess).map(statement => statement.policy)))
      reasons.push(`customer managed policy ${name} allows every action on every resource`)
    if (reasons.length > 0 && boundary.lowers !== false) {
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

  /** Whether a permissions boundary keeps the set from being admin-equivalent: false without one, and a gap where it was not read. */
  #boundaryMeaning(set: number): { readonly lowers: boolean | Unknown; readonly name: string } {
    const unread = this.#partGap(boundaryDataset, set)
    if (unread !== undefined) return { lowers: unread, name: '' }
    const row = this.#boundaries.get(set)
    if (row === undefined) return { lowers: false, name: '' }
    const arn = row.ManagedPolicyArn
    if (typeof arn === 'string') {
      const name = arn.split('/').at(-1) ?? arn
      const meaning = this.#outside.documents.meaningOf(arn)
      return {
        lowers: meaning === undefined ? this.#boundaryGap(set, arn) : meaning === 'limited' || meaning === 'denies_everything',
        name,
      }
    }
    const own = row.CustomerManagedPolicyReference as Facts | undefined
    const [name, path] = [text(own?.Name ?? ''), text(own?.Path ?? '/')]
    const found = this.#outside.customerDocuments(this.#key(set), name, path)
    if (found === null) return { lowers: this.#boundaryGap(set, `${path}${name}`), name }
    if (found.documents.some(document => document.statements.some(isFullAccess))) return { lowers: false, name }
    return { lowers: found.why ?? true, name }
  }

  #boundaryGap(set: number, policy: string): Unknown {
    const message = `the document of the permissions boundary ${policy} of ${this.#name(set)} was not collected`
    return this.#policyGap(boundaryDataset, set, this.#key(set), 'not_collected', message)
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
    const message = `the inline policy of ${this.#name(set)} is no policy: ${document.malformed}`
    return this.#policyGap(inlineDataset, set, this.#key(set), 'invalid_answer', message)
  }

  #customerGap(set: number, { Name, Path }: Facts): Unknown {
    const name = `${text(Path ?? '/')}${text(Name ?? '')}`
    const message = `the document of customer managed policy ${name} of ${this.#name(set)} lies in the member accounts and was not collected`
    return this.#policyGap(customerDataset, set, `${this.#key(set)}|${name}`, 'not_collected', message)
  }

  #unlistedGap(set: number, policy: ManagedPolicy): Unknown {
    const arn = text(policy.Arn)
    const message = `the document of ${arn} of ${this.#name(set)} was not collected, and it is not among the AWS managed policies known to this version`
    return this.#policyGap(managedDataset, set, `${this.#key(set)}|${arn}`, 'not_collected', message)
  }

  #list(dataset: string, set: number, rows: Map<number, Facts[]>, read: (row: Facts) => unknown): List {
    const items = (rows.get(set) ?? emptyList).map(row => read(row as Facts))
    return closedOr(items, this.#partGap(dataset, set))
  }

  /** The gap that hides a set's part of a dataset; a whole gap that only speaks of unknown sets hides nothing of a known one. */
  #partGap(dataset: string, set: number): Unknown | undefined {
    const gaps = this.#gaps
    const own = gaps.part(dataset, this.#key(set)) ?? gaps.rows(dataset).get(this.#key(set))
    if (own !== undefined) return own
    const isKnown = this.#sets.isPresent(set) || this.#details.has(set)
    if (!isKnown) return gaps.whole(dataset) ?? this.#sets.absence(set, gaps)
    return gaps.isExplainedByParents(dataset) ? undefined : gaps.whole(dataset)
  }

  #rowMissing(dataset: string, set: number): Unknown {
    const message = `the answer to ${datasets[dataset]?.action} for ${this.#key(set)} is missing from the snapshot`
    return this.#policyGap(dataset, set, null, 'not_collected', message)
  }

  /** Each gap of our own making is one object, however often it is met. */
  #policyGap(dataset: string, set: number, key: string | null, reason: GapReason, message: string): Unknown {
    const name = `${dataset} ${set} ${key ?? ''} ${message}`
    let unknown = this.#unlisted.get(name)
    if (unknown === undefined) {
      const gap = this.#gaps.absent(dataset, this.#key(set), reason, message, key)
      const isDocument =
        reason === 'not_collected' &&
        (dataset === managedDataset || dataset === customerDataset || (dataset === boundaryDataset && key !== null))
      const action = reason === 'invalid_answer' ? null : isDocument ? 'iam:GetPolicyVersion' : gap.action
      unknown = new Unknown([{ ...gap, action }])
      this.#unlisted.set(name, unknown)
    }
    return unknown
  }

  #key(set: number): string {
    return this.#sets.keys[set]!
  }

  #name(set: number): string {
    const name = this.#details.get(set)?.Name
    return typeof name === 'string' ? name : this.#key(set)
  }
}

const admin: Escalation = { kind: 'can_escalate', titles: ['administrator access'], why: null }

function none(reason: string): SetClassification {
  return { kind: 'none', reason, why: null }
}

function text(value: string | Unknown | Json): string {
  return typeof value === 'string' ? value : '(not known)'
}

function push(map: Map<number, Facts[]>, set: number, facts: Facts): void {
  const list = map.get(set)
  if (list === undefined) map.set(set, [facts])
  else list.push(facts)
}
