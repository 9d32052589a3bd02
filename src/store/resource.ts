import type { Facts, Place, Snapshot, StoredResource } from '../model.ts'
import { streamRows } from './database.ts'
import { inOrder } from './dataset-summary.ts'
import { disposedText, readDisposals } from './disposal.ts'
import { type Edge, edgeFacts, edgeKindOf, type PrincipalType } from './edge.ts'
import { isInColumns } from './edge-columns.ts'
import { itsParts, SeenTimes, sealTimes } from './seen-since.ts'
import { locate, type SnapshotPosition } from './snapshot.ts'
import type { Store } from './store.ts'
import { seenAt, stillHolds } from './versions.ts'

/**
 * What a snapshot saw, and only that: rows of complete parts, and of other parts the rows that were really shown.
 * Sorted by dataset, account, Region and key as UTF-8 bytes; read in batches, so that memory does not grow with the organization.
 * @param dataset only this one
 * @throws {StoreError} NOT_FOUND when this store never sealed the snapshot
 */
export function readResources(store: Store, snapshot: Snapshot, dataset?: string): AsyncGenerator<StoredResource> {
  return resourcesOf(store, snapshot, dataset ?? null, kind => (kind === null ? entityRows : rowsWith[kind]))
}

/** The same without what `readEdges` reads. */
export function readOtherThanEdges(store: Store, snapshot: Snapshot): AsyncGenerator<StoredResource> {
  return resourcesOf(store, snapshot, null, kind => (kind === null ? entityRows : otherRowsWith[kind]))
}

async function* resourcesOf(
  store: Store,
  snapshot: Snapshot,
  dataset: string | null,
  rowsOf: (edges: Edge['kind'] | null) => string,
): AsyncGenerator<StoredResource> {
  const position = await locate(store, snapshot)
  const sealedAt = await sealTimes(store, position)
  const chosen = snapshot.datasets.filter(each => dataset === null || each.name === dataset).sort(inOrder)
  for (const summary of chosen) {
    if (summary.count === 0) continue
    const { name, place } = summary
    const times = await SeenTimes.read(store, position, summary, sealedAt)
    let disposals: Awaited<ReturnType<typeof readDisposals>> | null = null
    for await (const row of readStoredRows(store, position, name, place, rowsOf(edgeKindOf(name)))) {
      if (row.disposed !== null) disposals ??= await readDisposals(store)
      const { firstSeenAt, seenFromTheStart, since } = times.of(row.parent, row.fromVersion, row.firstVersion ?? row.fromVersion)
      yield {
        dataset: name,
        place,
        parent: row.parent,
        key: row.key,
        facts: row.content === null ? {} : factsOf(name, row.parent, row.content, row.kind),
        digest: row.digest.toString('hex'),
        salt: row.content === null ? null : (row.salt?.toString('hex') ?? null),
        ...{ firstSeenAt, seenFromTheStart, since },
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

/** Version rows that a snapshot saw of one dataset in one place, by key. @param rows statement; all kinds of rows when left out */
export async function* readStoredRows(
  store: Store,
  position: SnapshotPosition,
  dataset: string,
  place: Place,
  rows = storedRows,
): AsyncGenerator<StoredRow> {
  const values = [position.sourceId, position.version, dataset, place.accountId, place.region]
  for await (const batch of streamRows<StoredRow>(store.db, rows, values)) yield* batch
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

const [entity, membership, assignment] = shapes as readonly [Shape, Shape, Shape]

/** Whatever their kind: what stands where it does not belong is there too. */
const storedRows = statement(shapes.map(shape => selectOf(shape)))
const entityRows = statement([selectOf(entity)])
const rowsWith = rowsAndEdges('')
const otherRowsWith = rowsAndEdges(`and not ${isInColumns}`)

/** For the datasets that hold edges. @param which of the edges */
function rowsAndEdges(which: string): { readonly [kind in Edge['kind']]: string } {
  return {
    membership: statement([selectOf(entity), selectOf(membership, which)]),
    assignment: statement([selectOf(entity), selectOf(assignment, which)]),
  }
}

function statement(selects: readonly string[]): string {
  return `${selects.join(' union all ')} order by key`
}

/** Rows seen at version $2; beside each, the versions of the same key that ended by then. @param more condition on them */
function selectOf({ kind, identity, content, joins, key, salt, disposed }: Shape, more = ''): string {
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
    where ${itsParts('p')} and ${seenAt(kind, '$2')} ${more}`
}
