import { GhostAccountAssignment, GhostApplicationAssignment } from './assignments.ts'
import type { GapIndex } from './gap-index.ts'
import { PermissionSet } from './permission-set.ts'
import { Account, type Application } from './targets.ts'
import { joinGaps, Unknown } from './values.ts'

/** Above so many ghosts a list is merely open: looping over them for every user would cost more than their precision is worth. */
export const mostGhosts = 256

const accountAssignments = 'sso.account_assignments'
const applicationAssignments = 'sso.application_assignments'
const permissionSetArns = 'sso.permission_set_arns'
const provisioned = 'sso.provisioned_accounts'

/** Things by the names that gaps give them. */
export interface Named {
  readonly gaps: GapIndex
  account(id: string): Account
  permissionSet(arn: string): PermissionSet
  application(arn: string): Application
}

/**
 * What the gaps of a source leave possible: an unread pair is assignments of a known set on a known account to nobody knows whom;
 * a set whose accounts may not be listed, of a known set; an unread list of sets, of anything.
 */
export function accountGhosts(named: Named): Ghosts {
  const { gaps } = named
  const ghosts: GhostAccountAssignment[] = []
  for (const unread of [gaps.parts(accountAssignments), gaps.rows(accountAssignments)]) {
    for (const [pair, why] of unread) {
      const [accountId, arn] = pair.split('|')
      const isPair = accountId !== undefined && arn !== undefined
      const account = isPair ? named.account(accountId) : why
      const set = isPair ? named.permissionSet(arn) : why
      ghosts.push(new GhostAccountAssignment(account, set, why))
    }
  }
  for (const [arn, why] of gaps.parts(provisioned)) {
    ghosts.push(new GhostAccountAssignment(why, named.permissionSet(arn), why))
  }
  for (const dataset of [permissionSetArns, provisioned, accountAssignments]) {
    const why = dataset === permissionSetArns ? gaps.list(dataset) : gaps.whole(dataset)
    if (why !== undefined && !gaps.isExplainedByParents(dataset)) ghosts.push(new GhostAccountAssignment(why, why, why))
  }
  return new Ghosts(ghosts)
}

export function applicationGhosts(named: Named): readonly GhostApplicationAssignment[] {
  const { gaps } = named
  const ghosts: GhostApplicationAssignment[] = []
  for (const unread of [gaps.parts(applicationAssignments), gaps.rows(applicationAssignments)]) {
    for (const [key, why] of unread) {
      const application = named.application(key.split('|')[0]!)
      ghosts.push(new GhostApplicationAssignment(application, why))
    }
  }
  const whole = gaps.isExplainedByParents(applicationAssignments) ? undefined : gaps.whole(applicationAssignments)
  for (const why of [gaps.list('sso.applications'), whole]) {
    if (why !== undefined) ghosts.push(new GhostApplicationAssignment(why, why))
  }
  if (ghosts.length <= mostGhosts) return ghosts
  const why = joinWhy(ghosts)
  return [new GhostApplicationAssignment(why, why)]
}

/** Account assignments that may exist, by where they may be. */
export class Ghosts {
  /** for a user or group: any of them may be theirs */
  readonly merged: readonly GhostAccountAssignment[]
  /** true when one of them stands for more than one assignment of a user */
  readonly areMany: boolean
  readonly why: Unknown
  readonly #byAccount = new Map<number, GhostAccountAssignment[]>()
  readonly #anyAccount: GhostAccountAssignment[] = []
  readonly #bySet = new Map<number, GhostAccountAssignment[]>()
  readonly #anySet: GhostAccountAssignment[] = []

  constructor(all: readonly GhostAccountAssignment[]) {
    for (const ghost of all) {
      const { account, permissionSet } = ghost
      if (account instanceof Account) collect(this.#byAccount, account.number, ghost)
      else this.#anyAccount.push(ghost)
      if (permissionSet instanceof PermissionSet) collect(this.#bySet, permissionSet.number, ghost)
      else this.#anySet.push(ghost)
    }
    this.why = joinWhy(all)
    this.merged = merge(all, this.why)
    this.areMany = this.merged.some(({ account }) => !(account instanceof Account))
  }

  ofAccount(account: number): readonly GhostAccountAssignment[] {
    return this.#anyAccount.concat(this.#byAccount.get(account) ?? [])
  }

  ofSet(set: number): readonly GhostAccountAssignment[] {
    return this.#anySet.concat(this.#bySet.get(set) ?? [])
  }
}

function collect(map: Map<number, GhostAccountAssignment[]>, key: number, ghost: GhostAccountAssignment): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [ghost])
  else list.push(ghost)
}

const noGap = new Unknown([])

export function joinWhy(ghosts: readonly { readonly why: Unknown }[]): Unknown {
  return ghosts.reduce((why, ghost) => (why === noGap ? ghost.why : joinGaps(why, ghost.why)), noGap)
}

/** Too many to be asked one by one: first one for each permission set, then one for all. */
function merge(ghosts: readonly GhostAccountAssignment[], why: Unknown): readonly GhostAccountAssignment[] {
  if (ghosts.length <= mostGhosts) return ghosts
  const bySet = new Map(ghosts.map(ghost => [ghost.permissionSet, ghost] as const))
  if (bySet.size > mostGhosts) return [new GhostAccountAssignment(why, why, why)]
  return [...bySet].map(([set, ghost]) => new GhostAccountAssignment(ghost.why, set, ghost.why))
}
