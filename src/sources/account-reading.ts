import type { Coverage, Gap, PartEnd, PartPiece, Row } from '../model.ts'
import { AccountDrops } from './account-drops.ts'
import { accountStates } from './account-states.ts'
import { Collection } from './collection.ts'
import { wrongExternalIds } from './credentials.ts'
import type { Dataset } from './dataset.ts'
import { ownCause } from './gap.ts'
import { Lanes } from './lanes.ts'
import { accountServicesOf } from './services.ts'
import type { Session } from './session.ts'
import { regionDisabled } from './sts.ts'
import type { Trouble } from './trouble.ts'

/** Each account has its own IAM budget: so many are read side by side. */
export const accountsAtATime = 16

interface Account {
  readonly id: string
  /** as Organizations says; null where nobody says */
  readonly state: string | null
}

/** The accounts whose IAM is to be read, and why there may be others. */
export interface Accounts {
  readonly list: readonly Account[]
  /** why the list may not be whole; null when it is */
  readonly missing: { readonly coverage: Coverage; readonly gap: Gap } | null
}

/** Waits for the organization's accounts while they are read with everything else. */
export class AccountList {
  readonly known: Promise<Accounts>
  readonly #session: Session
  readonly #resolve: (accounts: Accounts) => void
  #rows: Row[] = []

  constructor(session: Session) {
    this.#session = session
    const { promise, resolve } = Promise.withResolvers<Accounts>()
    this.known = promise
    this.#resolve = resolve
  }

  /** Takes what was read of `organizations.accounts`; other pieces are passed over. */
  note({ part, isFirst, rows, end }: PartPiece): void {
    if (part.dataset !== 'organizations.accounts') return
    if (isFirst) this.#rows = []
    this.#rows.push(...rows)
    if (end === null) return
    if (end.coverage === 'not_applicable') this.#settle([{ id: this.#session.accountId, state: null }], null)
    else {
      const [gap] = end.gaps
      const accounts = this.#rows.map(({ key, facts }) => ({
        id: key,
        state: typeof facts.State === 'string' ? facts.State : null,
      }))
      this.#settle(accounts, gap === undefined ? null : { coverage: end.coverage, gap })
    }
  }

  /** Nothing more will come: whoever waits is not left waiting. */
  settle(): void {
    this.#resolve({ list: [], missing: null })
  }

  #settle(found: readonly Account[], missing: Accounts['missing']): void {
    const wanted = this.#session.source.iam?.accounts ?? null
    if (wanted === null) this.#resolve({ list: found, missing })
    else {
      const states = new Map(found.map(({ id, state }) => [id, state]))
      this.#resolve({ list: wanted.map(id => ({ id, state: states.get(id) ?? null })), missing: null })
    }
  }
}

/**
 * Reads IAM of every account with a role of that account. What is refused in one account is a gap there and only there; an
 * account that is suspended or closed is not applicable, with its state for a proof.
 */
export async function readAccounts(
  home: Session,
  { list, missing }: Accounts,
  done: ReadonlySet<string>,
  emit: (piece: PartPiece) => Promise<void>,
): Promise<void> {
  const services = accountServicesOf(home.source)
  if (services.length === 0) return
  const lanes = new Lanes()
  const onAbort = () => lanes.stop(home.signal.reason)
  home.signal.addEventListener('abort', onAbort, { once: true })
  const refused: RefusedAccount[] = []
  const drops = new AccountDrops(home, emit)
  for (const account of list) {
    lanes.add('accounts', accountsAtATime, async () => {
      const end = await readAccount(home, account, done, drops, emit)
      if (end !== null) refused.push(end)
    })
  }
  if (home.signal.aborted) onAbort()
  await lanes.finished()
  await drops.settle()
  await endRefused(home, refused, emit)
  const own = home.place('iam').accountId
  if (missing !== null) await emitWhole(home, emit, () => unknownAccounts(home, missing))
  else if (!list.some(({ id }) => id === own)) {
    const reason = `account ${own}, which collects, is not among those whose IAM is read`
    await emitWhole(home, emit, () => ({ coverage: 'not_applicable', reason, gap: null }))
  }
}

/** An account that does not let us in. */
interface RefusedAccount {
  readonly session: Session
  readonly roleArn: string
  readonly refused: Trouble | Distrust | string
  /** ends of parts that were refused after others had been read; left out: nothing was read */
  readonly held?: readonly PartPiece[]
}

/** @returns the refusal, whose ends are still to come; null when every part has its end */
async function readAccount(
  home: Session,
  { id, state }: Account,
  done: ReadonlySet<string>,
  drops: AccountDrops,
  emit: (piece: PartPiece) => Promise<void>,
): Promise<RefusedAccount | null> {
  const { source } = home
  const { roleName, externalId } = source.iam!
  const roleArn = `arn:${source.partition}:iam::${id}:role/${roleName}`
  const session = home.inAccount(id, roleArn, externalId)
  if (isClosed(state)) {
    const reason = `organizations:ListAccounts says State ${state}: nobody can sign in to account ${id} or assume its roles`
    await emitWhole(session, emit, () => ({ coverage: 'not_applicable', reason, gap: null }))
    return null
  }
  const refused = await refusedRole(session, roleArn)
  if (refused !== null) return { session, roleArn, refused }
  const services = accountServicesOf(source)
  const datasets = new Map(services.flatMap(service => service.datasets.map(dataset => [dataset.name, dataset])))
  const held: PartPiece[] = []
  await new Collection(session, services, done, async piece => {
    drops.note(session, datasets, piece)
    if (piece.end !== null && isRefusal(piece.end)) held.push(piece)
    else await emit(piece)
  }).read()
  // an account that is closed while it is read refuses everything from then on, its role too
  const refusedNow = held.length === 0 ? null : await session.credentials.assume()
  if (refusedNow?.kind === 'denied') return { session, roleArn, refused: refusedNow, held }
  for (const piece of held) await emit(piece)
  return null
}

function isRefusal({ coverage, gaps }: PartEnd): boolean {
  return coverage === 'denied' || gaps.some(gap => gap.reason === 'credentials_expired')
}

/** An account may have been closed, or have left, since it was listed: the list is read once more before a refusal is taken for one. */
async function endRefused(
  home: Session,
  accounts: readonly RefusedAccount[],
  emit: (piece: PartPiece) => Promise<void>,
): Promise<void> {
  const isDenied = ({ refused }: RefusedAccount) => typeof refused !== 'string' && refused.kind === 'denied'
  const again =
    home.standing?.organization === 'present' && accounts.some(isDenied) ? await accountStates(home) : { trouble: null }
  for (const account of accounts) {
    const { session, roleArn, refused } = account
    const gone = isDenied(account) && !('trouble' in again) ? goneSince(session.accountId, again) : null
    if (account.held !== undefined) {
      for (const piece of account.held) await emit(gone === null ? piece : notApplicableNow(piece, gone))
      continue
    }
    await emitWhole(session, emit, dataset =>
      gone === null
        ? roleGap(session, dataset, roleArn, refused)
        : { coverage: 'not_applicable', reason: `${gone}, and its role was refused`, gap: null },
    )
  }
}

/** A part that was refused because its account is gone. Rows that were seen before stay: they were there. */
function notApplicableNow({ part, isFirst, rows, end }: PartPiece, gone: string): PartPiece {
  const reason = `${gone}, and refused what was asked`
  return { part, isFirst, rows, end: { ...end!, coverage: 'not_applicable', reason, gaps: [] } }
}

/** What became of an account; null when it is as active as before. */
function goneSince(id: string, states: ReadonlyMap<string, string | null>): string | null {
  if (!states.has(id))
    return `account ${id} left the organization while the source was read: organizations:ListAccounts shows it no more`
  const state = states.get(id) ?? null
  if (!isClosed(state)) return null
  return `account ${id} was closed while the source was read: organizations:ListAccounts says State ${state} now`
}

/** A State that AWS adds tomorrow proves nothing: such an account is tried. */
function isClosed(state: string | null): boolean {
  return state !== null && ['PENDING_ACTIVATION', 'SUSPENDED', 'PENDING_CLOSURE', 'CLOSED'].includes(state)
}

/** Assumes the role and proves that it is of the account, and that it is not given to whoever leaves the external id out. */
async function refusedRole(session: Session, roleArn: string): Promise<Trouble | Distrust | string | null> {
  const trouble = await session.credentials.assume()
  if (trouble !== null) return trouble
  if (session.source.auth.externalId !== null) {
    for (const probe of wrongExternalIds()) {
      const said = await session.credentials.tryRole(roleArn, probe)
      if (!('trouble' in said)) return { kind: 'not_demanded' }
      if (said.trouble.kind !== 'denied') return said.trouble
    }
  }
  const caller = await session.credentials.callerIdentity()
  if ('trouble' in caller) return caller.trouble
  return caller.accountId === session.accountId
    ? null
    : `${roleArn} was assumed, and sts:GetCallerIdentity says account ${caller.accountId}`
}

/** The role gives itself to anyone who may name it: nothing is read with it until it demands its external id. */
interface Distrust {
  readonly kind: 'not_demanded'
}

interface Ending {
  readonly coverage: Coverage
  readonly reason: string
  readonly gap: Gap | null
  readonly parent?: string
}

/** Ends every dataset of an account at once. */
async function emitWhole(
  session: Session,
  emit: (piece: PartPiece) => Promise<void>,
  ending: (dataset: Dataset) => Ending,
): Promise<void> {
  const now = session.way.now()
  for (const dataset of accountServicesOf(session.source).flatMap(service => service.datasets)) {
    const { coverage, reason, gap, parent = '' } = ending(dataset)
    const part = { dataset: dataset.name, place: session.place(dataset.operation.service), parent }
    const gaps = gap === null ? [] : [{ ...gap, dataset: dataset.name, place: part.place, parent }]
    const end = { coverage, reason, gaps, pages: 0, duplicates: 0, firstObservedAt: now, lastObservedAt: now }
    await emit({ part, isFirst: true, rows: [], end })
  }
}

function roleGap(session: Session, dataset: Dataset, roleArn: string, refused: Trouble | Distrust | string): Ending {
  if (typeof refused !== 'string' && refused.kind === 'not_demanded') return distrusted(session, dataset, roleArn)
  const isDenied = typeof refused !== 'string' && refused.kind === 'denied'
  const said = typeof refused === 'string' ? refused : `sts:AssumeRole of ${roleArn} was answered with ${refused.code}`
  const isSwitchedOff = typeof refused !== 'string' && refused.code === regionDisabled
  const wayOut = isSwitchedOff
    ? `Activate STS of ${session.source.region} in the account settings of its IAM`
    : isDenied
      ? 'Check that the role exists in this account (the management account is not covered by service-managed StackSets), that its trust policy names the collector and the configured external id, and that no service control policy denies it'
      : 'Collect again'
  const message = `${said}. ${wayOut}.`
  const { coverage, gap } = ownCause(
    isDenied ? 'denied' : 'incomplete',
    typeof refused === 'string' ? 'invalid_answer' : refused.reason,
    dataset,
    session.place(dataset.operation.service),
    '',
    typeof refused === 'string' ? null : refused.code,
    message,
  )
  return { coverage, reason: message, gap: { ...gap, action: isDenied ? 'sts:AssumeRole' : null } }
}

function distrusted(session: Session, dataset: Dataset, roleArn: string): Ending {
  const message = `${roleArn} was given without an external id, so anyone who may use this collector could read the account; nothing was read with it. Add the condition StringEquals sts:ExternalId to its trust policy (\`evidenced aws trust-policy\` prints one) and collect again.`
  const place = session.place(dataset.operation.service)
  const code = 'EXTERNAL_ID_NOT_DEMANDED'
  return { ...ownCause('incomplete', 'external_id_not_demanded', dataset, place, '', code, message), reason: message }
}

/** Which accounts there are is not known in full: said once, beside what was read, as a part named after the organization. */
function unknownAccounts(home: Session, { coverage, gap }: NonNullable<Accounts['missing']>): Ending {
  const message = `The accounts of the organization are not known in full, so IAM of others may be missing. ${gap.message}`
  return {
    coverage,
    reason: message,
    gap: { ...gap, reason: 'parent_not_read', message },
    parent: home.standing?.identity.organizationId ?? 'organization',
  }
}
