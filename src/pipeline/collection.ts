import { AppError, explain } from '../errors.ts'
import type { Progress, Snapshot, Source } from '../model.ts'
import { type CheckMode, collect, planCollection } from '../sources/index.ts'
import { baselineCounts, failRun, lastCounts, openRun, publishHeads, recordFailure, saveParts, sealRun } from '../store/index.ts'
import { type Parts, PipelineError } from './parts.ts'

export interface CollectionOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
  /** default `sampled` */
  readonly checks?: CheckMode
}

/**
 * One collection of one source, from the plan to the sealed snapshot. What an interrupted run had read is not read again.
 * @throws what a room throws when nothing can be proven; the failure is on record then, and the previous snapshot untouched
 */
export async function runCollection(
  parts: Omit<Parts, 'catalog'>,
  source: Source,
  options: CollectionOptions = {},
): Promise<Snapshot> {
  const startedAt = parts.now()
  let opened = false
  try {
    const counts = await lastCounts(parts.store, source.label)
    const plan = await planCollection(parts.aws, source, counts, await baselineCounts(parts.store, source.label))
    await using run = await openRun(parts.store, source, plan)
    opened = true
    try {
      for await (const batch of collect(parts.aws, source, plan, run.done, options.onProgress, options.checks ?? 'sampled')) {
        await saveParts(run, batch)
        if (options.signal?.aborted) throw interrupted(source)
      }
      const snapshot = await sealRun(run)
      parts.log.info('collected', {
        source: source.label,
        version: snapshot.version,
        calls: snapshot.calls,
        gaps: snapshot.gaps.length,
      })
      await leaveHead(parts, source)
      return snapshot
    } catch (error) {
      if (!(error instanceof PipelineError)) await failRun(run, failureOf(error))
      throw error
    }
  } catch (error) {
    if (!opened && failureOf(error).code !== 'SOURCE_BUSY')
      await recordFailure(parts.store, source, { ...failureOf(error), startedAt })
    throw error
  }
}

/** A head that cannot be written takes nothing away from the sealed snapshot: it is told, and written with the next one. */
async function leaveHead({ store, heads, log }: Pick<Parts, 'store' | 'heads' | 'log'>, source: Source): Promise<void> {
  if (heads === undefined) return
  try {
    await publishHeads(store, source.label, heads.sinks, heads.signer)
  } catch (error) {
    log.error('no head outside the database', { source: source.label, error })
  }
}

function interrupted(source: Source): PipelineError {
  return new PipelineError('INTERRUPTED', `the collection of ${source.label} was interrupted`, {
    hint: 'what was read is kept: run it again within a day, and it goes on from there',
  })
}

function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  return { code: error instanceof AppError ? error.code : 'UNEXPECTED', message: explain(error) }
}
