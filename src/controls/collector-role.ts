import type { Caller } from '../model.ts'
import { type AccessLevels, writing } from './access-level.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import type { IamRole } from './iam-principals.ts'
import { closedOr } from './rows.ts'
import { joinGaps, Undecided, Unknown } from './values.ts'

/** What the roles of the collector ask of the estate. */
export interface CollectorSurroundings extends Surroundings {
  readonly accessLevels: AccessLevels
  /** a role by account and name; a gap where its account's IAM was not read, or no such role was listed */
  roleOf(accountId: string, name: string): IamRole | Unknown
}

const assumed = /^arn:[a-z-]+:sts::(\d{12}):assumed-role\/(?:.*\/)?([^/]+)\/[^/]+$/

/** The different roles that asked for a snapshot. A caller that is no role (a user, or root) stands for itself. */
export function collectorRoles(estate: CollectorSurroundings, callers: readonly Caller[]): readonly CollectorRole[] {
  const found = callers.map(({ arn }) => {
    const [, accountId, name] = assumed.exec(arn) ?? []
    return new CollectorRole(estate, accountId === undefined || name === undefined ? null : { accountId, name }, arn)
  })
  return [...new Map(found.map(each => [each.key, each])).values()]
}

/** A role that the collector used. */
export class CollectorRole extends Entity {
  declare readonly estate: CollectorSurroundings
  readonly key: string
  readonly isRole: boolean
  readonly #named: { readonly accountId: string; readonly name: string } | null

  constructor(estate: CollectorSurroundings, named: { readonly accountId: string; readonly name: string } | null, arn: string) {
    super(estate, 0)
    this.key = named === null ? arn : `${named.accountId}|${named.name}`
    this.isRole = named !== null
    this.#named = named
  }

  get typeName(): string {
    return 'CollectorRole'
  }
  get name(): string {
    return this.#named === null ? this.key : `${this.#named.name} in ${this.#named.accountId}`
  }

  writesBeyond(allowed: readonly string[]): List {
    if (this.#named === null) return ['*']
    const role = this.estate.roleOf(this.#named.accountId, this.#named.name)
    if (role instanceof Undecided) return closedOr([], role)
    const { grants } = role
    const { writes, untold } = writing(grants, allowed, this.estate.accessLevels)
    const gaps = [...grants.unread, ...untold.map(pattern => this.#untold(pattern))]
    return closedOr(writes, gaps.length === 0 ? undefined : gaps.slice(0, 20).reduce(joinGaps))
  }

  #untold(pattern: string): Unknown {
    const dataset = 'evidenced.access_levels'
    const message = `whether ${pattern} only reads is not known to this version`
    return new Unknown([this.estate.gaps.absent(dataset, pattern, 'not_collected', message)])
  }
}
