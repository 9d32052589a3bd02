import type { Snapshot } from '../model.ts'
import { notInViewOf } from './not-in-view.ts'
import { identityCover } from './report-workbook.ts'
import { sourceSection } from './source-section.ts'
import type { TableReport } from './table-report.ts'

/** What is missing from the snapshot is not missing from a report that is made of the rest of it. */
export function coverFor(cover: TableReport['cover'], isComplete: boolean): TableReport['cover'] {
  return isComplete ? cover.map(([name, value]) => [name === 'MISSING' ? 'Missing elsewhere' : name, value] as const) : cover
}

/** What stands on the cover and at the foot of every report about one snapshot. */
export function aboutSnapshot(
  snapshot: Snapshot,
  softwareVersion: string,
): Pick<TableReport, 'asOf' | 'cover' | 'footer' | 'notInView' | 'softwareVersion'> {
  return {
    asOf: snapshot.sealedAt.toISOString(),
    cover: identityCover(sourceSection(snapshot, [])),
    footer: [
      `${snapshot.source}: ${snapshot.identity.instanceArn}, run ${snapshot.runId}, snapshot ${snapshot.version}, SHA-256 ${snapshot.digest}`,
    ],
    notInView: notInViewOf([snapshot]),
    softwareVersion,
  }
}
