import type { Facts, Gap, ImportedRows, StoredState } from '../model.ts'
import { type AssignmentIds, adminGrantDatasets, adminGrants, type GrantSurroundings } from './admin-grant.ts'
import { Approvals, type Nameable } from './approvals.ts'
import { itemsOf } from './effective.ts'
import type { Entity, List } from './entity.ts'
import type { GapIndex } from './gap-index.ts'
import { type KnownIdentity, type LeaverSurroundings, leaverDatasets, leavers } from './leaver.ts'
import { type NewIdentitySurroundings, newIdentities, newIdentityDatasets } from './new-identity.ts'
import { type OrganizationChangeSurroundings, organizationChangeDatasets, organizationChanges } from './organization-change.ts'
import type { Past } from './past.ts'
import { PastSets, type PresentSets, pastSetDatasets } from './past-sets.ts'
import type { Identity, Person } from './people.ts'
import { closedOr } from './rows.ts'
import { setChanges, setDatasets } from './set-change.ts'
import { timeText, Unknown } from './values.ts'

/** What changes ask of the estate as it is now. */
export interface Present extends PresentSets {
  readonly gaps: GapIndex
  readonly asOf: Date
  readonly imports: readonly ImportedRows[]
  readonly everyone: readonly Person[]
  notSent(dataset: string, key: string, member: string): Unknown
  invalid(dataset: string, key: string, message: string): Unknown
  setArns(): Iterable<string>
  assignmentsOfPairs(pairs: ReadonlySet<string>): Iterable<AssignmentIds>
  assignmentsOfGroupId(groupId: string): Iterable<AssignmentIds>
  assignmentsOfSetArn(arn: string): Iterable<AssignmentIds>
  memberIds(groupId: string): Iterable<string>
  groupIds(userId: string): ReadonlySet<string>
  /** as an approval may name it; facts of the past for what is gone */
  nameable(kind: 'user' | 'group' | 'permissionSet' | 'account', id: string, past: Facts | undefined): Nameable
  usersById(id: string): List
  peopleOf(user: Identity): List
  identitiesOf(person: Person): List
  goneIdentity(key: string, facts: Facts): KnownIdentity
  /** facts of a policy of Organizations that is there */
  policyFacts(id: string): Facts | undefined
}

/** Datasets whose earlier states a resource type is made of; absent for types that only look at the present. */
export const historyOf: { readonly [resource: string]: readonly string[] } = {
  adminGrant: [...new Set([...adminGrantDatasets, ...pastSetDatasets, 'identitystore.users', 'identitystore.groups'])],
  permissionSetChange: setDatasets,
  leaver: leaverDatasets,
  newIdentity: newIdentityDatasets,
  organizationChange: organizationChangeDatasets,
}

type ChangeResource = keyof typeof historyOf

/** What is not as it was in the earlier snapshots of the period. */
export class Changes implements GrantSurroundings, NewIdentitySurroundings, OrganizationChangeSurroundings, LeaverSurroundings {
  readonly approvals: Approvals
  readonly pastSets: PastSets
  readonly #past: Past
  readonly #present: Present
  readonly #made = new Map<ChangeResource, { readonly members: readonly Entity[]; readonly unproven: readonly StoredState[] }>()
  readonly #unknown = new Map<string, Unknown>()

  constructor(past: Past, present: Present) {
    this.#past = past
    this.#present = present
    this.approvals = new Approvals(present.imports.find(({ kind }) => kind === 'approvals'))
    this.pastSets = new PastSets(past, present)
  }

  members(resource: ChangeResource): readonly Entity[] {
    return this.#of(resource).members
  }

  /** Things that are new to us and may be older: the first snapshot of the period could not see them. */
  unread(resource: ChangeResource): ReadonlyMap<string, readonly Gap[]> {
    const byDataset = Map.groupBy(this.#of(resource).unproven, state => state.dataset)
    return new Map([
      ...[...byDataset].map(
        ([dataset, states]) => [dataset, states.flatMap(({ key }) => this.unproven(dataset, key).gaps)] as const,
      ),
      ...this.#disposed(resource),
    ])
  }

  /** Datasets of which earlier states are no longer kept: nobody can say what changed, so no change made of them is judged. */
  #disposed(resource: ChangeResource): (readonly [string, readonly Gap[]])[] {
    return historyOf[resource]!.flatMap(dataset => {
      const gone = this.#past.disposed(dataset)
      return gone.length === 0
        ? []
        : [[dataset, gone.map(({ key, why }) => this.gaps.absent(dataset, '', 'disposed', why, key))] as const]
    })
  }

  #of(resource: ChangeResource) {
    let made = this.#made.get(resource)
    if (made === undefined) {
      const isJudged = this.#past.isComparable && this.#isJudged(resource) && this.#disposed(resource).length === 0
      made = isJudged ? this.#make(resource) : { members: [], unproven: [] }
      this.#made.set(resource, made)
    }
    return made
  }

  #isJudged(resource: ChangeResource): boolean {
    return this.gaps.whole(resource === 'leaver' ? 'import.roster' : 'import.approvals') === undefined
  }

  #make(resource: ChangeResource): { readonly members: readonly Entity[]; readonly unproven: readonly StoredState[] } {
    switch (resource) {
      case 'adminGrant':
        return { members: adminGrants(this, this.#past), unproven: [] }
      case 'permissionSetChange':
        return setChanges(this, this.#past, arn => this.#wordFor(this.setNamed(arn)))
      case 'leaver':
        return { members: leavers(this, this.#past, this.#present.everyone, this.#present.asOf), unproven: [] }
      case 'newIdentity':
        return newIdentities(this, this.#past)
      default:
        return organizationChanges(this, this.#past)
    }
  }

  #wordFor({ id, name }: Nameable): string {
    return typeof name === 'string' ? name : id
  }

  unproven(dataset: string, key: string): Unknown {
    const name = `${dataset} ${key}`
    let unknown = this.#unknown.get(name)
    if (unknown === undefined) {
      const from = timeText(this.#past.sealedAt(this.#past.first))
      const message = `${key} of ${dataset} could not be seen in every snapshot since ${from}`
      unknown = new Unknown([this.gaps.absent('history.snapshots', '', 'not_collected', message, `${dataset} ${key}`)])
      this.#unknown.set(name, unknown)
    }
    return unknown
  }

  get gaps(): GapIndex {
    return this.#present.gaps
  }
  notSent(dataset: string, key: string, member: string): Unknown {
    return this.#present.notSent(dataset, key, member)
  }
  invalid(dataset: string, key: string, message: string): Unknown {
    return this.#present.invalid(dataset, key, message)
  }
  setArns(): Iterable<string> {
    return this.#present.setArns()
  }
  assignmentsOfPairs(pairs: ReadonlySet<string>): Iterable<AssignmentIds> {
    return this.#present.assignmentsOfPairs(pairs)
  }
  assignmentsOfGroupId(groupId: string): Iterable<AssignmentIds> {
    return this.#present.assignmentsOfGroupId(groupId)
  }
  assignmentsOfSetArn(arn: string): Iterable<AssignmentIds> {
    return this.#present.assignmentsOfSetArn(arn)
  }
  memberIds(groupId: string): Iterable<string> {
    return this.#present.memberIds(groupId)
  }
  groupIds(userId: string): ReadonlySet<string> {
    return this.#present.groupIds(userId)
  }
  userNamed(id: string): Nameable {
    return this.#present.nameable('user', id, this.#lastFacts('identitystore.users', id))
  }
  groupNamed(id: string): Nameable {
    return this.#present.nameable('group', id, this.#lastFacts('identitystore.groups', id))
  }
  setNamed(arn: string): Nameable {
    return this.#present.nameable('permissionSet', arn, this.#lastFacts('sso.permission_sets', arn))
  }
  accountNamed(id: string): Nameable {
    return this.#present.nameable('account', id, this.#lastFacts('organizations.accounts', id))
  }
  usersById(id: string): List {
    return this.#present.usersById(id)
  }
  peopleOf(identity: Identity): List {
    return this.#present.peopleOf(identity)
  }
  peopleOfId(userId: string): List {
    const roster = this.gaps.whole('import.roster')
    if (roster !== undefined) return closedOr([], roster)
    const [user] = itemsOf<Identity>(this.usersById(userId))
    return user === undefined ? [] : this.peopleOf(user)
  }
  identitiesOf(person: Person): List {
    return this.#present.identitiesOf(person)
  }
  goneIdentity(key: string, facts: Facts): KnownIdentity {
    return this.#present.goneIdentity(key, facts)
  }
  policyType(id: string): string | null {
    const facts = this.#present.policyFacts(id) ?? this.#lastFacts('organizations.policies', id)
    return typeof facts?.Type === 'string' ? facts.Type : null
  }

  #lastFacts(dataset: string, key: string): Facts | undefined {
    return this.#past.timeline(dataset, key)?.at(-1)?.facts
  }
}
