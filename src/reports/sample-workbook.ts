import type { Artifact } from '../model.ts'
import type { Cell } from './csv.ts'
import type { Look } from './look.ts'
import { type Workbook, workbookMediaType, workbookOf } from './workbook.ts'

/** What the workbook of an auditor's sample is made from. */
export interface SampleWorkbookInput {
  /** left out: as the program comes */
  readonly look?: Look
  readonly name: string
  /** RFC 3339: when the snapshot it was drawn from was sealed */
  readonly asOf: string
  readonly cover: readonly (readonly [string, Cell])[]
  /** columns of the population */
  readonly columns: readonly string[]
  /** rank and row of each item, by rank */
  readonly items: readonly { readonly rank: string; readonly row: readonly Cell[] }[]
}

/** Columns that the tester fills in. */
const testerColumns = ['testedBy', 'testedOn', 'evidenceReference', 'result', 'exceptionNoted', 'comment']

/** A sample as a workbook: how it was drawn, its items with their whole rows, and empty columns for the tester. */
export function sampleWorkbook(input: SampleWorkbookInput): Artifact {
  const workbook: Workbook = {
    title: `Sample of ${input.name}`,
    asOf: input.asOf,
    ...(input.look === undefined ? {} : { look: input.look }),
    cover: [
      ...input.cover,
      [
        'How it was drawn',
        'Of each key of the population the rank is SHA-256 (hexadecimal) of the UTF-8 bytes of seed, line feed, key. The items with the lowest ranks are the sample, in that order.',
      ],
      ['Digest of the population', 'SHA-256 over the keys, sorted as UTF-8 bytes, a line feed after each'],
    ],
    sheets: [
      {
        name: 'Sample',
        columns: [
          { name: 'item', width: 8 },
          ...testerColumns.map(name => ({ name })),
          ...input.columns.map(name => ({ name })),
          { name: 'rank', width: 66 },
        ],
        rows: () => input.items.map(({ rank, row }, i) => [i + 1, ...testerColumns.map(() => null), ...row, rank]),
      },
    ],
  }
  return {
    path: `sample-${input.name}.xlsx`,
    mediaType: workbookMediaType,
    title: workbook.title,
    read: () => workbookOf(workbook),
  }
}
