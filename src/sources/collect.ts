import type { CollectedBatch, CollectionPlan, PartPiece, Progress, Source } from '../model.ts'
import { AccountList, readAccounts } from './account-reading.ts'
import type { Aws } from './aws.ts'
import { Channel } from './channel.ts'
import { Collection } from './collection.ts'
import { connect } from './connect.ts'
import { type CheckMode, crossChecks } from './cross-checks.ts'
import { DiscoveryByAccount } from './discovery-by-account.ts'
import { PaceTeller } from './pace.ts'
import { PendingChanges } from './pending-changes.ts'
import { servicesOf } from './services.ts'
import type { Session } from './session.ts'
import { SourcesError } from './sources-error.ts'
import type { Remembered } from './sudden-drop.ts'
import { uncollected } from './uncollected.ts'
import { Witness } from './witness.ts'

/** Rows of one service that may lie between AWS and the consumer before reading it waits; the others go on, each under its own budget. */
const mostRowsWaiting = 2000

/**
 * Reads everything the plan names, all services side by side. Breaking out of the loop stops all calls under way.
 * What cannot be read comes as a part with its gap; the whole fails only when nothing can be proven any more.
 * @param plan from `planCollection`; its connection is used, or made again (in another process, or a second time)
 * @param done `partKey` of parts that an interrupted run has staged: they are not read again, lists that name parents are
 * @param onProgress told at most ten times a second, at least once a second, and at the end
 * @param checks whether the populations are read a second way and compared; what is found comes as `evidenced.cross_checks`
 * @param remembered what earlier runs know of parts: without it no sum over parts is held against the last time, and everything is read anew
 * @throws {SourcesError} as `planCollection`; IDENTITY_CHANGED when the plan is of another organization or instance
 */
export async function* collect(
  aws: Aws,
  source: Source,
  plan: CollectionPlan,
  done: ReadonlySet<string>,
  onProgress: (progress: Progress) => void = () => {},
  checks: CheckMode = 'none',
  remembered: Remembered = {},
): AsyncGenerator<CollectedBatch, void, undefined> {
  const session = await sessionOf(aws, source, plan)
  session.baseline = plan.baseline ?? {}
  session.remembered = remembered
  const channel = new Channel<PartPiece>(
    mostRowsWaiting,
    piece => Math.max(1, piece.rows.length),
    ({ part }) => part.dataset.slice(0, part.dataset.indexOf('.')),
  )
  const { calls: planned, seconds } = plan
  const pace = new PaceTeller(onProgress, session.ledger, { calls: planned, seconds, staged: done.size })
  let parts = 0
  const witness = checks === 'none' ? null : new Witness(done.size > 0, session.way.now())
  const handOn = async (piece: PartPiece) => {
    await channel.push(piece)
    if (piece.end !== null) parts++
    pace.note(piece.part.dataset)
  }
  const emit = async (piece: PartPiece) => {
    witness?.note(piece)
    await handOn(piece)
  }
  const pending = witness === null ? null : new PendingChanges(session)
  const byAccount = plan.discovery?.taken === 'by_account' ? new DiscoveryByAccount(session) : null
  const reading = readAll(session, byAccount, done, emit, remembered)
    .then(async () => {
      if (witness === null || pending === null || checks === 'none') return
      pace.beginChecks()
      for (const piece of await crossChecks(session, witness, pending, checks, session.ledger.written)) await emit(piece)
      await pending.readAgain(pairs => witness.provisionedAmong(pairs), handOn)
    })
    .then(
      () => channel.end(),
      (error: unknown) => channel.end(error),
    )
  try {
    for (let pieces = await channel.take(); pieces !== null; pieces = await channel.take()) {
      yield { pieces, calls: session.ledger.take() }
    }
    pace.end(`${parts} parts read`)
    const calls = session.ledger.take()
    if (calls.length > 0) yield { pieces: [], calls }
    if (session.unknownMembers.length > 0) {
      aws.log.info('AWS sent members that the SDK does not know; they are kept', {
        source: source.label,
        members: session.unknownMembers,
      })
    }
  } finally {
    pace.close()
    session.close()
    channel.end()
    await reading
  }
}

/** What the collecting role sees, and IAM of each account as soon as the accounts are known. Ends when both have. */
async function readAll(
  session: Session,
  byAccount: DiscoveryByAccount | null,
  done: ReadonlySet<string>,
  emit: (piece: PartPiece) => Promise<void>,
  remembered: Remembered,
): Promise<void> {
  const accounts = new AccountList(session)
  const noted = async (piece: PartPiece) => {
    await emit(piece)
    accounts.note(piece)
    byAccount?.note(piece)
  }
  const services = servicesOf(session.source)
  const collection = new Collection(session, byAccount?.of(services) ?? services, done, noted, remembered)
  const ends = await Promise.allSettled([
    collection.read().finally(() => accounts.settle()),
    accounts.known.then(list => readAccounts(session, list, done, emit)),
  ])
  const failed = ends.find(end => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  for (const piece of uncollected(session)) await emit(piece)
}

async function sessionOf(aws: Aws, source: Source, plan: CollectionPlan): Promise<Session> {
  const open = aws.sessions.get(plan)
  aws.sessions.delete(plan)
  if (open !== undefined && !open.signal.aborted) return open
  const { session } = await connect(aws, source)
  const found = session.standing?.identity
  const organizations = [found?.organizationId, plan.identity.organizationId].filter(id => typeof id === 'string')
  const isSame = found?.instanceArn === plan.identity.instanceArn && new Set(organizations).size < 2
  if (isSame) return session
  session.close()
  throw new SourcesError(
    'IDENTITY_CHANGED',
    `the plan of ${source.label} is of ${plan.identity.instanceArn}, AWS shows ${found?.instanceArn}`,
    {
      hint: 'plan the collection again',
    },
  )
}
