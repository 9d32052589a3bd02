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

/** A version that one of the two snapshots shows and the other does not. */
interface Row {
  readonly kind: RowKind
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly parent: string
  readonly key: string
  readonly content: string | null
  /** entry of the ledger under which the content was disposed of */
  readonly disposed: number | null
  readonly digest: string
  readonly part_id: number
  readonly is_low: boolean
  readonly is_seen: boolean
  /** the version that began or ended it between the two */
  readonly at: number
}

async function* changes(store: Store, pair: Pair, source: string): AsyncGenerator<Change> {
  const sealed = await sealTimes(store, { sourceId: pair.sourceId, version: Math.max(pair.from, pair.to) })
  let provesAbsence: ProvesAbsence | null = null
  let known = ''
  let disposals: Awaited<ReturnType<typeof readDisposals>> | null = null
  for await (const rows of pairsOf(store, pair)) {
    const [row] = rows
    if (provesAbsence === null || known !== row.dataset) {
      provesAbsence = await absenceOf(store, { sourceId: pair.sourceId, source }, [row.dataset])
      known = row.dataset
    }
    const change = changeOf(rows, pair, provesAbsence, sealed)
    if (change === null) continue
    const [before, after] = sidesOf(rows, pair)
    const positions = [before?.disposed ?? null, after?.disposed ?? null] as const
    if (positions[0] !== null || positions[1] !== null) disposals ??= await readDisposals(store)
    yield {
      ...change,
      ...(positions[0] === null ? {} : { beforeDisposed: disposedText(positions[0], disposals!) }),
      ...(positions[1] === null ? {} : { afterDisposed: disposedText(positions[1], disposals!) }),
    }
  }
}

/** Rows of one key together: one, or both. */
async function* pairsOf(store: Store, { sourceId, from, to }: Pair): AsyncGenerator<readonly [Row, Row?]> {
  let waiting: Row | null = null
  const values = [sourceId, Math.min(from, to), Math.max(from, to)]
  for await (const batch of streamRows<Row>(store.db, changedRows, values, 5000)) {
    for (const row of batch) {
      if (waiting === null) waiting = row
      else if (isSameKey(waiting, row)) {
        yield [waiting, row]
        waiting = null
      } else {
        yield [waiting]
        waiting = row
      }
    }
  }
  if (waiting !== null) yield [waiting]
}

function isSameKey(a: Row, b: Row): boolean {
  const isSame = a.key === b.key && a.kind === b.kind && (a.kind === 'entity' || a.parent === b.parent)
  return isSame && a.dataset === b.dataset && a.account_id === b.account_id && a.region === b.region
}

function sidesOf([first, second]: readonly [Row, Row?], { from, to }: Pair): readonly [before: Row | null, after: Row | null] {
  const other = second ?? null
  return first.is_low === from < to ? [first, other] : [other, first]
}

function changeOf(
  rows: readonly [Row, Row?],
  pair: Pair,
  provesAbsence: ProvesAbsence,
  sealed: ReadonlyMap<number, Date>,
): Change | null {
  const [first, second = null] = rows
  // it was changed and changed back
  if (second !== null && first.digest === second.digest && first.part_id === second.part_id) return null
  const [before, after] = sidesOf(rows, pair)
  const place = { accountId: first.account_id, region: first.region }
  const { parent } = after ?? before ?? first
  return {
    kind: kindOf(before, after, parent, pair, place, provesAbsence),
    ...{ dataset: first.dataset, place, parent, key: first.key, before: factsIn(before), after: factsIn(after) },
    shownAt: sealed.get(Math.max(first.at, second?.at ?? 0))!,
  }
}

function kindOf(
  before: Row | null,
  after: Row | null,
  parent: string,
  pair: Pair,
  place: Place,
  provesAbsence: ProvesAbsence,
): Change['kind'] {
  if (before !== null && after !== null) return before.is_seen && after.is_seen ? 'changed' : 'unknown'
  const [shown, other] = before === null ? [after!, pair.from] : [before, pair.to]
  if (!shown.is_seen || !provesAbsence(shown.dataset, place, parent, other)) return 'unknown'
  return before === null ? 'added' : 'removed'
}

function factsIn(row: Row | null): Facts | null {
  return row === null || row.content === null ? null : factsOf(row.dataset, row.parent, row.content, row.kind)
}

/**
 * Versions that snapshot $2 shows and the later snapshot $3 does not, or the other way round: those that ended between the two, and
 * those that began.
 */
const changedRows = `
  select c.kind, d.name as dataset, l.account_id, l.region, c.parent, c.key collate "C" as key, c.content, c.disposed, encode(c.digest, 'hex') as digest,
    c.part_id, c.is_low, c.is_seen, c.at
  from (${shapes.map(changedOf).join(' union all ')}) c
  join dataset d on d.id = c.dataset_id join place l on l.id = c.place_id
  order by d.name, l.account_id, l.region, c.key collate "C", c.kind, c.parent`

function changedOf({ kind, content, joins, key, disposed }: Shape): string {
  const side = (isLow: boolean, at: string, column: string, condition: string) => `
    select '${kind}' as kind, p.dataset_id, p.place_id, p.parent, ${key} as key, ${content} as content, ${disposed} as disposed, v.digest, v.part_id, ${isLow} as is_low,
      (${seenAt(kind, at)}) as is_seen, v.${column} as at
    from ${kind}_version v join part p on p.id = v.part_id ${joins}
    where v.source_id = $1 and ${condition}`
  const ended = `v.to_version > $2::int and v.to_version <= $3::int and v.to_version < ${stillHolds} and v.from_version <= $2::int`
  const begun = 'v.from_version > $2::int and v.from_version <= $3::int and v.to_version > $3::int'
  return `${side(true, '$2::int', 'to_version', ended)} union all ${side(false, '$3::int', 'from_version', begun)}`
}
