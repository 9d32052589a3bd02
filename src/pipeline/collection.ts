import { AppError, explain } from '../errors.ts'
import type { CollectedBatch, Progress, Snapshot, Source } from '../model.ts'
import { type CheckMode, collect, planCollection, type Remembered } from '../sources/index.ts'
import {
  accountsWithPairs,
  baselineCounts,
  failRun,
  heldRows,
  keptFacts,
  lastCounts,
  openRun,
  recordFailure,
  saveParts,
  sealRun,
  stagedRows,
} from '../store/index.ts'
import { progressTold } from './collection-progress.ts'
import { leaveHead } from './heads.ts'
import { type Parts, PipelineError } from './parts.ts'

/** How a collection is made. */
export interface CollectionOptions {
  /** ends it at once, whatever it waits for: what was saved is kept */
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
    const baseline = await baselineCounts(parts.store, source.label)
    const kept = {
      keptFacts: (dataset: string) => keptFacts(parts.store, source.label, dataset),
      accountsWithPairs: () => accountsWithPairs(parts.store, source.label),
    }
    const planning = planCollection(parts.aws, source, counts, baseline, kept)
    const plan = await unlessStopped(planning, source, options.signal)
    await using run = await openRun(parts.store, source, plan)
    opened = true
    try {
      const remembered: Remembered = {
        ...kept,
        heldRows: (dataset, place) => heldRows(run, dataset, place),
        stagedRows: (dataset, place) => stagedRows(run, dataset, place),
      }
      const told = progressTold(run, parts.log, options.onProgress)
      const batches = collect(parts.aws, source, plan, run.done, told, options.checks ?? 'sampled', remembered)
      for await (const batch of untilStopped(batches, source, options.signal)) await saveParts(run, batch)
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
    if (!opened && !['SOURCE_BUSY', 'INTERRUPTED'].includes(failureOf(error).code))
      await recordFailure(parts.store, source, { ...failureOf(error), startedAt })
    throw error
  }
}

/** What the work gives, or at once the interruption: a call that backs off for minutes is not waited for. */
async function unlessStopped<T>(work: Promise<T>, source: Source, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const over = new AbortController()
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(interrupted(source))
    else signal.addEventListener('abort', () => reject(interrupted(source)), { once: true, signal: over.signal })
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, stopped])
  } finally {
    over.abort()
  }
}

/** Batches until the interruption. What is being read then is left to whoever closes the way to AWS. */
async function* untilStopped(
  batches: AsyncGenerator<CollectedBatch, void, undefined>,
  source: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<CollectedBatch, void, undefined> {
  try {
    for (;;) {
      const next = await unlessStopped(batches.next(), source, signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    const closing = batches.return()
    if (signal?.aborted === true) closing.catch(() => {})
    else await closing
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
