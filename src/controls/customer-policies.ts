import type { StoredResource } from '../model.ts'
import type { List } from './entity.ts'
import type { EstateTables } from './estate-tables.ts'
import type { IamEstate } from './iam-estate.ts'
import type { OwnGaps } from './own-gaps.ts'
import type { PolicyDocument } from './policy-document.ts'
import { closedOr } from './rows.ts'
import { joinGaps, Undecided, type Unknown } from './values.ts'

/** Name and path of what a permission set needs to find in an account, and why there may be more. */
export interface Needs {
  readonly names: readonly { readonly name: string; readonly path: string }[]
  readonly why: Unknown | undefined
}

/** Customer managed policies that permission sets name, as they lie in the member accounts. */
export class CustomerPolicies {
  readonly #tables: EstateTables
  readonly #iam: IamEstate
  readonly #own: OwnGaps

  constructor(tables: EstateTables, iam: IamEstate, own: OwnGaps) {
    this.#tables = tables
    this.#iam = iam
    this.#own = own
  }

  /**
   * The documents of a policy in the accounts a set is provisioned to, each different one once; null when no account tells.
   */
  documents(
    setArn: string,
    name: string,
    path: string,
  ): { readonly documents: readonly PolicyDocument[]; readonly why: Unknown | null } | null {
    const { provisioned } = this.#tables
    if (provisioned.partGap(setArn) !== undefined) return null
    return this.#iam.customerDocuments(provisioned.of(setArn).map(accountOfPair), name, path)
  }

  /** What a set needs to find in an account and that account does not have. */
  missing({ names, why }: Needs, accountId: string): List {
    const gaps: Unknown[] = why === undefined ? [] : [why]
    const missing: string[] = []
    const account = this.#iam.account(accountId)
    for (const { name, path } of names) {
      const found = account === undefined ? this.#notCollected(accountId) : account.customerPolicy(name, path)
      if (found === null) missing.push(`${path}${name}`)
      else if (found instanceof Undecided) gaps.push(found)
    }
    return closedOr(missing, gaps.length === 0 ? undefined : gaps.reduce(joinGaps))
  }

  #notCollected(accountId: string): Unknown {
    const message = `IAM of account ${accountId} is not collected`
    return this.#own.once(this.#tables.gaps.absent('iam.managed_policies', '', 'not_collected', message))
  }
}

/** `setArn|accountId` */
function accountOfPair({ key }: StoredResource): string {
  return key.slice(key.lastIndexOf('|') + 1)
}
