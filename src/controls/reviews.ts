import type { Facts, ImportedRows } from '../model.ts'
import { aliasesOf, endOf, fitsCell, isBy, type Nameable } from './approvals.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { GapIndex } from './gap-index.ts'
import { emptyList, joinGaps, OpenList, type Since, Undecided, type Unknown } from './values.ts'

/** What reviews ask of the estate: numbers for names, so that a million entitlements find their decisions by one look-up each. */
export interface ReviewSurroundings {
  readonly gaps: GapIndex
  readonly users: EntityTable
  readonly groups: EntityTable
  readonly permissionSets: EntityTable
  readonly accounts: EntityTable
  user(number: number): {
    readonly UserName: string | Unknown
    readonly primaryEmail: string | null | Unknown
    readonly DisplayName: string | null | Unknown
  }
  group(number: number): { readonly DisplayName: string | null | Unknown }
  permissionSet(number: number): { readonly Name: string | Unknown }
  account(number: number): { readonly Name: string | null | Unknown }
}

type Kind = 'user' | 'group' | 'permissionSet' | 'account'

/** What is reviewed: a membership, or an assignment of a set to a user or group. */
export interface Reviewed {
  readonly user: number | null
  readonly group: number | null
  readonly permissionSet: number | null
  readonly account: number | null
}

/** The imported decisions of access reviews, by what they decide about. */
export class Reviews {
  readonly #estate: ReviewSurroundings
  readonly #rows: readonly Facts[]
  #byThing: ByThing | null = null
  readonly #names = new Map<
    Kind,
    { readonly byName: ReadonlyMap<string, readonly number[]>; readonly unnamed: ReadonlySet<number> }
  >()

  constructor(estate: ReviewSurroundings, reviews: ImportedRows | undefined) {
    this.#estate = estate
    this.#rows = reviews?.rows ?? []
  }

  #index(): ByThing {
    const byThing: ByThing = new Map()
    for (const row of this.#rows) {
      for (const user of this.#numbers('user', row.user)) {
        for (const group of this.#numbers('group', row.group)) {
          for (const permissionSet of this.#numbers('permissionSet', row.permissionSet)) {
            const bySet = kept(byThing, principalsKey(user, group), () => new Map<number | null, Facts[]>())
            kept(bySet, permissionSet, () => [] as Facts[]).push(row)
          }
        }
      }
    }
    return byThing
  }

  /**
   * Decisions about a thing. One that names it by a name that could not be read is a ghost; an account's name that several have counts for
   * nothing. The last is the one that no other is surely later than; beside a last revoke no keep is.
   * @param since since when the thing is there
   */
  of(thing: Reviewed, since: Since): { readonly decisions: List; readonly ambiguous: boolean } {
    this.#byThing ??= this.#index()
    const named = this.#byThing.get(principalsKey(thing.user, thing.group))?.get(thing.permissionSet)
    const rows = this.#isUnnamed(thing) ? this.#rows : named
    if (rows === undefined || rows.length === 0) return none
    const sure: Facts[] = []
    const maybe: { readonly row: Facts; readonly why: Unknown }[] = []
    let ambiguous = false
    for (const row of rows) {
      const fits = this.#fits(row, thing)
      if (fits === 'yes') sure.push(row)
      else if (fits === 'ambiguous') ambiguous = true
      else if (fits !== 'no') maybe.push({ row, why: fits })
    }
    if (sure.length === 0 && maybe.length === 0) return ambiguous ? { decisions: emptyList, ambiguous } : none
    const newest = Math.max(...sure.map(beginOf))
    const isRevoked = sure.some(row => row.decision === 'revoke' && timeOf(row) >= newest)
    const isLast = (row: Facts) => timeOf(row) >= newest && !(isRevoked && row.decision === 'keep')
    const doubts = maybe.filter(({ row }) => timeOf(row) >= newest).map(({ why }) => why)
    const user = thing.user === null ? undefined : this.#nameable('user', thing.user)
    const decision = (row: Facts) => {
      const standsSince = row.decision === 'revoke' ? firstRevoke(sure, row, since) : timeOf(row)
      return new ReviewDecision(row, {
        ...{ user, since, standsSince },
        isLast: isLast(row) && (doubts.length === 0 || doubts.reduce(joinGaps)),
      })
    }
    const items = sure.map(decision)
    if (maybe.length === 0) return { decisions: items, ambiguous }
    const ghosts = maybe.map(({ row }) => decision(row))
    const why = maybe
      .map(each => each.why)
      .slice(0, 20)
      .reduce(joinGaps)
    return { decisions: new OpenList(items, ghosts, why, { isUnbounded: false, isOpen: false }), ambiguous }
  }

  #fits(row: Facts, thing: Reviewed): 'yes' | 'no' | 'ambiguous' | Unknown {
    const answers = (['user', 'group', 'permissionSet'] as const).map(kind => {
      const [cell, number] = [row[kind], thing[kind]]
      if (typeof cell !== 'string') return number === null ? 'yes' : 'no'
      return number === null ? 'no' : fitsCell(cell, this.#nameable(kind, number))
    })
    if (typeof row.account === 'string' && thing.account !== null)
      answers.push(fitsCell(row.account, this.#nameable('account', thing.account)))
    if (answers.includes('no')) return 'no'
    if (answers.includes('ambiguous')) return 'ambiguous'
    return answers.find(each => each instanceof Undecided) ?? 'yes'
  }

  #isUnnamed(thing: Reviewed): boolean {
    return (
      this.#isOneUnnamed('user', thing.user) ||
      this.#isOneUnnamed('group', thing.group) ||
      this.#isOneUnnamed('permissionSet', thing.permissionSet)
    )
  }

  #isOneUnnamed(kind: Kind, number: number | null): boolean {
    if (number === null) return false
    const { unnamed } = this.#namesOf(kind)
    return unnamed.size > 0 && unnamed.has(number)
  }

  /** Numbers a cell may mean; [null] for an empty one. */
  #numbers(kind: Kind, cell: unknown): readonly (number | null)[] {
    if (typeof cell !== 'string') return [null]
    const byId = this.#table(kind).find(cell)
    return [...(byId === undefined ? [] : [byId]), ...(this.#namesOf(kind).byName.get(cell.toLowerCase()) ?? [])]
  }

  #namesOf(kind: Kind) {
    let names = this.#names.get(kind)
    if (names === undefined) {
      const byName = new Map<string, number[]>()
      const unnamed = new Set<number>()
      const table = this.#table(kind)
      for (let number = 0; number < table.length; number++) {
        if (!table.isPresent(number)) continue
        const name = this.#nameOf(kind, number)
        if (name instanceof Undecided) unnamed.add(number)
        else if (name !== null) byName.set(name.toLowerCase(), [...(byName.get(name.toLowerCase()) ?? []), number])
      }
      names = { byName, unnamed }
      this.#names.set(kind, names)
    }
    return names
  }

  #nameable(kind: Kind, number: number): Nameable {
    const id = this.#table(kind).keys[number]!
    const isPresent = this.#table(kind).isPresent(number)
    const name = isPresent ? this.#nameOf(kind, number) : null
    if (kind === 'user' && isPresent) return { id, name, ...aliasesOf(this.#estate.user(number)) }
    if (kind === 'user') {
      const unread = this.#estate.gaps.list('identitystore.users')
      // whoever is not among all users has no name to decide under
      return unread === undefined ? { id, name } : { id, name, unread }
    }
    if (kind !== 'account' || typeof name !== 'string') return { id, name }
    const known = this.#namesOf('account').byName.get(name.toLowerCase())?.length ?? 0
    const unlisted = this.#estate.gaps.list('organizations.accounts')
    return { id, name, sharing: known > 1 || unlisted === undefined ? known : unlisted }
  }

  #nameOf(kind: Kind, number: number): string | null | Unknown {
    if (kind === 'user') return this.#estate.user(number).UserName
    if (kind === 'group') return this.#estate.group(number).DisplayName
    return kind === 'permissionSet' ? this.#estate.permissionSet(number).Name : this.#estate.account(number).Name
  }

  #table(kind: Kind): EntityTable {
    const { users, groups, permissionSets, accounts } = this.#estate
    return { user: users, group: groups, permissionSet: permissionSets, account: accounts }[kind]
  }
}

const none: { readonly decisions: List; readonly ambiguous: boolean } = { decisions: emptyList, ambiguous: false }

/** Decisions by the user and group that they name, then by the permission set. */
type ByThing = Map<number, Map<number | null, Facts[]>>

/** One number for both: fewer than 2^26 of each fit into memory. */
function principalsKey(user: number | null, group: number | null): number {
  return ((user ?? -1) + 1) * 2 ** 26 + (group ?? -1) + 1
}

/** What a map holds under a key, made when it holds nothing yet. */
function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function timeOf({ reviewedAt }: Facts): number {
  return endOf(String(reviewedAt)).getTime()
}

/** The first instant that a written time may mean: a day begins before it ends. */
function beginOf({ reviewedAt }: Facts): number {
  return Date.parse(String(reviewedAt))
}

/** The first of the revokes that, without a keep between them, led up to one: saying it again gives no more time. Those of an earlier access do not count. */
function firstRevoke(rows: readonly Facts[], last: Facts, since: Since): number {
  const end = timeOf(last)
  const before = rows.filter(row => timeOf(row) <= end)
  const kept = Math.max(
    ...before.filter(({ decision }) => decision === 'keep').map(timeOf),
    since.isExact ? since.at.getTime() : 0,
  )
  return Math.min(end, ...before.filter(row => row.decision === 'revoke' && timeOf(row) > kept).map(timeOf))
}

/** How a decision stands to what it is about. */
interface Standing {
  readonly user: Nameable | undefined
  readonly since: Since
  readonly isLast: boolean | Unknown
  /** of a revoke: of the first that said so */
  readonly standsSince: number
}

const hourMs = 3_600_000

/** What a reviewer decided about one entitlement. */
export class ReviewDecision {
  readonly typeName = 'ReviewDecision'
  readonly reviewer: string
  readonly reviewedAt: Date
  readonly decision: string
  readonly isLast: boolean | Unknown
  readonly #user: Nameable | undefined

  /** from the decision to the first snapshot that shows what it is about as it is; 0 when it came later, or nobody knows since when it is there */
  readonly hoursBefore: number

  /** `reviewedAt`; of a revoke that only says again what was decided, that of the first */
  readonly decidedAt: Date

  constructor(row: Facts, { user, since, isLast, standsSince }: Standing) {
    this.reviewer = String(row.reviewer)
    this.reviewedAt = endOf(String(row.reviewedAt))
    this.decision = String(row.decision)
    this.isLast = isLast
    this.decidedAt = new Date(standsSince)
    this.hoursBefore = since.isExact ? Math.max(0, (since.at.getTime() - this.reviewedAt.getTime()) / hourMs) : 0
    this.#user = user
  }

  /** Asked of the last decision alone: there are millions. */
  get isBySubject(): boolean | Unknown {
    return isBy(this.reviewer, this.#user)
  }
}
