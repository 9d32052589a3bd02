import type { Change, Facts, Place, Snapshot, SnapshotDiff } from '../model.ts'
import { streamRows } from './database.ts'
import { disposedText, readDisposals } from './disposal.ts'
import { factsOf, type RowKind, type Shape, sealTimes, shapes } from './resource.ts'
import { locate } from './snapshot.ts'
import type { Store } from './store.ts'
import { absenceOf, type ProvesAbsence, unreadIntervals } from './unread.ts'
import { seenAt, stillHolds } from './versions.ts'

/**
 * What differs between two snapshots of one source, in either order of their making. What was changed and changed back is no difference.
 * Found over the versions that began or ended between the two, so that it costs what changed and not what there is.
 * @throws {StoreError} NOT_FOUND when this store never sealed one of them
 */
export async function diff(store: Store, from: Snapshot, to: Snapshot): Promise<SnapshotDiff> {
  const a = await locate(store, from)
  const b = await locate(store, to)
  const where = { sourceId: a.sourceId, source: to.source }
  const sides = a.version === b.version ? [a.version] : [a.version, b.version]
  const unread = (await Promise.all(sides.map(version => unreadIntervals(store, where, version, version)))).flat()
  const pair: Pair = { sourceId: a.sourceId, from: a.version, to: b.version }
  return {
    from,
    to,
    unread: unread.map(({ partId: _, from: __, to: ___, ...part }) => part),
    changes: { [Symbol.asyncIterator]: () => changes(store, pair, where.source) },
  }
}

interface Pair {
  readonly sourceId: number
  readonly from: number
  readonly to: number
}

interface Row {
  readonly kind: RowKind
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly parent: string
  readonly key: string
  readonly before: string | null
  readonly before_disposed: number | null
  readonly before_parent: string | null
  readonly after: string | null
  readonly after_disposed: number | null
  readonly after_parent: string | null
  readonly before_seen: boolean | null
  readonly after_seen: boolean | null
  readonly shown: number
}

async function* changes(store: Store, pair: Pair, source: string): AsyncGenerator<Change> {
  const sealed = await sealTimes(store, { sourceId: pair.sourceId, version: Math.max(pair.from, pair.to) })
  let provesAbsence: ProvesAbsence | null = null
  let known = ''
  let disposals: Awaited<ReturnType<typeof readDisposals>> | null = null
  for await (const batch of streamRows<Row>(store.db, changedRows, [pair.sourceId, pair.from, pair.to])) {
    for (const row of batch) {
      if (provesAbsence === null || known !== row.dataset) {
        provesAbsence = await absenceOf(store, { sourceId: pair.sourceId, source }, [row.dataset])
        known = row.dataset
      }
      const change = changeOf(row, pair, provesAbsence, sealed)
      if (row.before_disposed === null && row.after_disposed === null) {
        yield change
        continue
      }
      disposals ??= await readDisposals(store)
      yield {
        ...change,
        ...(row.before_disposed === null ? {} : { beforeDisposed: disposedText(row.before_disposed, disposals) }),
        ...(row.after_disposed === null ? {} : { afterDisposed: disposedText(row.after_disposed, disposals) }),
      }
    }
  }
}

function changeOf(row: Row, pair: Pair, provesAbsence: ProvesAbsence, sealed: ReadonlyMap<number, Date>): Change {
  const place = { accountId: row.account_id, region: row.region }
  return {
    kind: kindOf(row, pair, place, provesAbsence),
    dataset: row.dataset,
    place,
    parent: row.parent,
    key: row.key,
    before: factsIn(row, row.before, row.before_parent),
    after: factsIn(row, row.after, row.after_parent),
    shownAt: sealed.get(row.shown)!,
  }
}

function kindOf(row: Row, pair: Pair, place: Place, provesAbsence: ProvesAbsence): Change['kind'] {
  if (row.before_parent !== null && row.after_parent !== null) return row.before_seen && row.after_seen ? 'changed' : 'unknown'
  const isNew = row.before_parent === null
  const isSeen = isNew ? row.after_seen : row.before_seen
  if (!isSeen || !provesAbsence(row.dataset, place, row.parent, isNew ? pair.from : pair.to)) return 'unknown'
  return isNew ? 'added' : 'removed'
}

function factsIn(row: Row, content: string | null, parent: string | null): Facts | null {
  return content === null ? null : factsOf(row.dataset, parent!, content, row.kind)
}

/** Versions of a key that differ between $2 and $3: only keys with a version that began or ended between them are looked at. */
const changedRows = `
  select c.kind, d.name as dataset, l.account_id, l.region, c.parent, c.key, c.before, c.before_disposed, c.before_parent, c.after, c.after_disposed, c.after_parent,
    c.before_seen, c.after_seen, c.shown
  from (${shapes.map(changedOf).join(' union all ')}) c
  join dataset d on d.id = c.dataset_id join place l on l.id = c.place_id
  order by d.name, l.account_id collate "C", l.region collate "C", c.key`

function changedOf({ kind, identity, content, joins, key, disposed }: Shape): string {
  const columns = identity.map(column => `v.${column}`).join(', ')
  const low = 'least($2::int, $3::int)'
  const high = 'greatest($2::int, $3::int)'
  const side = (at: string) => `(
      select ${columns}, v.part_id as in_part, v.from_version, v.to_version, v.digest, ${content} as content, ${disposed} as disposed, ${key} as key, p.parent,
        p.dataset_id, p.place_id, (${seenAt(kind, at)}) as is_seen
      from touched_${kind} h join ${kind}_version v on ${identity.map(column => `v.${column} = h.${column}`).join(' and ')}
      join part p on p.id = v.part_id ${joins}
      where v.from_version <= ${at} and v.to_version > ${at})`
  return `(
    with touched_${kind} as materialized (
      select ${columns} from ${kind}_version v where v.source_id = $1 and v.from_version > ${low} and v.from_version <= ${high}
      union
      select ${columns} from ${kind}_version v
      where v.source_id = $1 and v.to_version > ${low} and v.to_version <= ${high} and v.to_version < ${stillHolds}
    )
    select '${kind}' as kind, coalesce(a.dataset_id, b.dataset_id) as dataset_id, coalesce(a.place_id, b.place_id) as place_id,
      coalesce(b.parent, a.parent) as parent, coalesce(b.key, a.key) collate "C" as key, a.content as before, a.disposed as before_disposed, a.parent as before_parent,
      b.content as after, b.disposed as after_disposed, b.parent as after_parent, a.is_seen as before_seen, b.is_seen as after_seen,
      greatest(a.from_version, b.from_version, case when a.to_version <= ${high} then a.to_version end,
        case when b.to_version <= ${high} then b.to_version end) as shown
    from ${side('$2::int')} a full join ${side('$3::int')} b on ${identity.map(column => `a.${column} = b.${column}`).join(' and ')}
    where a.digest is distinct from b.digest or a.in_part is distinct from b.in_part)`
}
