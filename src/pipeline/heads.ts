import type { Source } from '../model.ts'
import { publishEvaluationHeads, publishHeads, readSnapshot } from '../store/index.ts'
import type { Parts } from './parts.ts'

type HeadParts = Pick<Parts, 'store' | 'heads' | 'log'>

/** A head that cannot be written takes nothing away from the sealed snapshot: it is told, and written with the next one. */
export async function leaveHead({ store, heads, log }: HeadParts, source: Pick<Source, 'label'>): Promise<void> {
  if (heads === undefined) return
  try {
    await publishHeads(store, source.label, heads.sinks, heads.signer)
  } catch (error) {
    log.error('no head outside the database', { source: source.label, error })
  }
}

/** The same for the evaluations. */
export async function leaveEvaluationHead({ store, heads, log }: HeadParts): Promise<void> {
  if (heads === undefined) return
  try {
    await publishEvaluationHeads(store, heads.sinks, heads.signer)
  } catch (error) {
    log.error('no head outside the database', { stream: 'evaluations', error })
  }
}

/** Leaves outside what could not be left when it was sealed; with nothing to leave it asks each sink for its last head and no more. */
export async function leaveMissedHeads(parts: HeadParts, sources: readonly Pick<Source, 'label'>[]): Promise<void> {
  for (const source of sources)
    if ((await readSnapshot(parts.store, source.label, 'latest')) !== null) await leaveHead(parts, source)
  await leaveEvaluationHead(parts)
}
