import { canonicalJson } from '../digest.ts'
import type { DatasetSummary, SourceHistory, StoredResource, StoredState } from '../model.ts'
import type { CaseRow, ControlCase, EarlierCase } from './control-file.ts'

type MakeRow = (dataset: string, row: CaseRow, asOf: Date) => StoredResource

/** What the earlier snapshots of a case and its present rows make of it: the states that changed from one to the next. */
export function historyOfCase(
  each: ControlCase,
  present: readonly StoredResource[],
  makeRow: MakeRow,
): readonly [Omit<SourceHistory, 'states'>, readonly StoredState[]] {
  const last = each.earlier.length + 1
  const snapshots = [...each.earlier.map(({ at }) => at), each.asOf].map((at, index) => ({
    version: index + 1,
    sealedAt: new Date(at),
  }))
  const now = new Date(each.asOf)
  const told = new Set(
    each.earlier.flatMap(({ estate, gaps }) => [...Object.keys(estate), ...gaps.map(({ dataset }) => dataset)]),
  )
  const states = [...told].flatMap(dataset => {
    const nowRows = present.filter(row => row.dataset === dataset)
    const byVersion = each.earlier.map(({ estate }) => estate[dataset]?.map(row => makeRow(dataset, row, now)) ?? nowRows)
    return statesOf([...byVersion, nowRows], (parent, version) => isUnread(each.earlier[version - 1], dataset, parent), last)
  })
  return [{ snapshots, previous: previousOf(each, present, makeRow) }, states]
}

/** What the snapshot before held of the datasets that it names, at the place of the instance. */
function previousOf(each: ControlCase, present: readonly StoredResource[], makeRow: MakeRow): readonly DatasetSummary[] {
  const { estate, at, gaps } = each.earlier.at(-1)!
  const now = new Date(at)
  const names = new Set([...Object.keys(estate), ...present.map(row => row.dataset)])
  return [...names].flatMap(name => {
    const rows = estate[name]?.map(row => makeRow(name, row, now)) ?? present.filter(row => row.dataset === name)
    const places = new Map([...rows, ...present.filter(row => row.dataset === name)].map(({ place }) => [place.accountId, place]))
    return [...places.values()].map(
      (place): DatasetSummary => ({
        ...{ name, place, coverage: gaps.some(({ dataset }) => dataset === name) ? 'incomplete' : 'complete', digest: '' },
        ...{
          count: rows.filter(row => row.place.accountId === place.accountId).length,
          parts: 1,
          openParts: 0,
          pages: 1,
          calls: 1,
        },
        ...{ duplicates: 0, firstObservedAt: now, lastObservedAt: now, reason: null },
      }),
    )
  })
}

function isUnread(earlier: EarlierCase | undefined, dataset: string, parent: string): boolean {
  return earlier?.gaps.some(gap => gap.dataset === dataset && (gap.parent === '' || gap.parent === parent)) ?? false
}

/** A part that was not read keeps what was known of it. */
function statesOf(
  byVersion: readonly (readonly StoredResource[])[],
  isOpen: (parent: string, version: number) => boolean,
  last: number,
): readonly StoredState[] {
  const open = new Map<string, StoredState & { readonly text: string }>()
  const done: StoredState[] = []
  byVersion.forEach((rows, index) => {
    const version = index + 1
    const seen = new Map(rows.filter(row => !isOpen(row.parent, version)).map(row => [row.key, row]))
    for (const [key, state] of open) {
      const row = seen.get(key)
      if (isOpen(state.parent, version)) continue
      if (row !== undefined && canonicalJson(row.facts) === state.text) open.set(key, { ...state, lastSeen: version })
      else {
        done.push({ ...state, to: version })
        open.delete(key)
      }
    }
    for (const [key, row] of seen) {
      if (open.has(key)) continue
      const before = done.findLast(state => state.key === key)
      const proving = Array.from({ length: index }, (_, i) => version - 1 - i).find(at => !isOpen(row.parent, at))
      const notBefore = version === 1 ? null : before?.to === version ? version - 1 : (proving ?? null)
      const { dataset, place, parent, facts } = row
      const state = {
        dataset,
        place,
        parent,
        key,
        facts,
        from: version,
        isFromTheStart: version === 1,
        notBefore,
        lastSeen: version,
        to: null,
      }
      open.set(key, { ...state, text: canonicalJson(facts) })
    }
  })
  const all = [...done, ...open.values()]
  const changed = new Set(
    all.filter(state => state.to !== null || !state.isFromTheStart || state.lastSeen < last).map(({ key }) => key),
  )
  return all.filter(({ key }) => changed.has(key)).sort((a, b) => a.from - b.from)
}
