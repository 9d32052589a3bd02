import type { EstateRows, Snapshot, SourceRows } from '../model.ts'
import { readEdges } from './edge-columns.ts'
import { readOtherThanEdges } from './resource.ts'
import { snapshotsAsOf } from './snapshot.ts'
import type { Store } from './store.ts'

/** Each source's last snapshot sealed at or before an instant, with what it saw. */
export async function readEstate(store: Store, asOf: Date): Promise<EstateRows> {
  const snapshots = await snapshotsAsOf(store, asOf)
  return { asOf, sources: snapshots.map(snapshot => sourceRows(store, snapshot)) }
}

/** What a snapshot saw, for judging. It is read when it is asked for, each time anew. */
export function sourceRows(store: Store, snapshot: Snapshot): SourceRows {
  return {
    snapshot,
    resources: { [Symbol.asyncIterator]: () => readOtherThanEdges(store, snapshot) },
    edges: { [Symbol.asyncIterator]: () => readEdges(store, snapshot) },
  }
}
