import { isSamePerson } from '../exception.ts'
import type { Facts, ImportedRows } from '../model.ts'
import type { List } from './entity.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

/** A thing that an approval may name: by its id or by its name. */
export interface Nameable {
  readonly id: string
  /** null: it has none */
  readonly name: string | null | Unknown
  /** how many things of its kind have this name; a number above 1 is a name that says nothing */
  readonly sharing?: number | Unknown
  /** further names by which an approver is known to be the same person */
  readonly aliases?: readonly string[]
  /** why further names may be missing */
  readonly unread?: Unknown
}

/** What a change is about, as an approval may name it. */
export interface Approvable {
  readonly shownAt: Date
  readonly unchangedAt: Date
  readonly user?: Nameable
  readonly group?: Nameable
  readonly permissionSet?: Nameable
  readonly account?: Nameable
  /** ids, ARNs and names of everything else it is about */
  readonly resources: readonly string[]
  /** columns that an approval must fill in to speak of such a change, each list on its own; `resource` is always enough */
  readonly needs: readonly (readonly Column[])[]
}

type Column = 'user' | 'group' | 'permissionSet' | 'account'
const columns: readonly Column[] = ['user', 'group', 'permissionSet', 'account']

/** The imported approvals, by what they name. */
export class Approvals {
  readonly #byCell = new Map<string, Facts[]>()
  readonly #all: readonly Facts[]

  constructor(approvals: ImportedRows | undefined) {
    this.#all = approvals?.rows ?? []
    for (const row of this.#all) {
      for (const column of [...columns, 'resource']) {
        const cell = row[column]
        if (typeof cell !== 'string') continue
        const key = `${column} ${cell.toLowerCase()}`
        const rows = this.#byCell.get(key)
        if (rows === undefined) this.#byCell.set(key, [row])
        else rows.push(row)
      }
    }
  }

  /**
   * The approvals of a change: those whose every filled cell fits it. One that names a thing by a name that could not be read is a ghost;
   * one that names it by a name that several things have counts for nothing.
   */
  of(change: Approvable): { readonly list: List; readonly ambiguous: readonly string[] } {
    const items: ChangeApproval[] = []
    const ghosts: ChangeApproval[] = []
    const ambiguous: string[] = []
    const gaps: Unknown[] = []
    for (const row of this.#candidates(change)) {
      const fits = fitOf(row, change)
      if (fits === 'no') continue
      const approval = new ChangeApproval(row, change)
      if (fits === 'yes') items.push(approval)
      else if (fits === 'ambiguous') ambiguous.push(approval.ticket)
      else {
        ghosts.push(approval)
        gaps.push(fits)
      }
    }
    if (ghosts.length === 0) return { list: items, ambiguous }
    return {
      list: new OpenList(items, ghosts, gaps.slice(0, 20).reduce(joinGaps), { isUnbounded: false, isOpen: false }),
      ambiguous,
    }
  }

  #candidates(change: Approvable): Iterable<Facts> {
    const found = new Set<Facts>()
    const add = (column: string, cell: string) => {
      for (const row of this.#byCell.get(`${column} ${cell.toLowerCase()}`) ?? []) found.add(row)
    }
    for (const column of columns) {
      const thing = change[column]
      if (thing === undefined) continue
      if (thing.name instanceof Undecided) return this.#all
      add(column, thing.id)
      if (thing.name !== null) add(column, thing.name)
    }
    for (const resource of change.resources) add('resource', resource)
    return found
  }
}

/** Whether a row of approvals speaks of a change; a gap where a name that would tell could not be read. */
function fitOf(row: Facts, change: Approvable): 'yes' | 'no' | 'ambiguous' | Unknown {
  const isNamed = typeof row.resource === 'string'
  if (isNamed && !change.resources.some(each => each.toLowerCase() === String(row.resource).toLowerCase())) return 'no'
  if (!isNamed && !change.needs.some(needed => needed.every(column => typeof row[column] === 'string'))) return 'no'
  const fits = columns.map(column => {
    const cell = row[column]
    return typeof cell === 'string' ? fitsCell(cell, change[column]) : 'yes'
  })
  if (fits.includes('no')) return 'no'
  if (fits.includes('ambiguous')) return 'ambiguous'
  return fits.find(each => each instanceof Undecided) ?? 'yes'
}

/** @returns a gap when the name that would tell could not be read */
export function fitsCell(cell: string, thing: Nameable | undefined): 'yes' | 'no' | 'ambiguous' | Unknown {
  if (thing === undefined) return 'no'
  const wanted = cell.toLowerCase()
  if (thing.id.toLowerCase() === wanted) return 'yes'
  if (thing.name instanceof Undecided) return thing.name
  if (thing.name?.toLowerCase() !== wanted) return 'no'
  const sharing = thing.sharing ?? 1
  return sharing instanceof Undecided ? sharing : sharing > 1 ? 'ambiguous' : 'yes'
}

/** The names of a user beside the one to sign in with. */
export function aliasesOf(user: {
  readonly primaryEmail: string | null | Unknown
  readonly DisplayName: string | null | Unknown
}): Pick<Nameable, 'aliases' | 'unread'> {
  const names = [user.primaryEmail, user.DisplayName]
  const unread = names.filter(name => name instanceof Undecided)
  const aliases = names.filter(name => typeof name === 'string')
  return unread.length === 0 ? { aliases } : { aliases, unread: unread.reduce(joinGaps) }
}

/** Whether a name that somebody wrote is that of a user, by id, name or alias and however it is spelled. */
export function isBy(name: string, user: Nameable | undefined): boolean | Unknown {
  if (user === undefined) return false
  const known = [user.id, ...(user.aliases ?? []), ...(typeof user.name === 'string' ? [user.name] : [])]
  if (known.some(each => isSamePerson(each, name))) return true
  return user.name instanceof Undecided ? user.name : (user.unread ?? false)
}

const hourMs = 3_600_000

/** An approval, as it stands to one change. */
export class ChangeApproval {
  readonly typeName = 'ChangeApproval'
  readonly ticket: string
  readonly approver: string
  readonly requester: string | null
  readonly approvedAt: Date
  readonly hoursAfter: number
  readonly daysBefore: number
  readonly isValid: boolean
  readonly isByAffected: boolean | Unknown

  constructor(row: Facts, { shownAt, unchangedAt, user }: Approvable) {
    this.ticket = String(row.ticket)
    this.approver = String(row.approver)
    this.requester = typeof row.requester === 'string' ? row.requester : null
    this.approvedAt = endOf(String(row.approvedAt))
    this.hoursAfter = (this.approvedAt.getTime() - shownAt.getTime()) / hourMs
    this.daysBefore = (unchangedAt.getTime() - this.approvedAt.getTime()) / hourMs / 24
    this.isValid = typeof row.validUntil !== 'string' || endOf(row.validUntil) >= unchangedAt
    this.isByAffected = isBy(this.approver, user)
  }
}

/** A day without a time means its end in UTC. */
export function endOf(text: string): Date {
  return new Date(text.length === 10 ? `${text}T23:59:59.999Z` : text)
}
