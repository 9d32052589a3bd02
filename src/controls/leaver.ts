import type { Facts, StoredState } from '../model.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import type { Past } from './past.ts'
import type { Identity, Person } from './people.ts'
import { Count, joinGaps, OpenList, Undecided, type Unknown } from './values.ts'

const users = 'identitystore.users'
export const leaverDatasets: readonly string[] = [users]

/** A user as the roster matches it, present or gone. */
export interface KnownIdentity extends Identity {
  readonly UserStatus: string | Unknown
}

/** What leavers ask of the estate. */
export interface LeaverSurroundings extends Surroundings {
  /** users that are there and belong to a person */
  identitiesOf(person: Person): List
  /** a user that is gone, as it was last seen */
  goneIdentity(key: string, facts: Facts): KnownIdentity
  peopleOf(identity: Identity): List
  /** why nobody can say when a user was enabled */
  unproven(dataset: string, key: string): Unknown
}

interface Gone {
  readonly identity: KnownIdentity
  readonly states: readonly StoredState[]
}

/** People who left by the instant of the judgement, and what became of their users. */
export function leavers(estate: LeaverSurroundings, past: Past, people: readonly Person[], asOf: Date): readonly Leaver[] {
  const byPerson = new Map<unknown, Gone[]>()
  const maybe: { readonly gone: Gone; readonly why: Unknown }[] = []
  for (const states of past.timelines(users)) {
    const last = states.at(-1)!
    if (last.to === null) continue
    const gone = { identity: estate.goneIdentity(last.key, last.facts), states }
    const matched = estate.peopleOf(gone.identity)
    if (matched instanceof OpenList) maybe.push({ gone, why: matched.why })
    else for (const person of matched) byPerson.set(person, [...(byPerson.get(person) ?? []), gone])
  }
  return people
    .filter(({ terminationDate }) => terminationDate !== null && terminationDate <= asOf)
    .map(person => new Leaver(estate, past, person, byPerson.get(person) ?? [], maybe))
}

export class Leaver extends Entity {
  declare readonly estate: LeaverSurroundings
  readonly key: string
  readonly person: Person
  readonly #past: Past
  readonly #gone: readonly Gone[]
  readonly #maybe: readonly { readonly gone: Gone; readonly why: Unknown }[]

  /** @param maybe users that are gone, of whom nobody can say whose they were */
  constructor(
    estate: LeaverSurroundings,
    past: Past,
    person: Person,
    gone: readonly Gone[],
    maybe: readonly { readonly gone: Gone; readonly why: Unknown }[],
  ) {
    super(estate, 0)
    this.key = person.key
    this.person = person
    this.#past = past
    this.#gone = gone
    this.#maybe = maybe
  }

  get typeName(): string {
    return 'Leaver'
  }
  get name(): string {
    return this.person.name
  }
  get terminationDate(): Date {
    return this.person.terminationDate!
  }
  /** Users of the person, those that are gone by now too. */
  get identities(): List {
    const now = this.estate.identitiesOf(this.person)
    const here = (identity: KnownIdentity) => {
      const states = this.#past.timeline(users, identity.key)
      return new LeaverIdentity(this, identity, states ?? [], this.#past, true)
    }
    const away = ({ identity, states }: Gone) => new LeaverIdentity(this, identity, states, this.#past, false)
    const known = (now instanceof OpenList ? now.items : now) as readonly KnownIdentity[]
    const items = [...known.map(here), ...this.#gone.map(away)]
    if (!(now instanceof OpenList) && this.#maybe.length === 0) return items
    const ghosts = [
      ...(now instanceof OpenList ? (now.ghosts as readonly KnownIdentity[]) : []).map(here),
      ...this.#maybe.map(({ gone }) => away(gone)),
    ]
    const why = [...(now instanceof OpenList ? [now.why] : []), ...this.#maybe.map(each => each.why)]
      .slice(0, 20)
      .reduce(joinGaps)
    return new OpenList(items, ghosts, why, { isUnbounded: false, isOpen: now instanceof OpenList && now.isOpen })
  }
}

const hourMs = 3_600_000

/** A user of somebody who left. */
export class LeaverIdentity {
  readonly typeName = 'LeaverIdentity'
  readonly UserName: string | Unknown
  readonly isEnabled: boolean | Unknown
  /**
   * Hours from the termination to the last snapshot that shows the user enabled: it was taken away later than that, by the next snapshot at
   * the latest. Not more than 0 when it was taken away before. Where snapshots in between could not see the user, a range.
   */
  readonly enabledAfterHours: number | Count | Unknown
  /** Hours from the termination until it was taken away: a range, since it happened between two snapshots. */
  readonly takenAfterHours: number | Count | Unknown
  /** Hours between those two; 0 while it is enabled. Where nothing showed it enabled after the termination, from the termination on. */
  readonly unseenHours: number | Unknown

  constructor(leaver: Leaver, identity: KnownIdentity, states: readonly StoredState[], past: Past, isPresent: boolean) {
    const status = isPresent ? identity.UserStatus : 'DISABLED'
    this.UserName = identity.UserName
    this.isEnabled = status instanceof Undecided ? status : status === 'ENABLED'
    const ended = leaver.terminationDate.getTime()
    const hours = (version: number) => (past.sealedAt(version).getTime() - ended) / hourMs
    const unproven = () => leaver.estate.unproven(users, identity.key)
    if (status instanceof Undecided) this.enabledAfterHours = status
    else if (status === 'ENABLED') this.enabledAfterHours = hours(past.last)
    else this.enabledAfterHours = enabledUntil(states, past, hours, unproven)
    const [low, gone] = [lowest(this.enabledAfterHours), hours(this.isEnabled === true ? past.last : goneAt(states, past))]
    this.takenAfterHours = low instanceof Undecided || low >= gone ? low : new Count(low, gone, unproven())
    this.unseenHours = low instanceof Undecided ? low : Math.max(0, gone - low)
  }
}

/** The first version since which a user who is disabled or gone by now was shown so. */
function goneAt(states: readonly StoredState[], past: Past): number {
  const enabled = states.findLast(({ facts }) => facts.UserStatus !== 'DISABLED')
  return enabled === undefined ? past.first : Math.min(enabled.to ?? past.last, past.last)
}

function lowest(hours: number | Count | Unknown): number | Unknown {
  return hours instanceof Count ? hours.low : hours
}

/** For a user who is disabled or gone by now. */
function enabledUntil(
  states: readonly StoredState[],
  past: Past,
  hours: (version: number) => number,
  unproven: () => Unknown,
): number | Count | Unknown {
  const at = states.findLastIndex(({ facts }) => facts.UserStatus !== 'DISABLED')
  const state = states[at]
  // nothing shows it enabled since the period began
  if (state === undefined) return Math.min(0, hours(past.first))
  if (state.facts.UserStatus !== 'ENABLED') return unproven()
  const shown = state.to ?? past.last
  if (state.lastSeen >= shown - 1) return hours(state.lastSeen)
  return new Count(hours(state.lastSeen), hours(shown - 1), unproven())
}
