import { canonicalJson, factsDigest, partKey } from '../digest.ts'
import type { CollectedBatch, Facts, PartEnd, PartPiece } from '../model.ts'
import { appendCalls } from './calls.ts'
import type { CopyValue } from './copy.ts'
import { type Connection, transaction } from './database.ts'
import { edgeOf } from './edge.ts'
import { StoreError } from './error.ts'
import { type KnownParts, type KnownRow, partDigest } from './known-parts.ts'
import { checkOpen, type OpenRun } from './run.ts'
import { beginParts, discardParts, endParts, internParts } from './staged-part.ts'

/**
 * Saves what was read, in one transaction: afterwards it survives the death of this process and of the database's.
 * Pieces of one part come in order; `isFirst` discards what was staged of that part. Batches of different parts may be saved at the same time.
 * @throws {StoreError} RUN_OVER, PART_OUT_OF_ORDER for a later piece without its first or after its end, NOT_STORABLE, DISK_FULL,
 *   DATABASE_UNREACHABLE
 */
export async function saveParts(run: OpenRun, batch: CollectedBatch): Promise<void> {
  checkOpen(run)
  if (batch.pieces.length === 0 && batch.calls.length === 0) return
  const { store, collectionId, sourceId, state } = run
  const fresh = batch.pieces.map(piece => piece.part).filter(part => !state.partIds.has(partKey(part)))
  if (fresh.length > 0) {
    // numbers of parts outlive this batch, so they are made outside of its transaction
    const ids = await transaction(store.db, on => internParts(on, sourceId, fresh))
    for (const [i, part] of fresh.entries()) state.partIds.set(partKey(part), ids[i]!)
  }
  const pieces = batch.pieces.map(piece => ({ piece, partId: state.partIds.get(partKey(piece.part))! }))
  await transaction(store.db, async on => {
    await holdCollection(on, run)
    const { begun, ends, kept } = arrange(pieces)
    await checkOrder(on, collectionId, pieces, begun)
    await discardParts(on, collectionId, begun)
    await beginParts(on, collectionId, begun)
    const { rows, unchanged } = stagedRows(collectionId, kept, state.known)
    for (const [table, { columns, values }] of Object.entries(rows)) {
      if (values.length > 0) await on.copy(table, columns, values)
    }
    await endParts(on, collectionId, ends, unchanged)
    if (batch.calls.length > 0) await appendCalls(on, collectionId, batch.calls)
  })
  // what has ended is hardly asked for again: a quarter of a million numbers of parts are not kept for it
  for (const { piece } of pieces) if (piece.end !== null) state.partIds.delete(partKey(piece.part))
}

interface Piece {
  readonly piece: PartPiece
  readonly partId: number
}

/** Waits for a seal and is waited for; refuses a run whose collection another run took over. */
async function holdCollection(on: Connection, run: OpenRun): Promise<void> {
  const [held] = await on.query(`select from collection where id = $1 and run_id = $2 and state = 'open' for share`, [
    run.collectionId,
    run.id,
  ])
  if (held !== undefined) return
  run.state.isLost = true
  checkOpen(run)
}

/** Within one batch a part may begin again: only what came after its last first piece is kept. */
function arrange(pieces: readonly Piece[]): { begun: number[]; ends: Map<number, PartEnd>; kept: Piece[] } {
  const begun = new Set<number>()
  const ends = new Map<number, PartEnd>()
  const kept = new Map<number, Piece[]>()
  for (const each of pieces) {
    const { piece, partId } = each
    if (piece.isFirst) {
      begun.add(partId)
      ends.delete(partId)
      kept.delete(partId)
    } else if (ends.has(partId)) throw outOfOrder(piece, 'its end came before')
    const before = kept.get(partId)
    if (before === undefined) kept.set(partId, [each])
    else before.push(each)
    if (piece.end !== null) ends.set(partId, piece.end)
  }
  return { begun: [...begun], ends, kept: [...kept.values()].flat() }
}

async function checkOrder(
  on: Connection,
  collectionId: number,
  pieces: readonly Piece[],
  begun: readonly number[],
): Promise<void> {
  const beginning = new Set<number>()
  const continued = new Map<number, PartPiece>()
  for (const { piece, partId } of pieces) {
    if (piece.isFirst) beginning.add(partId)
    else if (!beginning.has(partId)) continued.set(partId, piece)
  }
  if (continued.size === 0) return
  const open = await on.query<{ part_id: number; is_ended: boolean }>(
    'select part_id, coverage is not null as is_ended from staged_part where collection_id = $1 and part_id = any ($2::int[])',
    [collectionId, [...continued.keys()]],
  )
  const isEnded = new Map(open.map(row => [row.part_id, row.is_ended]))
  for (const [partId, piece] of continued) {
    if (isEnded.get(partId) === undefined) throw outOfOrder(piece, 'its first piece never came')
    if (isEnded.get(partId) && !begun.includes(partId)) throw outOfOrder(piece, 'its end came before')
  }
}

function outOfOrder(piece: PartPiece, why: string): StoreError {
  return new StoreError('PART_OUT_OF_ORDER', `a later piece of the part ${partKey(piece.part)} cannot be saved: ${why}`)
}

interface StagedRows {
  readonly columns: readonly string[]
  readonly values: CopyValue[][]
}

function stagedRows(
  collectionId: number,
  pieces: readonly Piece[],
  known: KnownParts,
): { readonly rows: { readonly [table: string]: StagedRows }; readonly unchanged: ReadonlySet<number> } {
  const unchanged = new Set<number>()
  const part = ['collection_id', 'part_id']
  const entities: StagedRows = { columns: [...part, 'key', 'body'], values: [] }
  const memberships: StagedRows = { columns: [...part, 'user_key', 'membership_id', 'store_key', 'rest', 'digest'], values: [] }
  const assignments: StagedRows = { columns: [...part, 'principal_type', 'principal_key', 'rest', 'digest'], values: [] }
  for (const { piece, partId } of pieces) {
    const edges: KnownRow[] = []
    const [begunMemberships, begunAssignments] = [memberships.values.length, assignments.values.length]
    for (const row of piece.rows) {
      const body = canonicalFacts(piece, row.key, row.facts)
      const edge = edgeOf(piece.part.dataset, piece.part.parent, row)
      if (edge === null) {
        entities.values.push([collectionId, partId, row.key, body])
        continue
      }
      const text = factsDigest(body, null)
      const digest = Buffer.from(text, 'hex')
      edges.push([row.key.slice(piece.part.parent.length + 1), text])
      if (edge.kind === 'membership') {
        memberships.values.push([collectionId, partId, edge.userKey, edge.membershipId, edge.storeKey, edge.rest, digest])
      } else assignments.values.push([collectionId, partId, edge.principalType, edge.principalKey, edge.rest, digest])
    }
    const isWhole = piece.isFirst && piece.end !== null && edges.length > 0 && edges.length === piece.rows.length
    if (!isWhole || !known.has(partId) || partDigest(edges) !== known.get(partId)) continue
    unchanged.add(partId)
    memberships.values.length = begunMemberships
    assignments.values.length = begunAssignments
  }
  return {
    rows: { staged_entity: entities, staged_membership: memberships, staged_assignment: assignments },
    unchanged,
  }
}

function canonicalFacts(piece: PartPiece, key: string, facts: Facts): string {
  if (key.includes('\0') || !key.isWellFormed()) {
    throw new StoreError(
      'NOT_STORABLE',
      `the part ${partKey(piece.part)} has a row whose key ${JSON.stringify(key)} cannot be stored`,
    )
  }
  try {
    return canonicalJson(facts)
  } catch (cause) {
    throw new StoreError(
      'NOT_STORABLE',
      `the row ${key} of the part ${partKey(piece.part)} has no canonical form: ${(cause as Error).message}`,
      { cause },
    )
  }
}
