import type { Facts, Json, StoredResource } from '../model.ts'
import type { Surroundings } from './entity.ts'
import type { GapIndex } from './gap-index.ts'
import type { ManagedPolicies, ManagedPolicyMeaning } from './managed-policies.ts'
import { isFullAccess, isFullDenial, type PolicyDocument, readDocument, readPolicy, type Statement } from './policy-document.ts'
import { DatasetRows } from './rows.ts'
import { Undecided, Unknown } from './values.ts'

/** What is known of one policy. */
export interface ReadPolicy {
  readonly statements: readonly Statement[]
  /** why more may be allowed than the statements say; null when they are all */
  readonly unread: Unknown | null
  /** why everything may be allowed; null when that is decided by the statements */
  readonly mayAllowAll: Unknown | null
}

const dataset = 'iam.policy_documents'

/** What the privileged policies of the reference list administer; their real documents say more. */
const administers: { readonly [policy: string]: readonly string[] } = {
  AWSOrganizationsFullAccess: ['organizations:*'],
  AWSSSODirectoryAdministrator: ['sso-directory:*', 'identitystore:*'],
  AWSSSOMasterAccountAdministrator: ['sso:*'],
  AWSSSOMemberAccountAdministrator: ['sso:*'],
  IAMFullAccess: ['iam:*'],
}

/** AWS managed policies: by their documents as collected, else by the reference list. */
export class PolicyDocuments {
  readonly #rows: DatasetRows
  readonly #estate: Surroundings
  readonly #known: ManagedPolicies
  readonly #documents = new Map<string, PolicyDocument | Unknown | null>()

  constructor(estate: Surroundings, gaps: GapIndex, known: ManagedPolicies) {
    this.#estate = estate
    this.#known = known
    this.#rows = new DatasetRows(dataset, gaps)
  }

  add(row: StoredResource): void {
    this.#rows.add(row)
  }

  /** A document as it was collected. */
  row(arn: string): StoredResource | undefined {
    return this.#rows.byKey(arn)
  }

  /** Whether the document itself can be read, and not only what the reference list makes of it. */
  isCollected(arn: string): boolean {
    const document = this.#collected(arn)
    return document !== null && !(document instanceof Undecided)
  }

  /** What the document of an AWS managed policy means; undefined for one that is neither collected nor listed. */
  meaningOf(arn: string): ManagedPolicyMeaning | undefined {
    const document = this.#collected(arn)
    const listed = this.#known.meaningOf(arn)
    if (document === null || document instanceof Undecided) return listed
    if (document.statements.some(isFullDenial)) return 'denies_everything'
    if (document.statements.some(isFullAccess)) return 'full_access'
    return listed === 'privileged' ? listed : 'limited'
  }

  /** The statements of an AWS managed policy, as far as they are known. */
  read(arn: string, name: string): ReadPolicy {
    const document = this.#collected(arn)
    if (document !== null && !(document instanceof Undecided)) {
      return { statements: document.statements, unread: null, mayAllowAll: null }
    }
    const meaning = this.#known.meaningOf(arn)
    const why = document ?? this.#uncollected(arn, name)
    if (meaning === undefined) return { statements: [], unread: why, mayAllowAll: why }
    const effect = meaning === 'denies_everything' ? 'Deny' : 'Allow'
    const isPart = meaning === 'privileged' || meaning === 'limited'
    const actions = isPart ? [...(administers[name] ?? []), ...this.#known.identityActionsOf(arn)] : ['*']
    const read = readDocument({ Statement: [{ Effect: effect, Action: actions, Resource: '*' }] }, name)
    const statements = 'malformed' in read ? [] : read.statements
    return { statements, unread: isPart ? why : null, mayAllowAll: null }
  }

  #uncollected(arn: string, name: string): Unknown {
    const why = this.#rows.absence(arn, arn)
    if (why?.gaps.some(gap => gap.reason !== 'not_collected')) return why
    return this.#once(arn, `the document of ${name} was not collected`)
  }

  readonly #made = new Map<string, Unknown>()
  #once(arn: string, message: string): Unknown {
    let unknown = this.#made.get(arn)
    if (unknown === undefined) {
      unknown = new Unknown([this.#estate.gaps.absent(dataset, '', 'not_collected', message, arn)])
      this.#made.set(arn, unknown)
    }
    return unknown
  }

  #collected(arn: string): PolicyDocument | Unknown | null {
    let document = this.#documents.get(arn)
    if (document === undefined) {
      const row = this.#rows.byKey(arn)
      document = row === undefined ? null : this.#parse(row.facts, arn)
      this.#documents.set(arn, document)
    }
    return document
  }

  #parse(facts: Facts, arn: string): PolicyDocument | Unknown {
    const read = readWritten(facts.Document, arn.split('/').at(-1) ?? arn)
    return 'malformed' in read
      ? this.#estate.invalid(dataset, arn, `the document of ${arn} is no policy: ${read.malformed}`)
      : read
  }
}

/** A document as text or as JSON. */
export function readWritten(written: Json | undefined, policy: string): PolicyDocument | { readonly malformed: string } {
  return typeof written === 'string' ? readPolicy(written, policy) : readDocument(written, policy)
}
