import type { Change, Place, Snapshot, SnapshotDiff } from '../model.ts'
import { type ChangedRow, changedRows } from './changed-rows.ts'
import { disposedText, readDisposals } from './disposal.ts'
import { sealTimes } from './seen-since.ts'
import { locate } from './snapshot.ts'
import type { Store } from './store.ts'
import { absenceOf, type ProvesAbsence, unreadIntervals } from './unread.ts'

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

async function* changes(store: Store, pair: Pair, source: string): AsyncGenerator<Change> {
  const [low, high] = [Math.min(pair.from, pair.to), Math.max(pair.from, pair.to)]
  const { sourceId } = pair
  const sealed = await sealTimes(store, { sourceId, version: high })
  const rows = await changedRows(store, { sourceId, low, high })
  const provesAbsence = await absenceOf(store, { sourceId, source }, [...new Set(rows.map(row => row.part.of.dataset))])
  const disposals = rows.some(row => row.disposed !== null) ? await readDisposals(store) : null
  for (const both of pairsIn(rows)) {
    const change = changeOf(both, pair, provesAbsence, sealed)
    if (change === null) continue
    const [before, after] = sidesOf(both, pair)
    yield disposals === null
      ? change
      : { ...change, ...disposedIn('beforeDisposed', before, disposals), ...disposedIn('afterDisposed', after, disposals) }
  }
}

function disposedIn(
  member: 'beforeDisposed' | 'afterDisposed',
  row: ChangedRow | null,
  disposals: Awaited<ReturnType<typeof readDisposals>>,
): Pick<Change, typeof member> {
  return row === null || row.disposed === null ? {} : { [member]: disposedText(row.disposed, disposals) }
}

/** Rows of one key together: one, or both. */
function* pairsIn(rows: readonly ChangedRow[]): Generator<readonly [ChangedRow, ChangedRow?]> {
  for (let i = 0; i < rows.length; i++) {
    const [row, next] = [rows[i]!, rows[i + 1]]
    if (next !== undefined && isSameKey(row, next)) {
      yield [row, next]
      i++
    } else yield [row]
  }
}

function isSameKey(a: ChangedRow, b: ChangedRow): boolean {
  if (a.key !== b.key || a.kind !== b.kind) return false
  return a.part.of === b.part.of && (a.kind === 'entity' || a.part.parent === b.part.parent)
}

function sidesOf(
  [first, second]: readonly [ChangedRow, ChangedRow?],
  { from, to }: Pair,
): readonly [before: ChangedRow | null, after: ChangedRow | null] {
  const other = second ?? null
  return first.isLow === from < to ? [first, other] : [other, first]
}

function changeOf(
  rows: readonly [ChangedRow, ChangedRow?],
  pair: Pair,
  provesAbsence: ProvesAbsence,
  sealed: ReadonlyMap<number, Date>,
): Change | null {
  const [first, second = null] = rows
  // it was changed and changed back
  if (second !== null && first.digest === second.digest && first.partId === second.partId) return null
  const [before, after] = sidesOf(rows, pair)
  const { of, parent } = (after ?? before ?? first).part
  const { dataset, place } = of
  return {
    kind: kindOf(before, after, parent, pair, place, provesAbsence),
    ...{ dataset, place, parent, key: first.key, before: before?.facts() ?? null, after: after?.facts() ?? null },
    shownAt: sealed.get(Math.max(first.at, second?.at ?? 0))!,
  }
}

function kindOf(
  before: ChangedRow | null,
  after: ChangedRow | null,
  parent: string,
  pair: Pair,
  place: Place,
  provesAbsence: ProvesAbsence,
): Change['kind'] {
  if (before !== null && after !== null) return before.isSeen && after.isSeen ? 'changed' : 'unknown'
  const [shown, other] = before === null ? [after!, pair.from] : [before, pair.to]
  if (!shown.isSeen || !provesAbsence(shown.part.of.dataset, place, parent, other)) return 'unknown'
  return before === null ? 'added' : 'removed'
}
