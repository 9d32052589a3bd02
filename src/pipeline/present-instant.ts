import { listEvaluations, listSnapshots, type Store } from '../store/index.ts'

/**
 * The instant to judge when nobody names one: now. Where the clock was set back, the last instant on record: a store never seals a snapshot
 * before the last one, so that judging an earlier instant would pass over everything that was collected since, and move no finding.
 */
export async function presentInstant(store: Store, now: Date): Promise<Date> {
  const [snapshot] = await listSnapshots(store, { limit: 1 })
  const judged = (await listEvaluations(store, { limit: 100 })).map(each => each.asOf)
  return [...judged, ...(snapshot === undefined ? [] : [snapshot.sealedAt])].reduce((last, at) => (at > last ? at : last), now)
}
