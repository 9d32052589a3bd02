import type { DatasetSummary, EstateRows, Facts, Place, Snapshot, StoredResource } from '../model.ts'
import { query, streamRows } from './database.ts'
import { inOrder } from './dataset-summary.ts'
import { disposedText, readDisposals } from './disposal.ts'
import { type Edge, edgeFacts, type PrincipalType } from './edge.ts'
import { locate, type SnapshotPosition, snapshotsAsOf } from './snapshot.ts'
import type { Store } from './store.ts'
import { seenAt, stillHolds } from './versions.ts'

/**
 * What a snapshot saw, and only that: rows of complete parts, and of other parts the rows that were really shown.
 * Sorted by dataset, account, Region and key as UTF-8 bytes; read in batches, so that memory does not grow with the organization.
 * @param dataset only this one
 * @throws {StoreError} NOT_FOUND when this store never sealed the snapshot
 */
export async function* readResources(store: Store, snapshot: Snapshot, dataset?: string): AsyncGenerator<StoredResource> {
  const position = await locate(store, snapshot)
  const sealedAt = await sealTimes(store, position)
  const chosen = snapshot.datasets.filter(each => dataset === undefined || each.name === dataset).sort(inOrder)
  for (const summary of chosen) {
    if (summary.count === 0) continue
    const { name, place } = summary
    const isProvenAbsentBefore = await absences(store, position, summary)
    let disposals: Awaited<ReturnType<typeof readDisposals>> | null = null
    for await (const row of readStoredRows(store, position, name, place)) {
      if (row.disposed !== null) disposals ??= await readDisposals(store)
      const first = row.firstVersion ?? row.fromVersion
      yield {
        dataset: name,
        place,
        parent: row.parent,
        key: row.key,
        facts: row.content === null ? {} : factsOf(name, row.parent, row.content, row.kind),
        digest: row.digest.toString('hex'),
        salt: row.content === null ? null : (row.salt?.toString('hex') ?? null),
        firstSeenAt: sealedAt.get(first)!,
        seenFromTheStart: !isProvenAbsentBefore(row.parent, first),
        since: sealedAt.get(row.fromVersion)!,
        earlier: (row.earlier ?? []).map(([from, content]) => ({
          from: sealedAt.get(from)!,
          ...(content === null
            ? { facts: {}, disposed: true as const }
            : { facts: factsOf(name, row.parent, content, row.kind) }),
        })),
        ...(row.disposed === null ? {} : { disposed: disposedText(row.disposed, disposals!) }),
      }
    }
  }
}

/** Each source's last snapshot sealed at or before an instant, with what it saw. The resources are read when they are asked for, each time anew. */
export async function readEstate(store: Store, asOf: Date): Promise<EstateRows> {
  const snapshots = await snapshotsAsOf(store, asOf)
  const sources = snapshots.map(snapshot => ({
    snapshot,
    resources: { [Symbol.asyncIterator]: () => readResources(store, snapshot) },
  }))
  return { asOf, sources }
}

export type RowKind = 'entity' | 'membership' | 'assignment'

/** A version row with what its facts are made of. `content`: an entity's canonical facts, an edge's columns as a JSON array. */
export interface StoredRow {
  readonly kind: RowKind
  readonly key: string
  readonly parent: string
  /** null: gone */
  readonly content: string | null
  /** entry of the ledger under which the content was disposed of */
  readonly disposed: number | null
  readonly digest: Buffer
  readonly salt: Buffer | null
  readonly fromVersion: number
  /** of the same key, when there were earlier versions */
  readonly firstVersion: number | null
  readonly earlier: readonly (readonly [fromVersion: number, content: string | null])[] | null
}

/** Version rows that a snapshot saw of one dataset in one place, by key. */
export async function* readStoredRows(
  store: Store,
  position: SnapshotPosition,
  dataset: string,
  place: Place,
): AsyncGenerator<StoredRow> {
  const values = [position.sourceId, position.version, dataset, place.accountId, place.region]
  for await (const batch of streamRows<StoredRow>(store.db, storedRows, values)) yield* batch
}

/** @throws {SyntaxError} when somebody changed the content to what is no JSON */
export function factsOf(dataset: string, parent: string, content: string, kind: RowKind): Facts {
  if (kind === 'entity') return JSON.parse(content) as Facts
  return edgeFacts(dataset, parent, edgeIn(content, kind))
}

function edgeIn(content: string, kind: 'membership' | 'assignment'): Edge {
  if (kind === 'membership') {
    const [userKey, membershipId, storeKey, rest] = JSON.parse(content) as [string, string | null, string | null, string | null]
    return { kind, userKey, membershipId, storeKey, rest }
  }
  const [principalType, principalKey, rest] = JSON.parse(content) as [PrincipalType, string, string | null]
  return { kind, principalType, principalKey, rest }
}

/** Parts of the one dataset and place that is read. */
const itsParts = (alias: string) =>
  `${alias}.source_id = $1 and ${alias}.dataset_id = (select id from dataset where name = $3)
   and ${alias}.place_id = (select id from place where account_id = $4 and region = $5)`

/** How the rows of one kind are read. */
export interface Shape {
  readonly kind: RowKind
  readonly identity: readonly string[]
  /** of version row `v` */
  readonly content: string
  /** joins that `content` and `key` need */
  readonly joins: string
  readonly key: string
  readonly salt: string
  /** entry of the ledger under which `content` was disposed of; edges hold ids only and have no body that could be */
  readonly disposed: string
}

export const shapes: readonly Shape[] = [
  {
    kind: 'entity',
    identity: ['entity_id'],
    content: 'v.body',
    joins:
      'join entity e on e.id = v.entity_id join resource_key k on k.id = e.key_id left join entity_salt t on t.entity_id = v.entity_id',
    key: 'k.key',
    salt: 't.salt',
    disposed: 'v.disposed::float8',
  },
  {
    kind: 'membership',
    identity: ['part_id', 'user_id'],
    content: 'json_build_array(k.key, v.membership_id, i.key, v.rest)::text',
    joins: 'join resource_key k on k.id = v.user_id left join resource_key i on i.id = v.store_id',
    key: `p.parent || '|' || k.key`,
    salt: 'null::bytea',
    disposed: 'null::float8',
  },
  {
    kind: 'assignment',
    identity: ['part_id', 'principal_type', 'principal_id'],
    content: 'json_build_array(v.principal_type, k.key, v.rest)::text',
    joins: 'join resource_key k on k.id = v.principal_id',
    key: `p.parent || '|' || case v.principal_type when 1 then 'USER' else 'GROUP' end || '|' || k.key`,
    salt: 'null::bytea',
    disposed: 'null::float8',
  },
]

const storedRows = `${shapes.map(rowsOf).join(' union all ')} order by key`

/** Rows seen at version $2; beside each, the versions of the same key that ended by then. */
function rowsOf({ kind, identity, content, joins, key, salt, disposed }: Shape): string {
  const columns = identity.map(column => `v.${column}`).join(', ')
  return `
    select '${kind}' as kind, ${key} as key, p.parent, ${content} as content, ${disposed} as disposed, v.digest, ${salt} as salt, v.from_version as "fromVersion",
      h.first_version as "firstVersion", h.earlier
    from part p join ${kind}_version v on v.part_id = p.id ${joins}
    left join (
      select ${columns}, min(v.from_version) as first_version,
        json_agg(json_build_array(v.from_version, ${content}) order by v.from_version desc) as earlier
      from part p join ${kind}_version v on v.part_id = p.id ${joins}
      where ${itsParts('p')} and v.to_version <= $2 and v.to_version < ${stillHolds}
      group by ${columns}
    ) h on ${identity.map(column => `h.${column} = v.${column}`).join(' and ')}
    where ${itsParts('p')} and ${seenAt(kind, '$2')}`
}

/** Seal time of each snapshot of a source up to one. */
export async function sealTimes(
  store: Store,
  { sourceId, version }: Pick<SnapshotPosition, 'sourceId' | 'version'>,
): Promise<ReadonlyMap<number, Date>> {
  const text = 'select version, sealed_at from snapshot where source_id = $1 and version <= $2'
  const rows = await query<{ version: number; sealed_at: Date }>(store.db, text, [sourceId, version])
  return new Map(rows.map(row => [row.version, row.sealed_at]))
}

type Interval = readonly [from: number, to: number]

/**
 * Tells whether some snapshot before a version proves that a key of a part was not there: it read that part, or its dataset without
 * finding the parent. Where none does, the key may be older than anything we know.
 */
async function absences(
  store: Store,
  { sourceId, version }: SnapshotPosition,
  { name, place }: DatasetSummary,
): Promise<(parent: string, before: number) => boolean> {
  const values = [sourceId, version, name, place.accountId, place.region]
  const read = await query<{ version: number }>(
    store.db,
    `select y.version from dataset_summary y join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id
     where y.source_id = $1 and y.version < $2 and d.name = $3 and l.account_id = $4 and l.region = $5 and y.parts > 0
     order by y.version`,
    values,
  )
  const open = await query<{ parent: string; from_version: number; to_version: number }>(
    store.db,
    `select p.parent, o.from_version, o.to_version from open_part_version o join part p on p.id = o.part_id
     where o.source_id = $1 and o.from_version < $2 and ${itsParts('p')}`,
    values,
  )
  const intervals = new Map<string, Interval[]>()
  for (const row of open) {
    const known = intervals.get(row.parent)
    if (known === undefined) intervals.set(row.parent, [[row.from_version, row.to_version]])
    else known.push([row.from_version, row.to_version])
  }
  const isOpenAt = (parent: string, at: number) => (intervals.get(parent) ?? []).some(([from, to]) => from <= at && at < to)
  const listed = read.map(row => row.version).filter(at => !isOpenAt('', at))
  return (parent, before) =>
    intervals.has(parent)
      ? listed.some(at => at < before && !isOpenAt(parent, at))
      : listed[0] !== undefined && listed[0] < before
}
