import { compareBytes } from '../digest.ts'
import type { ControlOutcome, Gap } from '../model.ts'

/** One thing that could not be read, with the results that are unknown for it. */
export interface GapCause {
  readonly source: string
  readonly gap: Gap
  /** unknown results that name it */
  readonly results: number
  /** ids of their controls, sorted */
  readonly controls: readonly string[]
}

/** What makes results unknown, the gap behind most of them first. A result with several gaps counts for each. */
export function gapCauses(outcomes: readonly ControlOutcome[]): readonly GapCause[] {
  const found = new Map<string, { readonly source: string; readonly gap: Gap; results: number; readonly controls: Set<string> }>()
  for (const { source, control, results } of outcomes) {
    for (const { status, gaps } of results) {
      if (status !== 'unknown') continue
      for (const key of new Set(gaps.map(gap => gapKey(source, gap)))) {
        const gap = gaps.find(each => gapKey(source, each) === key)!
        const known = found.get(key) ?? { source, gap, results: 0, controls: new Set<string>() }
        known.results++
        known.controls.add(control.id)
        found.set(key, known)
      }
    }
  }
  return [...found]
    .sort(([a, one], [b, other]) => other.results - one.results || compareBytes(a, b))
    .map(([, { controls, ...each }]) => ({ ...each, controls: [...controls].sort(compareBytes) }))
}

/** What tells one gap of a source from another. */
export function gapKey(source: string, { dataset, place, parent, key, member }: Gap): string {
  return [source, dataset, place.accountId, place.region, parent, key ?? '', member ?? ''].join('\n')
}
