import type { Facts, ImportedRows, Json } from '../model.ts'
import { normalised } from './directory.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import type { IamUser } from './iam-principals.ts'
import { closedOr } from './rows.ts'
import { joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

/** What the roster asks of a user of the identity store. */
export interface Identity {
  readonly key: string
  readonly UserName: string | Unknown
  readonly primaryEmail: string | null | Unknown
  readonly ExternalIds: List | Unknown
}

/** What the roster asks of the estate. */
export interface PeopleSurroundings extends Surroundings {
  readonly people: People
  userList(): List
  iamUserList(): List
}

interface Matched {
  readonly sure: Identity[]
  readonly maybe: Identity[]
  readonly gaps: Unknown[]
}

/** The people of the imported roster, and which users are theirs: by email, then user name, then ExternalId, never by a guess. */
export class People {
  readonly all: readonly Person[]
  readonly #estate: PeopleSurroundings
  readonly #byEmail: ReadonlyMap<string, readonly Person[]>
  readonly #byUserName: ReadonlyMap<string, readonly Person[]>
  readonly #byExternalId: ReadonlyMap<string, readonly Person[]>
  readonly #byId: ReadonlyMap<string, Person>
  readonly #iamIndexes = new Map<string, IamIndex>()
  #matched: ReadonlyMap<Person, Matched> | null = null

  constructor(estate: PeopleSurroundings, roster: ImportedRows | undefined) {
    this.#estate = estate
    this.all = (roster?.rows ?? []).map(row => new Person(estate, row))
    this.#byEmail = by(this.all, person => person.email)
    this.#byUserName = by(this.all, person => person.userName)
    this.#byExternalId = by(this.all, person => person.externalId)
    this.#byId = new Map(this.all.map(person => [person.key, person]))
  }

  person(id: string): Person | null {
    return this.#byId.get(id) ?? null
  }

  /** Everybody with this id, user name or address. */
  named(text: string): readonly Person[] {
    const name = normalised(text)
    const byId = this.#byId.get(text.trim())
    return [
      ...new Set([
        ...(byId === undefined ? [] : [byId]),
        ...(this.#byUserName.get(name) ?? []),
        ...(this.#byEmail.get(name) ?? []),
      ]),
    ]
  }

  /** The people a user may be. Two of them are two: nobody chooses. */
  of(user: Identity): List {
    const { primaryEmail: email, UserName: name, ExternalIds: ids } = user
    if (email instanceof Undecided) return closedOr([], email)
    const found = email === null ? undefined : this.#byEmail.get(normalised(email))
    if (found !== undefined) return found
    if (name instanceof Undecided) return closedOr([], name)
    const named = this.#byUserName.get(normalised(name))
    if (named !== undefined) return named
    if (ids instanceof Undecided) return closedOr([], ids)
    const known = (Array.isArray(ids) ? ids : (ids as OpenList).items) as readonly Json[]
    const external = known.flatMap(id => (typeof id === 'object' && id !== null && 'Id' in id ? [String(id.Id)] : []))
    const last = [...new Set(external.flatMap(id => this.#byExternalId.get(normalised(id)) ?? []))]
    // who is not among the rows that are kept may be among those that are not
    return last.length > 0 ? last : closedOr(last, this.#disposed())
  }

  usersOf(person: Person): List {
    this.#matched ??= this.#match()
    const unlisted = this.#estate.gaps.list('identitystore.users')
    const { sure, maybe, gaps } = this.#matched.get(person)!
    if (unlisted === undefined && maybe.length === 0) return sure
    const why = [...gaps, ...(unlisted === undefined ? [] : [unlisted])].slice(0, 20).reduce(joinGaps)
    return new OpenList(sure, maybe, why, { isUnbounded: false, isOpen: unlisted !== undefined })
  }

  #disposed(): Unknown | undefined {
    return [...this.#estate.gaps.rows('import.roster').values()].find(({ gaps }) => gaps[0]?.reason === 'disposed')
  }

  #match(): ReadonlyMap<Person, Matched> {
    const matched = new Map(this.all.map(person => [person, { sure: [], maybe: [], gaps: [] } as Matched]))
    const users = this.#estate.userList()
    for (const user of (users instanceof OpenList ? users.items : users) as readonly Identity[]) {
      const people = this.of(user)
      if (people instanceof OpenList) {
        for (const each of matched.values()) {
          each.maybe.push(user)
          each.gaps.push(people.why)
        }
      } else for (const person of people as readonly Person[]) matched.get(person)!.sure.push(user)
    }
    return matched
  }

  #iamIndexOf(users: List, tag: string): IamIndex {
    let index = this.#iamIndexes.get(tag)
    if (index !== undefined) return index
    const byName = new Map<string, IamUser[]>()
    const untold: { readonly user: IamUser; readonly why: Unknown }[] = []
    for (const user of (users instanceof OpenList ? users.items : users) as readonly IamUser[]) {
      const tagged = user.tag(tag)
      const names = [user.key.split('/').at(-1)!, ...(typeof tagged === 'string' ? [tagged] : [])]
      for (const name of new Set(names.map(normalised))) {
        const known = byName.get(name)
        if (known === undefined) byName.set(name, [user])
        else known.push(user)
      }
      if (tagged instanceof Undecided) untold.push({ user, why: tagged as Unknown })
    }
    index = { byName, untold }
    this.#iamIndexes.set(tag, index)
    return index
  }

  /** IAM users of a person: their user name or address is the name of the IAM user, or the value of its tag. */
  iamUsersOf(person: Person, tag: string): List {
    const users = this.#estate.iamUserList()
    const { byName, untold } = this.#iamIndexOf(users, tag)
    const names = [person.userName, person.email].flatMap(name => (name === null ? [] : [normalised(name)]))
    const items = [...new Set(names.flatMap(name => byName.get(name) ?? []))]
    const others = untold.filter(({ user }) => !items.includes(user))
    const ghosts = others.map(({ user }) => user)
    const gaps = [...(users instanceof OpenList ? [users.why] : []), ...others.slice(0, 20).map(({ why }) => why)]
    if (gaps.length === 0) return items
    return new OpenList(items, ghosts, gaps.slice(0, 20).reduce(joinGaps), {
      isUnbounded: false,
      isOpen: users instanceof OpenList,
    })
  }
}

/** IAM users by their name and by the value of a tag, and those whose tag could not be read. */
interface IamIndex {
  readonly byName: ReadonlyMap<string, readonly IamUser[]>
  readonly untold: readonly { readonly user: IamUser; readonly why: Unknown }[]
}

/** One row of the roster. */
export class Person extends Entity {
  declare readonly estate: PeopleSurroundings
  readonly #row: Facts

  constructor(estate: PeopleSurroundings, row: Facts) {
    super(estate, 0)
    this.#row = row
  }

  get typeName(): string {
    return 'Person'
  }
  get key(): string {
    return this.#text('personId') ?? ''
  }
  get personId(): string {
    return this.key
  }
  get name(): string {
    return this.#text('name') ?? this.key
  }
  get status(): string {
    return (this.#text('status') ?? '').toLowerCase()
  }
  get email(): string | null {
    return this.#text('email')
  }
  get userName(): string | null {
    return this.#text('userName')
  }
  get externalId(): string | null {
    return this.#text('externalId')
  }
  /** A day without a time means its end in UTC. */
  get terminationDate(): Date | null {
    const text = this.#text('terminationDate')
    return text === null ? null : new Date(text.length === 10 ? `${text}T23:59:59.999Z` : text)
  }
  get manager(): Person | null {
    const id = this.#text('managerId')
    return id === null ? null : this.estate.people.person(id)
  }
  get users(): List {
    return this.estate.people.usersOf(this)
  }

  #text(member: string): string | null {
    const value = this.#row[member]
    return typeof value === 'string' && value !== '' ? value : null
  }
}

/** Somebody's word for something that no API tells. */
export class Attestation {
  readonly typeName = 'Attestation'
  readonly subject: string
  readonly owner: string
  readonly statement: string
  readonly date: Date
  readonly evidenceSha256: string

  constructor(row: Facts) {
    this.subject = String(row.subject)
    this.owner = String(row.owner)
    this.statement = String(row.statement ?? '')
    this.date = new Date(String(row.date))
    this.evidenceSha256 = String(row.evidenceSha256).toLowerCase()
  }
}

function by(people: readonly Person[], textOf: (person: Person) => string | null): ReadonlyMap<string, readonly Person[]> {
  const named = people.filter(person => textOf(person) !== null)
  return Map.groupBy(named, person => normalised(textOf(person)!))
}
