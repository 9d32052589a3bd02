import type { Artifact, Snapshot } from '../model.ts'
import { pathPart } from './artifact-name.ts'
import { type Look, plainLook } from './look.ts'
import {
  columnRows,
  columnsOf,
  populationProblem,
  populationRows,
  populationsOf,
  type ReadDataset,
} from './population-artifacts.ts'
import { identityCover } from './report-workbook.ts'
import { sourceSection } from './source-section.ts'
import { type Sheet, workbookMediaType, workbookOf } from './workbook.ts'

/** Columns that hold a time by their own names. */
const timeColumn = /(At|Date|Timestamp)$/

/** Every population of a snapshot in one workbook, a sheet each, behind a cover sheet that says from where and when. Same columns and rows as the CSV. */
export function populationWorkbook(snapshot: Snapshot, read: ReadDataset, look: Look = plainLook): Artifact {
  const section = sourceSection(snapshot, [])
  const title = `${section.isComplete ? '' : 'INCOMPLETE: '}Populations of ${snapshot.source}, snapshot ${snapshot.version}`
  const sheets = populationsOf(snapshot).map((population): Sheet => {
    const isIncomplete = populationProblem(snapshot, population) !== null
    return {
      name: isIncomplete ? `INCOMPLETE ${population.name}` : population.name,
      columns: columnsOf(population).map(({ name }) => (timeColumn.test(name) ? { name, type: 'time' } : { name })),
      isIncomplete,
      rows: () => populationRows(population, snapshot, read),
    }
  })
  const meanings: Sheet = {
    name: 'columns',
    columns: [
      { name: 'population', width: 30 },
      { name: 'column', width: 26 },
      { name: 'meaning', width: 90 },
    ],
    rows: () => columnRows(snapshot),
  }
  return {
    path: `populations/${pathPart(snapshot.source)}/populations${section.isComplete ? '' : '.incomplete'}.xlsx`,
    mediaType: workbookMediaType,
    title,
    read: () =>
      workbookOf({
        title,
        asOf: snapshot.sealedAt.toISOString(),
        cover: [...identityCover(section), ['Times', 'UTC, typed as dates']],
        look,
        sheets: [...sheets, meanings],
      }),
  }
}
