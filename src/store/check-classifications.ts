import type { SavedEvaluation } from '../model.ts'
import { storedClassificationDigest } from './classification.ts'
import { query } from './database.ts'
import type { Store } from './store.ts'

/** Tells what is not as an evaluation left it in what is kept of permission sets; null: nothing. @param said digest in the ledger; undefined: it kept none */
export type CheckClassification = (
  evaluation: Pick<SavedEvaluation, 'id' | 'snapshots'>,
  said: string | undefined,
) => Promise<string | null>

/**
 * "Who was admin" is answered by what an evaluation said, of which snapshots, of which source: the ledger holds the first, and the others follow from the
 * snapshots that the evaluation names.
 */
export async function openClassificationCheck(store: Store): Promise<CheckClassification> {
  const names = `s.label || ' ' || s.version`
  const known = new Set((await query<{ name: string }>(store.db, `select ${names} as name from snapshot s`)).map(row => row.name))
  const classified = Map.groupBy(
    await query<{ id: number; name: string | null }>(
      store.db,
      `select c.evaluation_id as id, ${names} as name from classified_snapshot c left join snapshot s using (source_id, version)`,
    ),
    row => row.id,
  )
  const strays = new Set((await query<{ id: number }>(store.db, strayRows)).map(row => row.id))
  return async ({ id, snapshots }, said) => {
    const judged = snapshots.map(({ source, version }) => `${source} ${version}`).filter(name => known.has(name))
    const expected = [...new Set(said === undefined ? [] : judged)].sort()
    const found = [...new Set((classified.get(id) ?? []).map(row => row.name ?? ''))].sort()
    if (JSON.stringify(expected) !== JSON.stringify(found))
      return 'the snapshots whose permission sets it is said to have judged are not those that it judged'
    if (strays.has(id)) return 'what it says of permission sets is said of another snapshot or source'
    return said === undefined || said === (await storedClassificationDigest(store, id))
      ? null
      : 'what it says of permission sets was changed'
  }
}

const strayRows = `select distinct c.evaluation_id as id from classification c
  where not exists (select from classified_snapshot w
      where w.evaluation_id = c.evaluation_id and w.source_id = c.source_id and w.version = c.version)
    or not exists (select from resource_key k where k.source_id = c.source_id and k.key = c.permission_set)
      and exists (select from source o join resource_key k on k.source_id = o.id and k.key = c.permission_set where o.id <> c.source_id)`
