import type { Place, Snapshot, SourceHistory, StoredState } from '../model.ts'
import { query, streamRows } from './database.ts'
import { type DisposalEntry, disposedText, readDisposals } from './disposal.ts'
import { factsOf, type RowKind, type Shape, shapes } from './resource.ts'
import { locate, readSnapshot, type SnapshotPosition } from './snapshot.ts'
import { sourceLabel } from './source.ts'
import type { Store } from './store.ts'
import { absenceOf, type ProvesAbsence } from './unread.ts'
import { stillHolds } from './versions.ts'

/**
 * What changed in a source from an instant to a snapshot, found over the versions that began or ended between the two: it costs what changed
 * and not what there is.
 * @param datasets whose changes are wanted
 * @throws {StoreError} NOT_FOUND when this store never sealed the snapshot
 */
export async function readHistory(
  store: Store,
  snapshot: Snapshot,
  since: Date,
  datasets: readonly string[],
): Promise<SourceHistory> {
  const position = await locate(store, snapshot)
  const snapshots = await query<{ version: number; sealedAt: Date }>(
    store.db,
    `select version, sealed_at as "sealedAt" from snapshot
     where source_id = $1 and version <= $2 and version >= coalesce(
       (select max(version) from snapshot where source_id = $1 and version <= $2 and sealed_at <= $3), 1)
     order by version`,
    [position.sourceId, position.version, since],
  )
  const previous =
    position.version === 1
      ? null
      : await readSnapshot(store, await sourceLabel(store, snapshot), { version: position.version - 1 })
  const first = snapshots[0]!.version
  return {
    snapshots,
    previous: previous?.datasets ?? null,
    states: { [Symbol.asyncIterator]: () => states(store, position, first, snapshot.source, datasets) },
  }
}

interface Row {
  readonly kind: RowKind
  readonly dataset: string
  readonly accountId: string
  readonly region: string
  readonly parent: string
  readonly key: string
  /** null: disposed of under that entry of the ledger */
  readonly content: string | null
  readonly disposed: number | null
  readonly from: number
  readonly to: number
  readonly unseenFrom: number | null
  /** version with which an earlier state of the same resource ended; null when there was none */
  readonly before: number | null
}

async function* states(
  store: Store,
  position: SnapshotPosition,
  first: number,
  source: string,
  datasets: readonly string[],
): AsyncGenerator<StoredState> {
  const last = position.version
  if (first === last) return
  const where = { sourceId: position.sourceId, source }
  let provesAbsence: ProvesAbsence | null = null
  let known = ''
  let disposals: ReadonlyMap<number, DisposalEntry> | null = null
  for await (const batch of streamRows<Row>(store.db, changed, [position.sourceId, first, last, datasets])) {
    for (const row of batch) {
      if (provesAbsence === null || known !== row.dataset) {
        provesAbsence = await absenceOf(store, where, [row.dataset])
        known = row.dataset
      }
      if (row.disposed !== null) disposals ??= await readDisposals(store)
      const place = { accountId: row.accountId, region: row.region }
      const to = row.to <= last ? row.to : null
      yield {
        dataset: row.dataset,
        place,
        parent: row.parent,
        key: row.key,
        facts: row.content === null ? {} : factsOf(row.dataset, row.parent, row.content, row.kind),
        ...(row.disposed === null ? {} : { disposed: disposedText(row.disposed, disposals!) }),
        from: Math.max(row.from, first),
        isFromTheStart: row.from <= first,
        notBefore: notBefore(row, place, first, provesAbsence),
        lastSeen: Math.min(row.unseenFrom ?? stillHolds, to ?? last + 1) - 1,
        to,
      }
    }
  }
}

/** A state that took another's place came after the last snapshot that showed the other; a new one after the last that proves its absence. */
function notBefore(row: Row, place: Place, first: number, provesAbsence: ProvesAbsence): number | null {
  if (row.from <= first) return null
  if (row.before === row.from) return row.from - 1
  for (let version = row.from - 1; version >= first; version--)
    if (provesAbsence(row.dataset, place, row.parent, version)) return version
  return null
}

/** Every version from $2 to $3 of the rows that have one which begins after $2 or ends by $3. */
const changed = `
  select c.*, d.name as dataset, l.account_id as "accountId", l.region
  from (${shapes.map(changedOf).join(' union all ')}) c
  join dataset d on d.id = c.dataset_id join place l on l.id = c.place_id
  order by d.name, l.account_id collate "C", l.region collate "C", c.key, c."from"`

function changedOf({ kind, identity, content, joins, key, disposed }: Shape): string {
  const columns = identity.map(column => `v.${column}`).join(', ')
  const same = (a: string, b: string) => identity.map(column => `${a}.${column} = ${b}.${column}`).join(' and ')
  const inDatasets = `v.part_id in (select q.id from part q join dataset w on w.id = q.dataset_id where w.name = any ($4::text[]))`
  return `(
    with touched_${kind} as materialized (
      select ${columns} from ${kind}_version v where v.source_id = $1 and v.from_version > $2 and v.from_version <= $3 and ${inDatasets}
      union
      select ${columns} from ${kind}_version v
      where v.source_id = $1 and v.to_version > $2 and v.to_version <= $3 and v.to_version < ${stillHolds} and ${inDatasets}
    )
    select '${kind}' as kind, p.dataset_id, p.place_id, p.parent, ${key} collate "C" as key, ${content} as content, ${disposed} as disposed,
      v.from_version as "from", v.to_version as "to",
      (select max(b.to_version) from ${kind}_version b where b.source_id = $1 and ${same('b', 'v')} and b.to_version <= v.from_version) as before,
      (select min(u.from_version) from ${kind}_unseen u where u.source_id = $1 and ${same('u', 'v')}
        and u.from_version >= v.from_version and u.from_version < v.to_version and u.to_version >= least(v.to_version, $3::int + 1)) as "unseenFrom"
    from touched_${kind} h join ${kind}_version v on v.source_id = $1 and ${same('v', 'h')}
    join part p on p.id = v.part_id ${joins}
    where v.from_version <= $3 and v.to_version > $2)`
}
