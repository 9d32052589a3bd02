import { canonicalJson, partKey } from '../digest.ts'
import type { CollectedBatch, PartEnd, PartPiece, Place } from '../model.ts'
import { encodeCalls } from './calls.ts'
import { query } from './database.ts'
import { type Edge, edgeOf } from './edge.ts'
import { StoreError } from './error.ts'
import { encodeBatch, type StagedPiece, takeUp } from './journal.ts'
import type { PlaceEntities } from './known-entities.ts'
import { contentDigest } from './part-content.ts'
import { checkOpen, type OpenRun } from './run.ts'
import { isPlain, type PartGroup, type RunParts } from './run-parts.ts'
import { saltedDigest } from './salted-digest.ts'
import { storable } from './staged-text.ts'

/**
 * Saves what was read, in one transaction: afterwards it survives the death of this process and of the database's.
 * Pieces of one part come in order; `isFirst` discards what was staged of that part. Batches of different parts may be saved at the same time.
 * Rows that are as the last snapshot knows them are staged as that sentence, and not again.
 * @throws {StoreError} RUN_OVER, PART_OUT_OF_ORDER for a later piece without its first or after its end, NOT_STORABLE, DISK_FULL,
 *   DATABASE_UNREACHABLE
 */
export async function saveParts(run: OpenRun, batch: CollectedBatch): Promise<void> {
  checkOpen(run)
  if (batch.pieces.length === 0 && batch.calls.length === 0) return
  const { parts } = run.state
  const indexes = inOrder(parts, batch.pieces)
  const sorted = batch.pieces.map((piece, i) => sortRows(piece, indexes[i]!, parts.groupOf(indexes[i]!)))
  const known = await knownPlaces(run, sorted)
  const pieces = withGenerations(
    parts,
    sorted.map(piece => stage(parts, piece, known)),
  )
  const [body, lines] = await Promise.all([
    pieces.length === 0 ? null : encodeBatch(parts, pieces),
    batch.calls.length === 0 ? null : encodeCalls(batch.calls),
  ])
  await stageBatch(run, pieces, body, batch.calls.length, lines)
  takeUp(parts, pieces)
}

/**
 * Adds a batch to a collection's journal, and calls to its ledger: one statement, which waits for a seal and is waited for. A database far
 * away is asked once.
 * @throws {StoreError} RUN_OVER when another run took over the collection
 */
async function stageBatch(
  run: OpenRun,
  pieces: readonly StagedPiece[],
  body: Buffer | null,
  calls: number,
  lines: Buffer | null,
): Promise<void> {
  const { store, state, collectionId, id } = run
  const withEntities = pieces.filter(piece => piece.entityIds.length + piece.seen.length > 0).length
  const withEdges = pieces.filter(piece => piece.edgeCount > 0).length
  const held = await query(
    store.db,
    `with held as (select id from collection where id = $1 and run_id = $2 and state = 'open' for share),
     batch as (insert into staged_batch (collection_id, entities, edges, body)
       select id, $3::int, $4::int, $5::bytea from held where $5::bytea is not null),
     calls as (insert into staged_calls (collection_id, lines, body) select id, $6::int, $7::bytea from held where $7::bytea is not null)
     select from held`,
    [collectionId, id, withEntities, withEdges, body, calls, lines],
  )
  if (held.length > 0) return
  state.isLost = true
  checkOpen(run)
}

/**
 * Refuses pieces that do not come in order.
 * @returns index of each one's part among the run's
 */
function inOrder(parts: RunParts, pieces: readonly PartPiece[]): number[] {
  const now = new Map<number, 'begun' | 'ended'>()
  return pieces.map(piece => {
    checkPart(piece)
    const part = parts.indexOf(piece.part)
    if (!piece.isFirst) {
      const state = now.get(part) ?? (parts.isEnded(part) ? 'ended' : parts.isTouched(part) ? 'begun' : null)
      if (state === null) throw outOfOrder(piece, 'its first piece never came')
      if (state === 'ended') throw outOfOrder(piece, 'its end came before')
    }
    now.set(part, piece.end === null ? 'begun' : 'ended')
    return part
  })
}

function outOfOrder(piece: PartPiece, why: string): StoreError {
  return new StoreError('PART_OUT_OF_ORDER', `a later piece of the part ${partKey(piece.part)} cannot be saved: ${why}`)
}

function withGenerations(parts: RunParts, pieces: readonly Omit<StagedPiece, 'generation'>[]): StagedPiece[] {
  const now = new Map<number, number>()
  return pieces.map(piece => {
    const generation = (now.get(piece.part) ?? parts.generationOf(piece.part)) + (piece.isFirst ? 1 : 0)
    now.set(piece.part, generation)
    return { ...piece, generation }
  })
}

function checkPart({ part }: PartPiece): void {
  const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed()
  if ([part.parent, part.dataset, part.place.accountId, part.place.region].every(isStorable)) return
  throw new StoreError('NOT_STORABLE', `the part ${JSON.stringify(partKey(part))} has a name that cannot be stored`)
}

/** A piece whose edges are told from its other rows. */
interface Sorted {
  readonly piece: PartPiece
  readonly part: number
  /** their fields, joined by NUL */
  readonly edges: string
  readonly edgeCount: number
  readonly isWhole: boolean
  readonly others: readonly (readonly [key: string, body: string])[]
}

function sortRows(piece: PartPiece, part: number, { edges: kind }: PartGroup): Sorted {
  const { dataset, parent } = piece.part
  const lines: string[] = []
  const keys = new Set<string>()
  const others: (readonly [string, string])[] = []
  for (const row of piece.rows) {
    checkKey(piece, row.key)
    try {
      const edge = kind === null ? null : edgeOf(dataset, parent, row)
      if (edge === null) others.push([row.key, canonicalJson(row.facts)])
      else {
        lines.push(lineOf(edge))
        keys.add(row.key)
      }
    } catch (cause) {
      throw notCanonical(piece, row.key, cause as Error)
    }
  }
  const isWhole = piece.isFirst && piece.end !== null && lines.length === piece.rows.length && keys.size === lines.length
  if (isWhole) lines.sort()
  return { piece, part, edges: lines.join('\0'), edgeCount: lines.length, isWhole, others }
}

/** What the database knows of the places that entities are saved of; nothing before the first snapshot. */
async function knownPlaces(run: OpenRun, pieces: readonly Sorted[]): Promise<(place: Place) => PlaceEntities> {
  const { knownEntities } = run.state
  const found = new Map<string, PlaceEntities>()
  for (const { piece, others } of pieces) {
    const name = placeName(piece.part.place)
    if (knownEntities !== null && others.length > 0 && !found.has(name)) found.set(name, await knownEntities.at(piece.part.place))
  }
  return place => found.get(placeName(place)) ?? none
}

const none: PlaceEntities = new Map()

function placeName({ accountId, region }: Place): string {
  return `${accountId} ${region}`
}

/** Leaves away what is as the last snapshot knows it. */
function stage(parts: RunParts, sorted: Sorted, knownAt: (place: Place) => PlaceEntities): Omit<StagedPiece, 'generation'> {
  const { piece, part, edges, edgeCount, isWhole, others } = sorted
  const entities: string[] = []
  const entityIds: number[] = []
  const seen: number[] = []
  const known = others.length === 0 ? undefined : knownAt(piece.part.place).get(piece.part.dataset)
  for (const [key, body] of others) {
    const entity = known?.get(key)
    const isSame = entity?.salt != null && entity.partId === parts.idOf(part) && entity.digest === saltedDigest(entity.salt, body)
    if (isSame) seen.push(entity.id)
    else {
      entities.push(key, body)
      entityIds.push(entity?.id ?? 0)
    }
  }
  const content = isWhole && edgeCount > 0 ? parts.contentOf(part) : null
  const isUnchanged = content !== null && content === contentDigest(edges)
  return {
    ...{ part, isFirst: piece.isFirst, rows: piece.rows.length, end: storableEnd(piece.end), isUnchanged, isWhole },
    ...{ edges: isUnchanged ? '' : edges, edgeCount: isUnchanged ? 0 : edgeCount, entities, entityIds, seen },
  }
}

/** The fields of an edge, one after the other. */
function lineOf(edge: Edge): string {
  return edge.kind === 'membership'
    ? `${edge.userKey}\0${edge.membershipId ?? ''}\0${edge.storeKey ?? ''}\0${edge.rest ?? ''}`
    : `${edge.principalType}\0${edge.principalKey}\0${edge.rest ?? ''}`
}

function checkKey(piece: PartPiece, key: string): void {
  if (!key.includes('\0') && key.isWellFormed()) return
  throw new StoreError(
    'NOT_STORABLE',
    `the part ${partKey(piece.part)} has a row whose key ${JSON.stringify(key)} cannot be stored`,
  )
}

function notCanonical(piece: PartPiece, key: string, cause: Error): StoreError {
  return new StoreError(
    'NOT_STORABLE',
    `the row ${key} of the part ${partKey(piece.part)} has no canonical form: ${cause.message}`,
    { cause },
  )
}

function storableEnd(end: PartEnd | null): PartEnd | null {
  if (end === null || isPlain(end)) return end
  const clean = (facts: unknown) => JSON.stringify(facts, (_, value) => (typeof value === 'string' ? storable(value) : value))
  return { ...end, ...(JSON.parse(clean({ reason: end.reason, gaps: end.gaps })) as Pick<PartEnd, 'reason' | 'gaps'>) }
}
