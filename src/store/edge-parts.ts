import { Fields } from './fields.ts'
import { edgeFields, isValid, type JournalPiece, readJournal } from './journal.ts'
import { contentDigest } from './part-content.ts'
import type { OpenRun } from './run.ts'

/** The edges that a run read of one part, each once: as it was shown last. */
export interface EdgePart {
  /** index among the run's parts */
  readonly part: number
  readonly edgeCount: number
  /** where the fields stand of one edge after the other */
  readonly fields: Fields
  /** the first of them */
  readonly at: number
  /** `contentDigest`; null for a part that was not read completely */
  readonly content: string | null
}

/** Handed out together where batches are small: what is asked of the database for each lot takes its time to one that is far away. */
const edgesALot = 5000

/**
 * The parts of a run with edges, a lot at a time. Pieces of one part are put together: as soon as it shows all the rows
 * that it has, or at the end of the journal.
 */
export async function* edgePartsOf(run: OpenRun): AsyncGenerator<readonly EdgePart[]> {
  const { parts } = run.state
  const open = new Map<number, { readonly rows: number; readonly texts: string[] }>()
  let found: EdgePart[] = []
  for await (const pieces of readJournal(run.store, run.collectionId, parts, 'edges')) {
    for (const piece of pieces) {
      if (piece.edgeCount === 0 || !isValid(parts, piece)) continue
      if (piece.isWhole) {
        found.push(wholePart(run, piece))
        continue
      }
      const { rows, texts } = open.get(piece.part) ?? { rows: 0, texts: [] }
      texts.push(bytesOf(run, piece).toString('utf8'))
      if (rows + piece.rows < parts.rowsOf(piece.part)) open.set(piece.part, { rows: rows + piece.rows, texts })
      else {
        open.delete(piece.part)
        found.push(joinedPart(run, piece.part, texts))
      }
    }
    if (found.reduce((sum, { edgeCount }) => sum + edgeCount, 0) < edgesALot) continue
    yield found
    found = []
  }
  yield found
  // those with rows elsewhere, such as a last piece that holds no edge
  yield [...open].map(([part, { texts }]) => joinedPart(run, part, texts))
}

/** Its lines are sorted, and none stands twice. */
function wholePart(run: OpenRun, piece: JournalPiece): EdgePart {
  const { part, edgeCount, fields, edgesAt } = piece
  const content = run.state.parts.isComplete(part) ? contentDigest(bytesOf(run, piece)) : null
  return { part, edgeCount, fields, at: edgesAt, content }
}

/** @param pieces fields of its edges, joined by NUL */
function joinedPart({ state: { parts } }: OpenRun, part: number, pieces: readonly string[]): EdgePart {
  const kind = parts.groupOf(part).edges!
  const fields = pieces.join('\0').split('\0')
  const last = new Map<string, string>()
  for (let at = 0; at < fields.length; at += edgeFields[kind]) {
    const edge = fields.slice(at, at + edgeFields[kind])
    last.set(kind === 'membership' ? edge[0]! : `${edge[0]} ${edge[1]}`, edge.join('\0'))
  }
  const bytes = Buffer.from([...last.values()].sort().join('\0'))
  const content = parts.isComplete(part) ? contentDigest(bytes) : null
  return { part, edgeCount: last.size, fields: new Fields(bytes), at: 0, content }
}

/** The fields of a piece's edges, which stand in a row. */
function bytesOf({ state: { parts } }: OpenRun, { part, edgeCount, fields, edgesAt }: JournalPiece): Buffer {
  const last = edgesAt + edgeCount * edgeFields[parts.groupOf(part).edges!] - 1
  return fields.bytes.subarray(fields.from(edgesAt), fields.to(last))
}
