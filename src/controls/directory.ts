import type { Facts } from '../model.ts'
import type { List } from './entity.ts'
import type { EntityTable } from './entity-table.ts'
import type { GapIndex } from './gap-index.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

/** What the directory asks of a user. */
export interface Person {
  readonly UserName: string | Unknown
  readonly Emails: List | Unknown
  readonly ExternalIds: List | Unknown
}

/** What the directory asks of the estate. */
export interface DirectorySurroundings {
  readonly gaps: GapIndex
  readonly users: EntityTable
  user(number: number): Person
}

/** Share of users with an ExternalId from which on the directory counts as fed by an external identity provider. */
const externalShare = 0.8

/** What users say together: whose names and addresses are the same, and where they come from. */
export class Directory {
  readonly #estate: DirectorySurroundings
  #emails: Index | null = null
  #names: Index | null = null
  #isExternal: boolean | Unknown | null = null

  constructor(estate: DirectorySurroundings) {
    this.#estate = estate
  }

  /** The primary address, else the only one. */
  emailOf(user: Person): string | null | Unknown {
    const emails = user.Emails
    if (emails instanceof Undecided) return emails
    const known = (emails instanceof OpenList ? emails.items : emails) as readonly Facts[]
    const chosen = known.find(email => email.Primary === true) ?? known[0]
    return typeof chosen?.Value === 'string' && chosen.Value !== '' ? chosen.Value : null
  }

  sameEmail(user: Person): List {
    this.#emails ??= this.#index(each => this.emailOf(each))
    return this.#others(this.#emails, user, this.emailOf(user))
  }

  sameUserName(user: Person): List {
    this.#names ??= this.#index(each => each.UserName)
    return this.#others(this.#names, user, user.UserName)
  }

  /** Whether at least 80 % of all users carry an ExternalId; what could not be read may be either. */
  get isExternal(): boolean | Unknown {
    this.#isExternal ??= this.#share()
    return this.#isExternal
  }

  #share(): boolean | Unknown {
    let all = 0
    let external = 0
    const gaps: Unknown[] = []
    for (const user of this.#users()) {
      all++
      const ids = user.ExternalIds
      if (ids instanceof Undecided) gaps.push(ids)
      else if ((Array.isArray(ids) ? ids : (ids as OpenList).items).length > 0) external++
    }
    const unlisted = this.#estate.gaps.list('identitystore.users')
    if (unlisted !== undefined) return unlisted
    if (external >= externalShare * all && all > 0) return true
    return external + gaps.length >= externalShare * all && gaps.length > 0 ? gaps.slice(0, 20).reduce(joinGaps) : false
  }

  #others({ byValue, unread }: Index, user: Person, value: string | null | Unknown): List {
    if (value instanceof Undecided) return new OpenList([], [], value, { isUnbounded: false, isOpen: true })
    if (value === null) return []
    const same = (byValue.get(normalised(value)) ?? []).filter(each => each !== user)
    const unlisted = this.#estate.gaps.list('identitystore.users')
    if (unread.length === 0 && unlisted === undefined) return same
    const why = [...unread.map(each => each.why), ...(unlisted === undefined ? [] : [unlisted])].slice(0, 20).reduce(joinGaps)
    const ghosts = unread.map(each => each.user).filter(each => each !== user)
    if (ghosts.length === 0 && unlisted === undefined) return same
    return new OpenList(same, ghosts, why, { isUnbounded: false, isOpen: unlisted !== undefined })
  }

  #index(textOf: (user: Person) => string | null | Unknown): Index {
    const byValue = new Map<string, Person[]>()
    const unread: { user: Person; why: Unknown }[] = []
    for (const user of this.#users()) {
      const value = textOf(user)
      if (value instanceof Undecided) unread.push({ user, why: value })
      else if (value !== null) {
        const key = normalised(value)
        const list = byValue.get(key)
        if (list === undefined) byValue.set(key, [user])
        else list.push(user)
      }
    }
    return { byValue, unread }
  }

  /** In the order of their keys: what is said of many must not rest on who was mentioned first. */
  *#users(): Iterable<Person> {
    const { users } = this.#estate
    for (const number of users.order()) yield this.#estate.user(number)
  }
}

interface Index {
  readonly byValue: ReadonlyMap<string, readonly Person[]>
  readonly unread: readonly { readonly user: Person; readonly why: Unknown }[]
}

/** How names and addresses are compared: lower case, without the tag of `name+tag@domain`. */
export function normalised(value: string): string {
  return value
    .trim()
    .toLowerCase()
    .replace(/\+[^@]*(?=@|$)/, '')
}
