import { compareBytes } from '../digest.ts'
import type { DatasetSummary, Facts, Gap, Json, Snapshot, StoredResource } from '../model.ts'

/** What became different between two snapshots. It happened after `after` was sealed and before `by` was: no snapshot can date it better. */
export interface PeriodChange {
  readonly source: string
  readonly dataset: string
  readonly kind: 'added' | 'removed' | 'changed'
  readonly key: string
  readonly name: string
  /** null: the dataset was never read whole before, so it may have been there all along */
  readonly after: string | null
  readonly by: string
  /** members that differ, with what they were and are; empty for what was added or removed */
  readonly members: readonly { readonly member: string; readonly before: Json | null; readonly now: Json | null }[]
  /** users it is about: the user itself, the member, the assignee */
  readonly userId: string | null
  readonly userName: string | null
}

/** A dataset that could not be compared whole at one snapshot: changes in it show at a later one, or not at all. */
export interface NotCompared {
  readonly source: string
  readonly dataset: string
  readonly version: number
  readonly at: string
  readonly reason: string
}

/** What changed in a source over a period, and what could not be compared. */
export interface PeriodChanges {
  readonly changes: readonly PeriodChange[]
  readonly notCompared: readonly NotCompared[]
}

/**
 * Compares each snapshot of a source with the one before. A row that is gone counts as removed only where the part it belonged to was read to its
 * end; else it is carried on as last known. Datasets with equal digests are not read.
 * @param snapshots of one source by version, the first being the state at the start
 * @param read gives the resources of one dataset of a snapshot
 */
export async function periodChanges(
  snapshots: readonly Snapshot[],
  read: (snapshot: Snapshot, dataset: string) => AsyncIterable<StoredResource>,
): Promise<PeriodChanges> {
  const known = new Map<string, KnownDataset>()
  const changes: PeriodChange[] = []
  const notCompared: NotCompared[] = []
  for (const [i, snapshot] of snapshots.entries()) {
    const before = snapshots[i - 1]
    const at = snapshot.sealedAt.toISOString()
    const names = [...new Set(snapshot.datasets.map(({ name }) => name))].sort(compareBytes)
    for (const dataset of names) {
      const summaries = snapshot.datasets.filter(({ name }) => name === dataset)
      const open = summaries.find(({ coverage }) => coverage === 'denied' || coverage === 'incomplete')
      if (before !== undefined && open !== undefined)
        notCompared.push({
          source: snapshot.source,
          dataset,
          version: snapshot.version,
          at,
          reason: open.reason ?? open.coverage,
        })
      const last = known.get(dataset)
      if (last !== undefined && before !== undefined && open === undefined && isSame(summaries, before, dataset)) {
        known.set(dataset, { rows: last.rows, readAt: at, wholeAt: at })
        continue
      }
      const now = new Map<string, Known>()
      for await (const row of read(snapshot, dataset)) {
        const { digest, parent, key, facts, disposed = null } = row
        now.set(placeKey(row), { digest, parent, key, facts, disposed, seenAt: null })
      }
      known.set(dataset, { rows: now, readAt: at, wholeAt: open === undefined ? at : (last?.wholeAt ?? null) })
      if (last === undefined) continue
      const seen = (row: Known) => row.seenAt ?? last.readAt
      const gaps = snapshot.gaps.filter(gap => gap.dataset === dataset && gap.member === null)
      for (const [key, row] of last.rows) {
        if (now.has(key)) continue
        if (isUnread(row, gaps)) now.set(key, { ...row, seenAt: seen(row) })
        else changes.push(changeOf('removed', snapshot, seen(row), dataset, row, []))
      }
      for (const [key, row] of now) {
        const old = last.rows.get(key)
        if (old === undefined) changes.push(changeOf('added', snapshot, last.wholeAt, dataset, row, []))
        else if (old.digest !== row.digest)
          changes.push(changeOf('changed', snapshot, seen(old), dataset, row, membersOf(old, row)))
      }
    }
  }
  const userNames = namesIn(known.get('identitystore.users')?.rows, 'UserName')
  for (const { dataset, userId, name } of changes)
    if (dataset === 'identitystore.users' && userId !== null) userNames.set(userId, name)
  const groupNames = namesIn(known.get('identitystore.groups')?.rows, 'DisplayName')
  return { changes: changes.map(change => named(change, userNames, groupNames)).sort(byTime), notCompared }
}

interface KnownDataset {
  readonly rows: ReadonlyMap<string, Known>
  /** when the last snapshot that read it was sealed */
  readonly readAt: string
  /** when the last one that read it whole was sealed; null: none did */
  readonly wholeAt: string | null
}

interface Known {
  /** of a row carried on unread: when it was last seen; null: by the last snapshot that read the dataset */
  readonly seenAt: string | null
  readonly digest: string
  readonly parent: string
  readonly key: string
  readonly facts: Facts
  /** why the facts are empty; null: they are kept */
  readonly disposed: string | null
}

function isSame(summaries: readonly DatasetSummary[], before: Snapshot, dataset: string): boolean {
  const olds = before.datasets.filter(({ name }) => name === dataset)
  return (
    olds.length === summaries.length &&
    // a row that was carried on through an unread part must be looked for as soon as the part is read
    olds.every(({ coverage }) => coverage !== 'denied' && coverage !== 'incomplete') &&
    summaries.every(({ place, digest }) =>
      olds.some(old => old.digest === digest && old.place.accountId === place.accountId && old.place.region === place.region),
    )
  )
}

function isUnread(row: Known, gaps: readonly Gap[]): boolean {
  return gaps.some(gap => (gap.key === null ? gap.parent === '' || gap.parent === row.parent : gap.key === row.key))
}

function placeKey({ place, key }: StoredResource): string {
  return `${place.accountId} ${place.region} ${key}`
}

function changeOf(
  kind: PeriodChange['kind'],
  snapshot: Snapshot,
  after: string | null,
  dataset: string,
  row: Known,
  members: PeriodChange['members'],
): PeriodChange {
  const { facts } = row
  const userId =
    dataset === 'identitystore.users'
      ? row.key
      : facts.PrincipalType === 'USER'
        ? text(facts.PrincipalId)
        : text((facts.MemberId as Facts | undefined)?.UserId)
  return {
    source: snapshot.source,
    dataset,
    kind,
    key: row.key,
    name: text(facts.UserName) ?? text(facts.DisplayName) ?? text(facts.Name) ?? row.key,
    after,
    by: snapshot.sealedAt.toISOString(),
    members,
    userId,
    userName: null,
  }
}

function membersOf(old: Known, row: Known): PeriodChange['members'] {
  if (old.disposed !== null || row.disposed !== null) return [{ member: 'facts', before: old.disposed, now: row.disposed }]
  const { facts: before } = old
  const { facts: now } = row
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(compareBytes)
  return names
    .filter(member => JSON.stringify(before[member]) !== JSON.stringify(now[member]))
    .map(member => ({ member, before: before[member] ?? null, now: now[member] ?? null }))
}

function namesIn(rows: ReadonlyMap<string, Known> | undefined, member: string): Map<string, string> {
  return new Map([...(rows?.values() ?? [])].map(({ key, facts }) => [key, text(facts[member]) ?? key]))
}

/** Edges have no name of their own: the group and the user they join make one. */
function named(change: PeriodChange, users: ReadonlyMap<string, string>, groups: ReadonlyMap<string, string>): PeriodChange {
  const userName = change.userId === null ? null : (users.get(change.userId) ?? change.userId)
  if (change.dataset !== 'identitystore.group_memberships') return { ...change, userName }
  const [group = ''] = change.key.split('|')
  return { ...change, userName, name: `${userName ?? ''} in ${groups.get(group) ?? group}` }
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function byTime(a: PeriodChange, b: PeriodChange): number {
  return compareBytes(a.by, b.by) || compareBytes(a.dataset, b.dataset) || compareBytes(a.key, b.key)
}
