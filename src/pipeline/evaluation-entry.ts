import type { Finding, SavedEvaluation } from '../model.ts'
import { readFindings, readLedger, type Store } from '../store/index.ts'

/** Where an evaluation stands in the ledger: what evidence of it may rest on, whenever it is made. */
export interface EvaluationEntry {
  readonly position: number
  /** false: it judged an older instant than another before it, and left the findings as they were */
  readonly movesFindings: boolean
}

export async function entryOf(store: Store, evaluation: SavedEvaluation): Promise<EvaluationEntry> {
  let found = { position: 0, movesFindings: false }
  for await (const { kind, payload, position } of readLedger(store))
    if (kind === 'evaluation' && payload.digest === evaluation.digest && payload.evaluation === evaluation.id)
      found = { position, movesFindings: payload.findings !== undefined }
  return found
}

/**
 * Every finding as it stood with an evaluation; null when it moved none.
 * @param ledgerPosition what people said of them up to here; left out: by the evaluation itself
 */
export async function findingsWith(
  store: Store,
  evaluation: SavedEvaluation,
  entry: EvaluationEntry,
  ledgerPosition: number = entry.position,
): Promise<readonly Finding[] | null> {
  return entry.movesFindings ? readFindings(store, { evaluation: evaluation.id, ledgerPosition }) : null
}
