import { edgeFields, isValid, readJournal, type StagedPiece } from './journal.ts'
import { contentDigest } from './part-content.ts'
import type { OpenRun } from './run.ts'

/** The edges that a run read of one part, each once: as it was shown last. */
export interface EdgePart {
  /** index among the run's parts */
  readonly part: number
  readonly edgeCount: number
  /** of one edge after the other */
  readonly fields: readonly string[]
  /** `contentDigest`; null for a part that was not read completely */
  readonly content: string | null
}

/**
 * The parts of a run with edges, a batch of the journal at a time. Pieces of one part are put together: as soon as it shows all the rows
 * that it has, or at the end of the journal.
 */
export async function* edgePartsOf(run: OpenRun): AsyncGenerator<readonly EdgePart[]> {
  const { parts } = run.state
  const open = new Map<number, { rows: number; fields: string[] }>()
  for await (const pieces of readJournal(run.store, run.collectionId, parts, 'edges')) {
    const found: EdgePart[] = []
    for (const piece of pieces) {
      if (piece.edgeCount === 0 || !isValid(parts, piece)) continue
      if (piece.isWhole) {
        found.push(wholePart(run, piece))
        continue
      }
      const { rows, fields } = open.get(piece.part) ?? { rows: 0, fields: [] }
      for (const field of piece.edges) fields.push(field)
      if (rows + piece.rows < parts.rowsOf(piece.part)) open.set(piece.part, { rows: rows + piece.rows, fields })
      else {
        open.delete(piece.part)
        found.push(joinedPart(run, piece.part, fields))
      }
    }
    yield found
  }
  // those with rows elsewhere, such as a last piece that holds no edge
  yield [...open].map(([part, { fields }]) => joinedPart(run, part, fields))
}

/** Its lines are sorted, and none stands twice. */
function wholePart({ state: { parts } }: OpenRun, { part, edges, edgeCount }: StagedPiece): EdgePart {
  return { part, edgeCount, fields: edges, content: parts.isComplete(part) ? contentDigest(edges) : null }
}

function joinedPart({ state: { parts } }: OpenRun, part: number, fields: readonly string[]): EdgePart {
  const kind = parts.groupOf(part).edges!
  const last = new Map<string, string>()
  for (let at = 0; at < fields.length; at += edgeFields[kind]) {
    const edge = fields.slice(at, at + edgeFields[kind])
    last.set(kind === 'membership' ? edge[0]! : `${edge[0]} ${edge[1]}`, edge.join('\0'))
  }
  const lines = [...last.values()].sort()
  const sorted = lines.join('\0').split('\0')
  return { part, edgeCount: lines.length, fields: sorted, content: parts.isComplete(part) ? contentDigest(lines) : null }
}
