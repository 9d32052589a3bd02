import type { Progress } from '../model.ts'
import { query } from './database.ts'
import type { OpenRun } from './run.ts'

/** Keeps how far a run has come, for whoever looks while it goes on. It is no evidence: the next one of the source takes its place. */
export async function saveProgress(run: OpenRun, progress: Progress): Promise<void> {
  const { phase, done, total, perSecond = null, throttles = 0, secondsLeft = null, detail } = progress
  await query(
    run.store.db,
    `insert into run_progress (source_id, run_id, at, phase, done, total, per_second, throttles, seconds_left, detail)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (source_id) do update set run_id = excluded.run_id, at = excluded.at, phase = excluded.phase, done = excluded.done,
       total = excluded.total, per_second = excluded.per_second, throttles = excluded.throttles, seconds_left = excluded.seconds_left,
       detail = excluded.detail`,
    [run.sourceId, run.id, run.store.now(), phase, done, total, perSecond, throttles, secondsLeft, detail],
  )
}
