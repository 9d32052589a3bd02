import { canonicalJson, factsDigest, setDigest } from '../digest.ts'
import type { Snapshot } from '../model.ts'
import { addUpCalls, reader } from './calls.ts'
import { query } from './database.ts'
import { datasetKey, populationsOf } from './dataset-summary.ts'
import { factsOf, readStoredRows, type StoredRow } from './resource.ts'
import { locate, readSnapshot, type SnapshotPosition, snapshotDigest } from './snapshot.ts'
import type { Store } from './store.ts'

/** One difference between what a snapshot says and what its rows give. */
export interface SnapshotProblem {
  readonly kind: 'snapshot' | 'chain' | 'dataset' | 'resource' | 'calls' | 'ledger'
  /** what differs: a dataset with its place, a resource's dataset and key, … */
  readonly name: string
  readonly message: string
}

/**
 * Computes a snapshot again from its rows: each resource, each dataset, the ledger of calls, the snapshot itself, its link to the one
 * before it and its entry in the ledger.
 * @returns every difference by name; empty when all is as it was sealed
 * @throws {StoreError} NOT_FOUND when this store never sealed the snapshot
 */
export async function checkSnapshot(store: Store, snapshot: Snapshot): Promise<readonly SnapshotProblem[]> {
  const position = await locate(store, snapshot)
  return [
    ...(await checkItself(store, snapshot)),
    ...(await checkChain(store, snapshot, position)),
    ...(await checkLedgerEntry(store, snapshot, position)),
    ...(await checkCalls(store, snapshot, position)),
    ...(await checkDatasets(store, snapshot, position)),
    ...(await checkResources(store, snapshot, position)),
  ]
}

export async function checkItself(store: Store, snapshot: Snapshot): Promise<SnapshotProblem[]> {
  const { digest, ...body } = snapshot
  const problems: SnapshotProblem[] = []
  const name = `${snapshot.source} version ${snapshot.version}`
  const computed = snapshotDigest(body)
  if (computed !== digest)
    problems.push({ kind: 'snapshot', name, message: `its digest is ${digest}, what it says gives ${computed}` })
  const [label] = await query<{ label: string }>(
    store.db,
    'select o.label from snapshot s join source o on o.id = s.source_id where s.run_id = $1',
    [snapshot.runId],
  )
  const stored = await readSnapshot(store, label!.label, { version: snapshot.version })
  if (stored !== null && stored.digest !== digest) {
    problems.push({
      kind: 'snapshot',
      name,
      message: `the database holds it with the digest ${stored.digest}, here it is ${digest}`,
    })
  }
  return problems
}

async function checkChain(store: Store, snapshot: Snapshot, { sourceId, version }: SnapshotPosition): Promise<SnapshotProblem[]> {
  const [before] = await query<{ digest: Buffer }>(
    store.db,
    'select digest from snapshot where source_id = $1 and version = $2',
    [sourceId, version - 1],
  )
  const expected = before?.digest.toString('hex') ?? null
  if (snapshot.previousDigest === expected) return []
  const message = `it follows ${snapshot.previousDigest ?? 'nothing'}, the version before it is ${expected ?? 'missing'}`
  return [{ kind: 'chain', name: `${snapshot.source} version ${version}`, message }]
}

async function checkLedgerEntry(
  store: Store,
  snapshot: Snapshot,
  { sourceId, version }: SnapshotPosition,
): Promise<SnapshotProblem[]> {
  const rows = await query<{ payload: string }>(
    store.db,
    `select payload from ledger where kind = 'snapshot' and payload::json->>'run' = $1`,
    [snapshot.runId],
  )
  const isThere = rows.some(row => {
    const payload = JSON.parse(row.payload) as { digest?: unknown; version?: unknown; sourceNumber?: unknown }
    return payload.digest === snapshot.digest && payload.version === version && payload.sourceNumber === sourceId
  })
  if (isThere) return []
  return [
    {
      kind: 'ledger',
      name: `${snapshot.source} version ${version}`,
      message: `no entry of the ledger holds its digest ${snapshot.digest}`,
    },
  ]
}

export async function checkCalls(
  store: Store,
  snapshot: Snapshot,
  { collectionId }: SnapshotPosition,
): Promise<SnapshotProblem[]> {
  const name = `calls of ${snapshot.source} version ${snapshot.version}`
  try {
    const { calls, root } = await addUpCalls(reader(store.db), collectionId)
    if (root === snapshot.callLedgerRoot && calls === snapshot.calls) return []
    if (calls === 0 && (await areDisposedOf(store, collectionId))) return []
    const message = `the snapshot counts ${snapshot.calls} with the root ${snapshot.callLedgerRoot}, the ledger of calls gives ${calls} with ${root}`
    return [{ kind: 'calls', name, message }]
  } catch (error) {
    return [{ kind: 'calls', name, message: `the ledger of calls cannot be read: ${(error as Error).message}` }]
  }
}

/** The ledger says that the calls went as a whole. */
async function areDisposedOf(store: Store, collectionId: number): Promise<boolean> {
  const text = `select from ledger where kind = 'disposal' and payload::jsonb->'callsOf' @> to_jsonb($1::int) limit 1`
  return (await query(store.db, text, [collectionId])).length > 0
}

export async function checkDatasets(
  store: Store,
  snapshot: Snapshot,
  { sourceId, version }: SnapshotPosition,
): Promise<SnapshotProblem[]> {
  const found = new Map(
    (await populationsOf(reader(store.db), sourceId, version)).map(each => [datasetKey(each.dataset, each.place), each]),
  )
  const problems: SnapshotProblem[] = []
  for (const { name, place, count, digest } of snapshot.datasets) {
    const key = datasetKey(name, place)
    const computed = found.get(key) ?? { count: 0, digest: setDigest([]) }
    found.delete(key)
    if (computed.count !== count) {
      problems.push({
        kind: 'dataset',
        name: key,
        message: `the snapshot counts ${count} rows, the database shows ${computed.count}`,
      })
    } else if (computed.digest !== digest) {
      problems.push({ kind: 'dataset', name: key, message: `its digest is ${digest}, its rows give ${computed.digest}` })
    }
  }
  for (const [key, { count }] of found) {
    problems.push({
      kind: 'dataset',
      name: key,
      message: `the database shows ${count} rows of a dataset that the snapshot does not name`,
    })
  }
  return problems
}

async function checkResources(store: Store, snapshot: Snapshot, position: SnapshotPosition): Promise<SnapshotProblem[]> {
  const problems: SnapshotProblem[] = []
  for (const { name, place } of snapshot.datasets) {
    for await (const row of readStoredRows(store, position, name, place)) {
      const message = rowProblem(name, row)
      if (message !== null) problems.push({ kind: 'resource', name: `${datasetKey(name, place)} ${row.key}`, message })
    }
  }
  return problems
}

function rowProblem(dataset: string, row: StoredRow): string | null {
  const digest = row.digest.toString('hex')
  if (row.content === null) return row.disposed === null ? 'its facts are gone, and no disposal is on record' : null
  try {
    const computed = factsDigest(
      canonicalJson(factsOf(dataset, row.parent, row.content, row.kind)),
      row.salt?.toString('hex') ?? null,
    )
    return computed === digest ? null : `its digest is ${digest}, its facts give ${computed}`
  } catch (error) {
    return `its facts cannot be read: ${(error as Error).message}`
  }
}
