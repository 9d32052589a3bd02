import type { Facts, PartPiece, Row } from '../model.ts'
import { KeyLog } from './key-log.ts'
import { PairSet } from './pair-set.ts'
import { Words } from './words.ts'

/** Datasets whose rows say when they were made and changed. */
const dated = new Set(['identitystore.users', 'identitystore.groups', 'identitystore.group_memberships'])
const mostNamed = 100

/** Words that are remembered for comparing; where more come, the list they came with is forgotten and said to be. */
const mostWords = 2_000_000

type Kept =
  /** whole keys */
  | 'keys'
  | 'facts'
  /** how many there are of each account's own, and the roles that Identity Center keeps */
  | 'counts'

const none: Facts = {}

/** Datasets that cross-checks compare, and what of them they need. */
const kept: { readonly [dataset: string]: Kept } = {
  'organizations.accounts': 'keys',
  'identitystore.users': 'keys',
  'identitystore.groups': 'keys',
  'identitystore.group_memberships': 'keys',
  'sso.instances': 'keys',
  'sso.permission_set_arns': 'keys',
  'sso.permission_sets': 'facts',
  'sso.provisioned_accounts': 'keys',
  'sso.account_assignments': 'keys',
  'iam.users': 'counts',
  'iam.group_details': 'counts',
  'iam.roles': 'counts',
  'iam.managed_policies': 'counts',
  'iam.account_summaries': 'facts',
  'iam.policy_documents': 'facts',
}

export interface SeenRow {
  readonly accountId: string
  readonly key: string
  readonly facts: Facts
}

/** What is remembered of one dataset. */
class Seen {
  readonly keys: KeyLog
  readonly facts: SeenRow[] = []
  readonly counts = new Map<string, number>()
  /** account, and name of the permission set */
  readonly reserved: PairSet

  constructor(words: Words) {
    this.keys = new KeyLog(words)
    this.reserved = new PairSet(words)
  }

  add(how: Kept, accountId: string, rows: readonly Row[]): void {
    if (how === 'keys') for (const { key } of rows) this.keys.add(key)
    else if (how === 'facts') for (const { key, facts } of rows) this.facts.push({ accountId, key, facts })
    else this.#count(accountId, rows)
  }

  #count(accountId: string, rows: readonly Row[]): void {
    // policies of AWS are in use in the account and are none of its own
    const own = rows.filter(({ key }) => key.split(':')[4] === accountId)
    // one list an account: what is listed again takes the place of the first time
    this.counts.set(accountId, own.length)
    for (const { key } of rows) {
      const found = /:role\/aws-reserved\/sso\.amazonaws\.com\/(?:[^/]+\/)?AWSReservedSSO_(.+)_[0-9a-f]+$/.exec(key)
      if (found !== null) this.reserved.add(accountId, found[1]!)
    }
  }
}

/**
 * Remembers what a collection hands on, as far as cross-checks compare it: keys as numbers of their words, so that a million
 * assignments take 16 MB and not 200.
 */
export class Witness {
  readonly #words = new Words()
  readonly #seen = new Map<string, Seen>()
  /** parts that are not at their end: they may begin again */
  readonly #open = new Map<string, Row[]>()
  readonly #notWhole = new Map<string, string>()
  readonly #since: string
  /** rows that AWS dates after that, and how many had a date at all */
  readonly #changed: string[] = []
  #dated = 0
  #changes = 0

  /**
   * @param since when the reading began
   * @param isResumed parts of an interrupted run are staged and not read again: nothing but lists that name parents is whole
   */
  constructor(isResumed: boolean, since: Date) {
    this.#since = since.toISOString().slice(0, 19)
    if (isResumed) for (const dataset of Object.keys(kept)) this.#notWhole.set(dataset, 'the run went on from an interrupted one')
  }

  note({ part, isFirst, rows, end }: PartPiece): void {
    const how = kept[part.dataset]
    if (how === undefined) return
    if (dated.has(part.dataset)) for (const row of rows) this.#date(part.dataset, row)
    // an account that is suspended, an instance without sets: nothing is missing there
    if (end?.coverage === 'not_applicable') return
    if (end !== null && end.coverage !== 'complete' && end.coverage !== 'complete_with_changes') {
      this.#notWhole.set(part.dataset, `${part.dataset} is ${end.coverage}`)
    }
    const { accountId } = part.place
    const seen = this.#seen.get(part.dataset) ?? new Seen(this.#words)
    this.#seen.set(part.dataset, seen)
    if (isFirst && end !== null) {
      seen.add(how, accountId, rows)
    } else {
      const name = `${part.dataset} ${accountId} ${part.parent}`
      const before = isFirst ? [] : (this.#open.get(name) ?? [])
      // a hundred thousand users are 80 MB, their keys eight
      before.push(...(how === 'facts' ? rows : rows.map(({ key }) => ({ key, facts: none }))))
      if (end === null) this.#open.set(name, before)
      else {
        this.#open.delete(name)
        seen.add(how, accountId, before)
      }
    }
    if (this.#words.count > mostWords) this.#forget(part.dataset)
  }

  /** How many keys of a dataset were seen, and each of them; or why they cannot be compared. */
  keys(dataset: string): KeyLog | string {
    return this.#whole(dataset, seen => seen.keys)
  }

  /** Every row of a dataset whose facts are kept, or why they cannot be compared. */
  rows(dataset: string): readonly SeenRow[] | string {
    return this.#whole(dataset, seen => seen.facts)
  }

  /** How many of a dataset belong to each account, or why they cannot be compared. */
  counts(dataset: string): ReadonlyMap<string, number> | string {
    return this.#whole(dataset, seen => seen.counts)
  }

  /** Account and permission set of the roles that Identity Center keeps in the accounts, or why they cannot be compared. */
  reservedRoles(): PairSet | string {
    return this.#whole('iam.roles', seen => seen.reserved)
  }

  /** What AWS dates after the reading began. Deletions do not show, and a list that was read twice counts twice. */
  changedMeanwhile(): { readonly dated: number; readonly changes: number; readonly named: readonly string[] } {
    return { dated: this.#dated, changes: this.#changes, named: this.#changed }
  }

  #date(dataset: string, { key, facts }: Row): void {
    const { UpdatedAt, CreatedAt } = facts
    const last = typeof UpdatedAt === 'string' ? UpdatedAt : CreatedAt
    if (typeof last !== 'string') return
    this.#dated++
    // whole seconds: what comes behind them does not sort as text
    if (last.slice(0, 19) < this.#since) return
    this.#changes++
    if (this.#changed.length < mostNamed) this.#changed.push(`${dataset} ${key} was written at ${last}`)
  }

  /** Those of some pairs (`accountId|permissionSetArn`) that are provisioned, as far as it is known. */
  provisionedAmong(pairs: ReadonlySet<string>): readonly string[] {
    const seen = this.#seen.get('sso.provisioned_accounts')
    if (seen === undefined || pairs.size === 0) return []
    const found: string[] = []
    for (const [setArn, accountId] of seen.keys) if (pairs.has(`${accountId}|${setArn}`)) found.push(`${accountId}|${setArn}`)
    return found.sort()
  }

  #whole<T>(dataset: string, of: (seen: Seen) => T): T | string {
    const reason = this.#notWhole.get(dataset)
    if (reason !== undefined) return reason
    const seen = this.#seen.get(dataset)
    return seen === undefined ? `${dataset} was not read` : of(seen)
  }

  #forget(dataset: string): void {
    this.#seen.delete(dataset)
    this.#notWhole.set(dataset, `${dataset} is more than is kept in memory for comparing`)
  }
}
