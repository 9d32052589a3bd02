import { ListPermissionSetsProvisionedToAccountCommand } from '@aws-sdk/client-sso-admin'
import type { Facts, PartPiece } from '../model.ts'
import { type Ask, type Dataset, type Operation, rowsOf, text } from './dataset.ts'
import { discoveryOf } from './discovery.ts'
import { Lanes } from './lanes.ts'
import type { Service } from './service.ts'
import type { Session } from './session.ts'

const pageSize = 100
const sideBySide = 8

/** The sets of one account: the other way to the same pairs. */
export const provisionedToAccount: Operation = {
  service: 'sso',
  name: 'ListPermissionSetsProvisionedToAccount',
  command: ListPermissionSetsProvisionedToAccountCommand,
  // of the lists that are read, AWS is seen to do so with this one alone
  // https://github.com/aws-samples/iam-identity-center-team/issues/12
  leavesOutEmpty: true,
}

interface Pairs {
  readonly accountsOf: ReadonlyMap<string, readonly string[]>
  /** from the first question to the last answer: any account's may be about any set */
  readonly observed: { readonly observedSince: Date; readonly observedAt: Date }
}

/**
 * Finds the provisioned pairs account by account, where that is cheaper, and hands them out set by set: parts, rows and what hangs from them
 * are the same whichever way was taken. Where the accounts are not all known, or one cannot be asked or is listed no more, or had pairs and is
 * answered without its list, they are found by set after all.
 */
export class DiscoveryByAccount {
  readonly #session: Session
  readonly #accounts: PromiseWithResolvers<readonly string[] | null> = Promise.withResolvers()
  #pairs: Promise<Pairs | null> | null = null
  #listed: string[] = []

  constructor(session: Session) {
    this.#session = session
    if (session.signal.aborted) this.#accounts.resolve(null)
    session.signal.addEventListener('abort', () => this.#accounts.resolve(null), { once: true })
  }

  /** Takes what was read of `organizations.accounts`; other pieces are passed over. */
  note({ part, isFirst, rows, end }: PartPiece): void {
    if (part.dataset !== 'organizations.accounts') return
    if (isFirst) this.#listed = []
    for (const { key } of rows) this.#listed.push(key)
    if (end !== null) this.#accounts.resolve(end.coverage === 'complete' ? this.#listed : null)
  }

  /** The services, with the pairs found this way. */
  of(services: readonly Service[]): readonly Service[] {
    return withPairs(services, bySet => ({
      ...bySet,
      inquiry: {
        operations: [provisionedToAccount],
        answer: async (ask, setArn) => {
          this.#pairs ??= this.#find(ask)
          const found = await this.#pairs
          return found === null ? null : { ...found.observed, answer: { AccountIds: found.accountsOf.get(setArn) ?? [] } }
        },
      },
    }))
  }

  async #find(ask: Ask): Promise<Pairs | null> {
    const accounts = await this.#accounts.promise
    if (accounts === null) return null
    const { log, now } = this.#session.way
    const had = await this.#session.remembered.accountsWithPairs?.()
    const unlisted = unlistedOf(accounts, had)
    if (unlisted !== null) {
      log.warn('pairs are found by permission set, since an account that had some is listed no more', { account: unlisted })
      return null
    }
    const accountsOf = new Map<string, string[]>()
    const refused: string[] = []
    const lanes = new Lanes()
    const observedSince = now()
    lanes.addEach('sso', sideBySide, accounts, async accountId => {
      if (refused.length > 0) return
      const sets = await setsOf(ask, this.#session.subject.instanceArn, accountId, had?.has(accountId) ?? false)
      if (typeof sets === 'string') {
        refused.push(sets)
        return
      }
      for (const setArn of sets) {
        const known = accountsOf.get(setArn)
        if (known === undefined) accountsOf.set(setArn, [accountId])
        else known.push(accountId)
      }
    })
    await lanes.finished()
    if (refused.length > 0) {
      log.warn('pairs are found by permission set, since an account could not be asked for its own', { code: refused[0] })
      return null
    }
    this.#session.discovery = 'by_account'
    return { accountsOf, observed: { observedSince, observedAt: now() } }
  }
}

/** An account that had pairs when they were last known and is not listed now: it may have them still, and only its sets tell. */
function unlistedOf(accounts: readonly string[], had: ReadonlyMap<string, boolean> | undefined): string | null {
  const listed = new Set(accounts)
  return [...(had?.keys() ?? [])].find(accountId => !listed.has(accountId)) ?? null
}

/** The services as a plan counts them when the pairs are found by account. */
export function plannedByAccount(services: readonly Service[]): readonly Service[] {
  return withPairs(services, bySet => ({
    ...bySet,
    operation: provisionedToAccount,
    calls: rows => discoveryOf(rows).byAccount,
  }))
}

function withPairs(services: readonly Service[], found: (bySet: Dataset) => Dataset): readonly Service[] {
  return services.map(service => ({
    ...service,
    datasets: service.datasets.map(dataset => (dataset.name === 'sso.provisioned_accounts' ? found(dataset) : dataset)),
  }))
}

/**
 * The sets of an account, or the code of what was said instead; the same page token twice is an end that nobody can trust.
 * @param hadPairs then no list is not taken for an empty one
 */
async function setsOf(ask: Ask, instanceArn: string, accountId: string, hadPairs: boolean): Promise<readonly string[] | string> {
  const found: string[] = []
  const seen = new Set<string>()
  for (let page = 1, token: string | undefined; ; page++) {
    const input = { InstanceArn: instanceArn, AccountId: accountId, MaxResults: pageSize }
    const said = await ask(provisionedToAccount, token === undefined ? input : { ...input, NextToken: token }, {
      page,
      items: answer => namesIn(answer)?.length ?? 0,
    })
    if ('trouble' in said) return said.trouble.code
    const names = hadPairs && (said.answer.PermissionSets ?? null) === null ? null : namesIn(said.answer)
    const next = said.answer.NextToken ?? ''
    if (names === null || typeof next !== 'string') return 'an answer without what the operation promises'
    for (const name of names) found.push(name)
    if (next === '') return found
    token = next
    if (seen.has(token)) return 'the same page token twice'
    seen.add(token)
  }
}

/** The sets that an answer names, absent for none; null when it is no list of names. */
function namesIn({ PermissionSets }: Facts): readonly string[] | null {
  const rows = rowsOf(
    PermissionSets ?? [],
    set => text(set, 'Arn'),
    arn => ({ Arn: arn as string }),
  )
  return rows?.map(({ key }) => key) ?? null
}
