import type { Gap, Snapshot, StoredResource } from '../model.ts'
import { datasets } from './datasets.ts'
import type { Entity } from './entity.ts'
import { GapIndex, isPerAccount } from './gap-index.ts'
import { IamAccount, IamAccountEstate } from './iam-account.ts'
import type { IamSurroundings } from './iam-principal.ts'
import { IamRole } from './iam-principals.ts'
import { defaultDocument } from './iam-report.ts'
import type { PolicyDocument } from './policy-document.ts'
import { readWritten } from './policy-documents.ts'
import { joinGaps, Undecided, Unknown } from './values.ts'

/** IAM of every account that was asked. An account that IAM cannot be asked about (a suspended one) is not among them. */
export class IamEstate {
  readonly #accounts = new Map<string, IamAccountEstate>()
  readonly #objects = new Map<string, IamAccount>()
  readonly #snapshot: Snapshot
  readonly #outside: IamSurroundings
  readonly #datasets: ReadonlyMap<string, Snapshot['datasets']>
  readonly #gaps: ReadonlyMap<string, Snapshot['gaps']>

  constructor(snapshot: Snapshot, outside: IamSurroundings) {
    this.#snapshot = snapshot
    this.#outside = outside
    const own = snapshot.datasets.filter(({ name }) => isPerAccount(name))
    this.#datasets = Map.groupBy(own, ({ place }) => place.accountId)
    this.#gaps = Map.groupBy(
      snapshot.gaps.filter(({ dataset }) => isPerAccount(dataset)),
      ({ place }) => place.accountId,
    )
    for (const { name, place, coverage } of own)
      if (isPerAccount(name) && coverage !== 'not_applicable') this.#accountOf(place.accountId)
  }

  /** Takes a row when it belongs here. */
  add(row: StoredResource): boolean {
    if (!isPerAccount(row.dataset)) return false
    this.#accountOf(row.place.accountId).add(row)
    return true
  }

  /** Takes the gap of one row when it belongs here. */
  addGap(gap: Gap): boolean {
    if (!isPerAccount(gap.dataset)) return false
    this.#accountOf(gap.place.accountId).gaps.add(gap)
    return true
  }

  get isCollected(): boolean {
    return this.#accounts.size > 0
  }

  /** What may hide IAM users of any account. */
  userGap(): Unknown | undefined {
    const gaps = [...this.#accounts.values()].flatMap(account => account.gaps.list(account.users.dataset) ?? [])
    return gaps.length === 0 ? undefined : gaps.slice(0, 20).reduce(joinGaps)
  }

  account(id: string): IamAccountEstate | undefined {
    return this.#accounts.get(id)
  }

  /** A role by name; a gap where the account was not read, or does not show it. */
  role(accountId: string, name: string): IamRole | Unknown {
    const account = this.#accounts.get(accountId)
    const dataset = 'iam.role_details'
    if (account === undefined) {
      const gap =
        this.unread(dataset)[0] ??
        new GapIndex(this.#snapshot, accountId).absent(dataset, '', 'not_collected', 'IAM of the account is not collected')
      return new Unknown([{ ...gap, place: { ...gap.place, accountId } }])
    }
    const row = [...account.roleDetails.all()].find(({ facts, key }) => facts.RoleName === name || key.endsWith(`/${name}`))
    if (row !== undefined) return new IamRole(account, dataset, row.key, row)
    return account.gaps.list(dataset) ?? account.invalid(dataset, name, `no role ${name} was listed in account ${accountId}`)
  }

  /** A count of an account's summary; null where nothing was asked or AWS sent no number. */
  summaryCount(accountId: string, member: string): number | null | Unknown {
    const summaries = this.#accounts.get(accountId)?.summaries
    const row = [...(summaries?.all() ?? [])][0]
    if (row === undefined) return summaries?.absence(accountId, '') ?? null
    const count = row.facts[member]
    return typeof count === 'number' ? count : null
  }

  /** Rows of a dataset that are the account's own: policies of AWS are none. */
  ownRows(dataset: string, accountId: string): number {
    const rows = this.#accounts.get(accountId)?.rowsOf(dataset)
    return rows === undefined ? 0 : [...rows.all()].filter(({ key }) => key.split(':')[4] === accountId).length
  }

  /** Members of one of the populations of IAM; undefined for others. */
  members(resource: string): readonly Entity[] | undefined {
    const accounts = [...this.#accounts.values()]
    switch (resource) {
      case 'iamAccount':
        return accounts.map(account => this.#object(account))
      case 'iamUser':
        return accounts.flatMap(account => account.keysOf(account.users).map(arn => account.user(arn)))
      case 'iamPrincipal':
        return accounts.flatMap(account => [
          ...account.keysOf(account.users).map(arn => account.user(arn)),
          ...account.keysOf(account.groupDetails).map(arn => account.group(arn)),
        ])
      case 'accessKey':
        return accounts.flatMap(account => account.keysOf(account.accessKeys).map(key => account.accessKey(key)))
      default:
        return undefined
    }
  }

  /** The gaps that may hide members of a population of IAM: those of every account, or that IAM is not collected at all. */
  unread(dataset: string): readonly Gap[] {
    const accounts = [...this.#accounts.values()]
    if (accounts.length === 0) {
      const { instanceOwnerAccountId, managementAccountId, homeRegion } = this.#snapshot.identity
      const place = { accountId: instanceOwnerAccountId ?? managementAccountId ?? '', region: homeRegion }
      const action = datasets[dataset]?.action ?? null
      const message = 'IAM of the accounts is not collected'
      return [{ dataset, place, parent: '', key: null, member: null, reason: 'not_collected', action, errorCode: null, message }]
    }
    // an account is a member whether its summary could be read or not
    if (dataset === 'iam.account_summaries') return []
    const names = [...(datasets[dataset]?.parents ?? []), dataset]
    return accounts.flatMap(({ gaps }) => names.flatMap(name => gaps.list(name)?.gaps ?? []))
  }

  /** The different documents of a customer managed policy in these accounts; null when none of them is collected. */
  customerDocuments(
    accountIds: readonly string[],
    name: string,
    path: string,
  ): { readonly documents: readonly PolicyDocument[]; readonly why: Unknown | null } | null {
    const accounts = accountIds.map(id => this.#accounts.get(id)).filter(account => account !== undefined)
    if (accounts.length === 0 || accounts.length < accountIds.length) return null
    const texts = new Map<string, PolicyDocument>()
    const gaps: Unknown[] = []
    for (const account of accounts) {
      const row = account.customerPolicy(name, path)
      if (row === null) continue
      if (row instanceof Undecided) {
        gaps.push(row)
        continue
      }
      const written = defaultDocument(row)
      const text = JSON.stringify(written ?? null)
      if (texts.has(text)) continue
      const read = readWritten(written, name)
      if ('malformed' in read)
        gaps.push(account.invalid(account.managed.dataset, row.key, `${row.key} is no policy: ${read.malformed}`))
      else texts.set(text, read)
    }
    return { documents: [...texts.values()], why: gaps.length === 0 ? null : gaps.reduce(joinGaps) }
  }

  #accountOf(id: string): IamAccountEstate {
    let account = this.#accounts.get(id)
    if (account === undefined) {
      // with ten thousand accounts no one of them may look at all the others
      const own = { ...this.#snapshot, datasets: this.#datasets.get(id) ?? [], gaps: this.#gaps.get(id) ?? [] }
      account = new IamAccountEstate(id, own, this.#outside)
      this.#accounts.set(id, account)
    }
    return account
  }

  #object(account: IamAccountEstate): IamAccount {
    let object = this.#objects.get(account.accountId)
    if (object === undefined) {
      object = new IamAccount(account)
      this.#objects.set(account.accountId, object)
    }
    return object
  }
}
