import { query } from './database.ts'
import type { Store } from './store.ts'

/** A control that decided nothing of one source, since it broke while it judged. */
export interface BrokenControl {
  readonly id: string
  readonly source: string
  readonly error: string
}

/** The controls that broke in an evaluation, in its order; none of an evaluation that is not there. */
export async function brokenControls(store: Store, evaluation: number): Promise<readonly BrokenControl[]> {
  const rows = await query<{ control_id: string; source: string; body: string }>(
    store.db,
    'select control_id, source, body from outcome_version where from_evaluation <= $1 and to_evaluation > $1 order by position',
    [evaluation],
  )
  return rows.flatMap(({ control_id, source, body }) => {
    const { error } = JSON.parse(body) as { readonly error: string | null }
    return error === null ? [] : [{ id: control_id, source, error }]
  })
}
