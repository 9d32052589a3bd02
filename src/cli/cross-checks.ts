import type { Facts, Snapshot } from '../model.ts'
import { readResources, type Store } from '../store/index.ts'
import { type Terminal, table } from './terminal.ts'

/** Where the store keeps what cross-checks found. */
export const checksDataset = 'evidenced.cross_checks'

/** What the cross-checks of a snapshot found, as it is kept; empty when none were made. */
export async function checksOf(store: Store, snapshot: Snapshot): Promise<readonly Facts[]> {
  const found: Facts[] = []
  if (!snapshot.datasets.some(dataset => dataset.name === checksDataset)) return found
  for await (const { facts } of readResources(store, snapshot, checksDataset)) found.push(facts)
  return found.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
}

/** Differences are shown with their examples, never smoothed. */
export function showChecks(terminal: Terminal, checks: readonly Facts[]): void {
  if (checks.length === 0) return
  terminal.line('')
  terminal.line(
    table(
      ['cross-check', 'differences', 'compared', 'what'],
      checks.map(check => [
        String(check.name),
        check.made === true ? String(check.differences) : '-',
        check.made === true ? String(check.compared) : '-',
        String(check.statement),
      ]),
    ),
  )
  for (const check of checks) {
    const examples = (check.examples as readonly string[] | undefined) ?? []
    for (const example of examples.slice(0, 10)) terminal.line(`  ${check.name}: ${example}`)
    const more = Number(check.differences) - Math.min(10, examples.length)
    if (more > 0) terminal.line(`  ${check.name}: and ${more} more (see \`evidenced snapshots show --json\`)`)
  }
}
