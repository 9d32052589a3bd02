import { compareBytes } from '../digest.ts'
import type { Exception, ImportedRows, Kept, Snapshot } from '../model.ts'
import { sortedByKey } from './byte-order.ts'
import { type Changes, historyOf } from './changes.ts'
import { type CollectedSurroundings, collectedOf } from './collected.ts'
import { type CollectorSurroundings, collectorRoles } from './collector-role.ts'
import { assignmentOrder } from './edge-order.ts'
import { itemsOf } from './effective.ts'
import type { Entitlements } from './entitlements.ts'
import type { Entity } from './entity.ts'
import { sortByKey } from './entity-table.ts'
import type { Objects } from './estate-links.ts'
import type { EstateTables } from './estate-tables.ts'
import type { GapIndex } from './gap-index.ts'
import type { IamEstate } from './iam-estate.ts'
import type { InstanceRows } from './instance.ts'
import { KeptException } from './kept-exception.ts'
import { StoredSnapshot } from './kept-snapshot.ts'
import type { OrganizationRows } from './organization.ts'
import type { Past } from './past.ts'
import type { People } from './people.ts'
import type { PermissionSetPolicies } from './permission-set-policies.ts'
import { Provisioning, type ProvisioningSurroundings } from './provisioning.ts'
import { type ReconciliationSurroundings, reconciliations } from './reconciliation.ts'
import type { DatasetRows } from './rows.ts'

/** What populations ask of the estate. */
export interface PopulationSurroundings
  extends EstateTables,
    Objects,
    CollectedSurroundings,
    CollectorSurroundings,
    ProvisioningSurroundings,
    ReconciliationSurroundings {
  readonly gaps: GapIndex
  readonly iam: IamEstate
  readonly outdated: DatasetRows
  readonly source: string
  readonly snapshot: Snapshot
  readonly imports: readonly ImportedRows[]
  readonly past: Past | null
  readonly kept: Kept | null
  readonly exceptions: readonly Exception[] | null
  readonly policies: PermissionSetPolicies
  readonly people: People
  readonly instances: InstanceRows
  readonly organizations: OrganizationRows
  readonly changes: Changes | null
  readonly entitlements: Entitlements
}

/** Populations that are one list of numbers; `assignment` is two of them. */
export type PopulationName =
  | 'user'
  | 'group'
  | 'permissionSet'
  | 'account'
  | 'application'
  | 'accountAssignment'
  | 'applicationAssignment'

/** The members of every resource type of one source, each the same object whenever it is asked for. */
export class Populations {
  readonly #estate: PopulationSurroundings
  readonly #orders = new Map<PopulationName, Int32Array>()
  readonly #members = new Map<string, readonly Entity[]>()
  readonly #pairs = new Map<string, Provisioning>()
  #assignments: Int32Array | null = null

  constructor(estate: PopulationSurroundings) {
    this.#estate = estate
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

  /** All assignments in the byte order of their keys: rows of account assignments, and -1 - row for those of applications. */
  assignments(): Int32Array {
    this.#assignments ??= this.#merge()
    return this.#assignments
  }

  /** Members of a population that is not kept in columns, in the byte order of their keys; undefined for those that are. */
  members(resource: string): readonly Entity[] | undefined {
    let members = this.#members.get(resource)
    if (members === undefined) {
      const found = this.#find(resource)
      if (found === undefined) return undefined
      members = sortedByKey(found)
      this.#members.set(resource, members)
    }
    return members
  }

  #find(resource: string): readonly Entity[] | undefined {
    const estate = this.#estate
    switch (resource) {
      case 'principal':
        return [...this.#present('user'), ...this.#present('group')]
      case 'provisioning':
        return [...estate.provisioned.all()].map(({ key }) => this.#pair(key))
      case 'person':
        return estate.people.all
      case 'iamPerson':
        return estate.gaps.whole('import.roster') === undefined && estate.iam.isCollected ? estate.people.all : []
      case 'rosteredUser':
        return estate.gaps.whole('import.roster') === undefined ? this.#present('user') : []
      case 'attestedInstance':
        return estate.gaps.whole('import.attestations') === undefined ? itemsOf(estate.instances.instances()) : []
      case 'instance':
        return itemsOf(estate.instances.instances())
      case 'organization':
        return itemsOf(estate.organizations.organizationList())
      case 'delegation':
        return itemsOf(estate.organizations.delegationList())
      case 'entitlement':
        return estate.entitlements.all()
      case 'storedSnapshot': {
        const { kept } = estate
        return kept === null ? [] : kept.snapshots.map(each => new StoredSnapshot(estate, kept, each))
      }
      case 'exception':
        return (estate.exceptions ?? [])
          .filter(({ scope }) => scope.source === null || scope.source === estate.source)
          .map(each => new KeptException(estate, each))
      case 'reconciliation':
        return reconciliations(estate, estate.snapshot, estate.past?.previous ?? null, estate.crossChecks)
      case 'collectorRole':
        return collectorRoles(estate, estate.snapshot.callers)
      case 'collected':
        return collectedOf(estate, estate.snapshot, estate.imports)
      default:
        return resource in historyOf ? (estate.changes?.members(resource) ?? []) : estate.iam.members(resource)
    }
  }

  /** There are few of applications: each looks for its place among those of accounts. */
  #merge(): Int32Array {
    const estate = this.#estate
    const direct = this.order('accountAssignment')
    const applications = this.order('applicationAssignment')
    const merged = new Int32Array(direct.length + applications.length)
    let taken = 0
    applications.forEach((row, index) => {
      const { key } = estate.applicationAssignment(row)
      let [low, high] = [taken, direct.length]
      while (low < high) {
        const middle = (low + high) >>> 1
        if (compareBytes(estate.accountAssignments.key(direct[middle]!), key) < 0) low = middle + 1
        else high = middle
      }
      merged.set(direct.subarray(taken, low), taken + index)
      merged[low + index] = -1 - row
      taken = low
    })
    merged.set(direct.subarray(taken), taken + applications.length)
    return merged
  }

  #pair(key: string): Provisioning {
    let pair = this.#pairs.get(key)
    if (pair === undefined) {
      pair = new Provisioning(this.#estate, key)
      this.#pairs.set(key, pair)
    }
    return pair
  }

  #present(resource: 'user' | 'group'): readonly Entity[] {
    return Array.from(this.order(resource), number => this.#estate[resource](number))
  }

  #sort(resource: PopulationName): Int32Array {
    const estate = this.#estate
    switch (resource) {
      case 'user':
        return estate.users.order()
      case 'group':
        return estate.groups.order()
      case 'account':
        return estate.accounts.order()
      case 'application':
        return estate.applications.order()
      case 'permissionSet': {
        const { permissionSets, policies } = estate
        const sets = Int32Array.from(permissionSets.keys.keys()).filter(set =>
          permissionSets.isPresent(set) ? policies.exists(set) : policies.details(set) !== undefined,
        )
        return sortByKey(sets, set => permissionSets.keys[set]!)
      }
      case 'accountAssignment':
        return (
          assignmentOrder(estate.accountAssignments, estate) ??
          sortByKey(everyRow(estate.accountAssignments.length), row => estate.accountAssignments.key(row))
        )
      case 'applicationAssignment':
        return sortByKey(everyRow(estate.applicationAssignments.length), row => estate.applicationAssignment(row).key)
    }
  }
}

function everyRow(count: number): Int32Array {
  return Int32Array.from(Array(count).keys())
}
