import type { Config } from '../config.ts'
import { startDaily, startScheduled } from '../daemon/index.ts'
import { explain } from '../errors.ts'
import type { Signer } from '../evidence/index.ts'
import type { Log } from '../log.ts'
import { leaveMissedHeads, type Parts, runVerification } from '../pipeline/index.ts'
import {
  disposeCalls,
  lastVerification,
  listSnapshots,
  runRetention,
  type Store,
  sweepDisposed,
  verifyingAlone,
} from '../store/index.ts'
import { publishedKeys } from './parts.ts'
import { rulesOf } from './retention.ts'

export interface Upkeep {
  /** why the last verification that this process tried could not be done, in words; null: it could */
  verificationFailure(): string | null
  stop(): Promise<void>
}

const headsAgainMs = 3_600_000

/**
 * What a daemon does for the store beside collecting: retention once a day, computing all of it again at `schedule.verify`, and leaving heads outside
 * that could not be left, at its start and once an hour.
 * @param headFailure why the last head could not be left; null: it could
 */
export function startUpkeep(
  parts: Required<Pick<Parts, 'store' | 'heads' | 'log' | 'now'>> & { readonly signer: Signer },
  config: Config,
  claim: (schedule: string, nominalTime: Date) => Promise<boolean>,
  headFailure: () => string | null,
): Upkeep {
  const { store, log, now } = parts
  const daily = startDaily({ name: 'retention', claim, work: () => retain(store, config, log), now, log })
  const verification = startScheduled({
    name: 'verification',
    schedule: config.schedule.verify,
    timeZone: config.schedule.timeZone,
    lastDone: async () => (await lastVerification(store))?.at ?? (await firstSealed(store)),
    claim,
    work: async signal => {
      const done = await verifyingAlone(store, async () => verify(parts, config, signal))
      if (done === null) log.info('verified elsewhere', {})
    },
    now,
    log,
  })
  const leave = () => leaveMissedHeads(parts, config.sources).catch(error => log.error('no head outside the database', { error }))
  // the one before may have been killed between a seal and its head
  let leaving = leave()
  const again = setInterval(() => {
    if (headFailure() !== null) leaving = leaving.then(leave)
  }, headsAgainMs)
  return {
    verificationFailure: () => {
      const failure = verification.failure()
      return failure === null ? null : explain(failure)
    },
    async stop() {
      clearInterval(again)
      await Promise.all([daily.stop(), verification.stop(), leaving])
    },
  }
}

async function retain(store: Store, config: Config, log: Log): Promise<void> {
  let isDisposed = false
  for (const { heldBy, rule, ...step } of await runRetention(store, rulesOf(config))) {
    if (heldBy.length > 0) log.info('kept by holds', { source: step.source, heldBy })
    if (step.ledgerPosition === null) continue
    isDisposed = true
    log.info('disposed of what is older than it is kept', { ...step, because: rule.because })
  }
  const { callLedgerDays } = config.retention
  if (callLedgerDays !== null) {
    const calls = await disposeCalls(store, callLedgerDays)
    if (calls.ledgerPosition !== null) {
      isDisposed = true
      log.info('disposed of single calls that are older than they are kept', { ...calls })
    }
  }
  if (!isDisposed) return
  const { left } = await sweepDisposed(store, 'reuse')
  if (left.length > 0) log.warn('what was disposed of may stand in the files of the database still', { left })
}

async function verify(
  { store, heads, log, signer }: Parameters<typeof startUpkeep>[0],
  config: Config,
  signal: AbortSignal,
): Promise<true> {
  const outside = { sinks: heads.sinks, keys: await publishedKeys(config, signer) }
  // between two steps the daemon may end
  const found = await runVerification(store, outside, () => signal.throwIfAborted())
  const { snapshots, evaluations, ledgerEntries, ledgerHead, wrong, problems } = found
  const counts = { snapshots, evaluations, ledgerEntries, ledgerHead, problems: wrong, headsMissing: problems.length - wrong }
  const first = problems.slice(0, 10).map(({ kind, name, message }) => `${kind} ${name}: ${message}`)
  if (wrong > 0) log.error('the store is not as it was sealed', { ...counts, first })
  else if (problems.length > 0) log.warn('verified; heads are missing outside', { ...counts, first })
  else log.info('verified', counts)
  return true
}

/** When there was first something to verify. */
async function firstSealed(store: Store): Promise<Date | null> {
  const seals = (await listSnapshots(store, { limit: 1_000_000 })).map(each => each.sealedAt.getTime())
  return seals.length === 0 ? null : new Date(seals.reduce((least, each) => Math.min(least, each)))
}
