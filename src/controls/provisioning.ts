import { Entity, type List, type Surroundings } from './entity.ts'
import type { PermissionSet } from './permission-set.ts'
import type { DatasetRows } from './rows.ts'
import { Since, Undecided, type Unknown } from './values.ts'

/** What provisioned pairs ask of the estate. */
export interface ProvisioningSurroundings extends Surroundings {
  readonly outdated: DatasetRows
  setOfArn(arn: string): PermissionSet
  missingPolicies(setArn: string, accountId: string): List
}

/** A permission set that was brought into an account. */
export class Provisioning extends Entity {
  declare readonly estate: ProvisioningSurroundings
  readonly key: string

  /** @param key `setArn|accountId` */
  constructor(estate: ProvisioningSurroundings, key: string) {
    super(estate, 0)
    this.key = key
  }

  get typeName(): string {
    return 'Provisioning'
  }
  get PermissionSetArn(): string {
    return this.key.slice(0, this.key.lastIndexOf('|'))
  }
  get AccountId(): string {
    return this.key.slice(this.key.lastIndexOf('|') + 1)
  }
  get permissionSet(): PermissionSet {
    return this.estate.setOfArn(this.PermissionSetArn)
  }
  get name(): string {
    const { Name } = this.permissionSet
    return `${Name instanceof Undecided ? this.PermissionSetArn : Name} in ${this.AccountId}`
  }
  get isOutdated(): boolean | Unknown {
    const { outdated } = this.estate
    if (outdated.byKey(this.key) !== undefined) return true
    return outdated.absence(this.key, this.PermissionSetArn) ?? false
  }
  get outdatedSince(): Since | Unknown {
    const { outdated } = this.estate
    const row = outdated.byKey(this.key)
    if (row !== undefined) return new Since(row.firstSeenAt, !row.seenFromTheStart)
    return (
      outdated.absence(this.key, this.PermissionSetArn) ??
      this.estate.invalid(outdated.dataset, this.key, `${this.key} is not outdated`)
    )
  }
  get missingPolicies(): List {
    return this.estate.missingPolicies(this.PermissionSetArn, this.AccountId)
  }
}
