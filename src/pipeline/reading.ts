import type { CallRecord, Snapshot, StoredResource } from '../model.ts'
import { type Mask, maskOf } from '../reports/index.ts'
import { readCalls, readResources, type Store } from '../store/index.ts'

/** Reads what evidence is made of: as it was, or with pseudonyms in place of people. */
export interface Reading {
  /** null: as it was */
  readonly mask: Mask | null
  resources(snapshot: Snapshot, dataset?: string): AsyncIterable<StoredResource>
  calls(snapshot: Snapshot): AsyncIterable<CallRecord>
}

export function plainReading(store: Store): Reading {
  return {
    mask: null,
    resources: (snapshot, dataset) => readResources(store, snapshot, dataset),
    calls: snapshot => readCalls(store, snapshot),
  }
}

/** Datasets that name people, those who are gone from the directory included. */
const peopleIn = [
  ...['identitystore.users', 'iam.users', 'identitystore.group_memberships', 'sso.account_assignments'],
  'sso.application_assignments',
]

/** @param snapshots every one that is read of, so that everybody in them is known */
export async function maskedReading(
  store: Store,
  pseudonym: (text: string) => string,
  snapshots: readonly Snapshot[],
): Promise<Reading> {
  async function* people(): AsyncGenerator<StoredResource> {
    for (const dataset of peopleIn) for (const snapshot of snapshots) yield* readResources(store, snapshot, dataset)
  }
  const mask = await maskOf(pseudonym, people())
  return {
    mask,
    resources: (snapshot, dataset) => mask.rows(readResources(store, snapshot, dataset)),
    async *calls(snapshot) {
      for await (const call of readCalls(store, snapshot)) yield mask.call(call)
    },
  }
}
