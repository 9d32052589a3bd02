import type { SavedEvaluation } from '../model.ts'
import { listEvaluations, readEvaluation, readLedger, type Store } from '../store/index.ts'

/** What stood in the ledger at a position: evidence made of it alone is the same whenever it is made. */
export interface OnRecord {
  /** of the last entry that evidence can rest on (a snapshot, an evaluation, a failed run); 0 for an empty ledger */
  readonly position: number
  readonly evaluations: ReadonlySet<string>
  readonly snapshots: ReadonlySet<string>
  /** ids of runs that failed */
  readonly failedRuns: ReadonlySet<string>
}

/** @param upTo position of the ledger; left out or null, all of it */
export async function onRecord(store: Store, upTo: number | null = null): Promise<OnRecord> {
  const evaluations = new Set<string>()
  const snapshots = new Set<string>()
  const failedRuns = new Set<string>()
  const sets = { evaluation: evaluations, snapshot: snapshots, run_failed: failedRuns }
  let last = 0
  for await (const { position, kind, payload } of readLedger(store)) {
    if (upTo !== null && position > upTo) break
    if (!(kind in sets)) continue
    last = position
    sets[kind as keyof typeof sets].add(String(kind === 'run_failed' ? payload.run : payload.digest))
  }
  return { position: last, evaluations, snapshots, failedRuns }
}

/** The last evaluation on record as of an instant; of two that judged the same instant, the newer. */
export async function evaluationOnRecord(store: Store, record: OnRecord, asOf: Date | null): Promise<SavedEvaluation | null> {
  const [last] = (await listEvaluations(store, { limit: 1_000_000 }))
    .filter(head => record.evaluations.has(head.digest) && (asOf === null || head.asOf <= asOf))
    .sort((a, b) => b.asOf.getTime() - a.asOf.getTime() || b.id - a.id)
  return last === undefined ? null : readEvaluation(store, last.id)
}
