import { hostname } from 'node:os'
import type { Command } from 'commander'
import { isAhead, startDaemon } from '../daemon/index.ts'
import { openLog } from '../log.ts'
import type { Source } from '../model.ts'
import { presentInstant, readConfiguredExceptions, runCollection, runEvaluation } from '../pipeline/index.ts'
import { listen } from '../server/index.ts'
import { becomeOnlyDaemon, claimSlot, listEvaluations, readSnapshot, refuseSuperuser, type Store } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { aborted, addCommand, type CommonOptions, configOf, type Invocation, terminalOf } from './command.ts'
import { openPages, type PagesOptions } from './pages.ts'
import { awsOf, catalogOf, headsOf, lookOf, signerOf, storeOf } from './parts.ts'
import { recordSetup } from './setup-record.ts'
import { startUpkeep } from './upkeep.ts'
import { watchedHeads } from './watched-heads.ts'

export function addRun(program: Command, invocation: Invocation): void {
  addCommand(program, 'run', 'stay up: collect and evaluate on the schedule, serve the first page').action(
    async (options: CommonOptions) => {
      const config = configOf(invocation, options)
      const log = openLog(config.logLevel)
      const catalog = catalogOf(config, { note: text => log.error('broken control', { problem: text }) })
      const signer = await signerOf(config)
      await using store = await storeOf(config, log)
      await using _ = await becomeOnlyDaemon(store)
      if (!config.allowSuperuser) await refuseSuperuser(store)
      await recordSetup(store, config, catalog)
      await using aws = awsOf(store, log, invocation.env)
      const now = () => new Date()
      const outside = await headsOf(config, invocation.env)
      const watched = watchedHeads(outside.sinks)
      const heads = { ...outside, sinks: watched.sinks }
      const parts = { aws, store, catalog, signer, now, log, heads, look: lookOf(config) }
      const state: { -readonly [name in 'collecting' | 'nextRun' | 'verificationFailure']: PagesOptions[name] } = {
        collecting: () => null,
        nextRun: () => null,
        verificationFailure: () => null,
      }
      const app = await openPages({
        ...{ parts, config, log },
        collecting: () => state.collecting(),
        nextRun: () => state.nextRun(),
        verificationFailure: () => state.verificationFailure(),
        headFailure: watched.failure,
      })
      try {
        const address = await listen(app, config.server.host, config.server.port)
        log.info('listening', { address, version: softwareVersion, loopbackOnly: true })
        const holder = `${process.pid}@${hostname()}`
        const claim = (schedule: string, nominalTime: Date) => claimSlot(store, schedule, nominalTime, holder)
        const daemon = startDaemon({
          sources: config.sources,
          schedule: config.schedule,
          claim,
          lastSnapshot: source => readSnapshot(store, source.label, 'latest'),
          collect: async (source, signal) => void (await runCollection(parts, source, { signal })),
          evaluate: async () => {
            await readConfiguredExceptions(parts, config.exceptions)
            const asOf = await presentInstant(store, now())
            if (isAhead(asOf, now())) log.error('the clock is behind what is on record', { clock: now(), onRecord: asOf })
            await runEvaluation(parts, asOf, config.findings)
          },
          isJudged: () => isJudged(store, config.sources),
          now,
          log,
        })
        const upkeep = startUpkeep(parts, config, claim, watched.failure)
        state.verificationFailure = upkeep.verificationFailure
        state.collecting = daemon.collecting
        state.nextRun = daemon.nextRun
        await aborted(invocation.signal)
        log.info('draining', { collecting: daemon.collecting() })
        await Promise.all([upkeep.stop(), daemon.stop()])
      } finally {
        await app.close()
      }
      log.info('stopped', {})
      terminalOf(invocation, options).document({ stopped: true })
    },
  )
}

/** Whether one of the last evaluations judged the last snapshot of every source that has one. */
async function isJudged(store: Store, sources: readonly Source[]): Promise<boolean> {
  const snapshots = await Promise.all(sources.map(({ label }) => readSnapshot(store, label, 'latest')))
  const last = snapshots.flatMap(snapshot => snapshot?.digest ?? [])
  const evaluations = await listEvaluations(store, { limit: 20 })
  return (
    last.length === 0 || evaluations.some(each => last.every(digest => each.snapshots.some(judged => judged.digest === digest)))
  )
}
