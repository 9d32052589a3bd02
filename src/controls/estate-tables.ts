import type { Facts, StoredEdges, StoredResource } from '../model.ts'
import { IntColumn } from './columns.ts'
import { AccountAssignmentColumns, ApplicationAssignmentColumns } from './edges.ts'
import { EntityTable } from './entity-table.ts'
import type { GapIndex } from './gap-index.ts'
import { Instants } from './instants.ts'
import { DatasetRows } from './rows.ts'

export const memberships = 'identitystore.group_memberships'
export const accountAssignments = 'sso.account_assignments'
export const applicationAssignments = 'sso.application_assignments'

/**
 * The rows of one source that link people, groups, permission sets, accounts and applications, as tables and columns of integers.
 * Rows may come in any order.
 */
export class EstateTables {
  readonly gaps: GapIndex
  readonly users = new EntityTable('identitystore.users', { member: 'UserStatus', changedAt: 'UpdatedAt' })
  readonly groups = new EntityTable('identitystore.groups')
  readonly permissionSets = new EntityTable('sso.permission_set_arns')
  readonly accounts = new EntityTable('organizations.accounts', { member: 'State', changedAt: null })
  readonly applications = new EntityTable('sso.applications')
  readonly accountAssignments: AccountAssignmentColumns
  readonly applicationAssignments: ApplicationAssignmentColumns
  readonly memberships = { groups: new IntColumn(), users: new IntColumn(), since: new IntColumn() }
  readonly assignmentSince = new IntColumn()
  readonly instants = new Instants()
  readonly provisioned: DatasetRows
  readonly outdated: DatasetRows
  readonly setTags: DatasetRows
  readonly applicationConfigurations: DatasetRows
  readonly crossChecks: Facts[] = []

  constructor(gaps: GapIndex) {
    this.gaps = gaps
    this.accountAssignments = new AccountAssignmentColumns(this.users, this.groups, this.accounts, this.permissionSets)
    this.applicationAssignments = new ApplicationAssignmentColumns(this.users, this.groups)
    this.provisioned = new DatasetRows('sso.provisioned_accounts', gaps)
    this.outdated = new DatasetRows('sso.outdated_provisioned_accounts', gaps)
    this.setTags = new DatasetRows('sso.tags', gaps)
    this.applicationConfigurations = new DatasetRows('sso.application_assignment_configurations', gaps)
  }

  /** Takes a row when it belongs here. */
  take(row: StoredResource): boolean {
    switch (row.dataset) {
      case memberships:
        if (!this.#addMembership(row)) this.#addMalformed(row)
        return true
      case accountAssignments:
        if (!this.#addAccountAssignment(row)) this.#addMalformed(row)
        return true
      case applicationAssignments:
        if (!this.#addApplicationAssignment(row.facts)) this.#addMalformed(row)
        return true
      case 'identitystore.users':
        this.users.add(row)
        return true
      case 'identitystore.groups':
        this.groups.add(row)
        return true
      case 'organizations.accounts':
        this.accounts.add(row)
        return true
      case 'sso.permission_set_arns':
        this.permissionSets.add(row)
        return true
      case 'sso.applications':
        this.applications.add(row)
        return true
      case 'sso.provisioned_accounts':
        this.provisioned.add(row)
        return true
      case 'sso.outdated_provisioned_accounts':
        this.outdated.add(row)
        return true
      case 'sso.tags':
        this.setTags.add(row, row.key.slice(0, row.key.lastIndexOf('|')))
        return true
      case 'sso.application_assignment_configurations':
        this.applicationConfigurations.add(row)
        return true
      case 'evidenced.cross_checks':
        this.crossChecks.push(row.facts)
        return true
      default:
        return false
    }
  }

  /** Takes rows that come as columns. */
  takeEdges(edges: StoredEdges): void {
    const { dataset, count, parents, parentOf, ids, idOf, isUser, seenOf } = edges
    const since = edges.seen.map(each => this.instants.of(each))
    const user = numbering(this.users, ids)
    const group = numbering(this.groups, ids)
    const principal = (row: number) => (isUser[row] === 1 ? user : group)(idOf[row]!)
    if (dataset === memberships) {
      const parent = numbering(this.groups, parents)
      for (let row = 0; row < count; row++) {
        this.memberships.groups.push(parent(parentOf[row]!))
        this.memberships.users.push(principal(row))
        this.memberships.since.push(since[seenOf[row]!]!)
      }
    } else if (dataset === applicationAssignments) {
      const parent = numbering(this.applications, parents)
      for (let row = 0; row < count; row++)
        this.applicationAssignments.addBetween(parent(parentOf[row]!), isUser[row] === 1, principal(row))
    } else {
      // a part of account assignments is the pair that was asked about: `account|permission set`
      const account = numbering(this.accounts, parents, pair => pair.slice(0, pair.indexOf('|')))
      const set = numbering(this.permissionSets, parents, pair => pair.slice(pair.indexOf('|') + 1))
      for (let row = 0; row < count; row++) {
        const pair = parentOf[row]!
        this.accountAssignments.addBetween(account(pair), set(pair), isUser[row] === 1, principal(row))
        this.assignmentSince.push(since[seenOf[row]!]!)
      }
    }
  }

  /** Makes members of what is known by its key alone. */
  addUnreadKeys(): void {
    for (const table of [this.users, this.groups, this.permissionSets, this.accounts, this.applications]) {
      for (const key of this.gaps.rows(table.dataset).keys()) table.addUnread(key)
    }
  }

  #addMembership(row: StoredResource): boolean {
    const { GroupId, MemberId } = row.facts
    const userId = typeof MemberId === 'object' && MemberId !== null && 'UserId' in MemberId ? MemberId.UserId : undefined
    if (typeof GroupId !== 'string' || typeof userId !== 'string') return false
    this.memberships.groups.push(this.groups.number(GroupId))
    this.memberships.users.push(this.users.number(userId))
    this.memberships.since.push(this.instants.of(row))
    return true
  }

  #addAccountAssignment(row: StoredResource): boolean {
    const { AccountId, PermissionSetArn, PrincipalType, PrincipalId } = row.facts
    if (typeof AccountId !== 'string' || typeof PermissionSetArn !== 'string') return false
    if (typeof PrincipalType !== 'string' || typeof PrincipalId !== 'string') return false
    const account = this.accounts.number(AccountId)
    this.accountAssignments.add(account, this.permissionSets.number(PermissionSetArn), PrincipalType, PrincipalId)
    this.assignmentSince.push(this.instants.of(row))
    return true
  }

  #addApplicationAssignment({ ApplicationArn, PrincipalType, PrincipalId }: Facts): boolean {
    if (typeof ApplicationArn !== 'string' || typeof PrincipalType !== 'string' || typeof PrincipalId !== 'string') return false
    this.applicationAssignments.add(this.applications.number(ApplicationArn), PrincipalType, PrincipalId)
    return true
  }

  /** A row that lacks what links it: the part it came from is not known completely. */
  #addMalformed(row: StoredResource): void {
    const message = `row ${row.key} of ${row.dataset} lacks the members that say whom it links`
    this.gaps.add({ ...this.gaps.absent(row.dataset, row.parent, 'invalid_answer', message), action: null })
  }
}

/** Numbers of texts in a table, each looked up once and only when it is asked for. @param keyOf of a text; itself when left out */
function numbering(
  table: EntityTable,
  texts: readonly string[],
  keyOf: (text: string) => string = text => text,
): (index: number) => number {
  const known = new Int32Array(texts.length).fill(-1)
  return index => {
    if (known[index] === -1) known[index] = table.number(keyOf(texts[index]!))
    return known[index]!
  }
}
