import type pg from 'pg'
import { Copier } from './copier.ts'
import { connection, transaction } from './database.ts'
import { edgeFields, type StagedPiece } from './journal.ts'
import { LeafSet } from './leaf-set.ts'
import { type GroupNumbers, numberGroups } from './number-parts.ts'
import { Numbers } from './numbers.ts'
import { contentDigest } from './part-content.ts'
import { ResourceKeys } from './resource-keys.ts'
import type { PartGroup, RunParts } from './run-parts.ts'
import type { Store } from './store.ts'
import { edgeColumns, nameKeys, writeEdgeRows } from './write-edges.ts'
import { EntityTables } from './write-entities.ts'

/** Longer than this no transaction is held open: the garbage of the whole database would wait for it. */
const mostMinutes = 10

/** The rows of a first snapshot, written and not yet committed. */
export interface WrittenEarly {
  /** numbers of all entities */
  readonly seen: ReadonlySet<number>
  /** rows in all */
  readonly begun: number
  readonly leaves: ReadonlyMap<PartGroup, LeafSet>
}

/**
 * Writes the first snapshot of a source while it is read, in the transaction that its seal commits, so that the server works beside the
 * reading. The journal is kept all the same: where anything is out of the ordinary (a part is begun again, a key comes twice, the reading takes
 * long, the server refuses) this is rolled back, and the seal writes the rows from there.
 */
export class EarlyRows {
  readonly #store: Store
  readonly #session: pg.Client
  readonly #sourceId: number
  readonly #parts: RunParts
  readonly #isFree: () => boolean
  readonly #groups = new Map<PartGroup, GroupNumbers>()
  readonly #entityKeys = new Map<PartGroup, Set<number>>()
  readonly #leaves = new Map<PartGroup, LeafSet>()
  readonly #seen = new Set<number>()
  /** lines of parts of edges that come in several pieces */
  readonly #held = new Map<number, string[]>()
  #queue: Promise<void> = Promise.resolve()
  #tables: Tables | null = null
  #timer: NodeJS.Timeout | null = null
  #isOver = false
  #taken = 0
  #begun = 0

  /** @param session that holds the source's lock @param isFree false when the session was lost */
  constructor(store: Store, session: pg.Client, sourceId: number, parts: RunParts, isFree: () => boolean) {
    this.#store = store
    this.#session = session
    this.#sourceId = sourceId
    this.#parts = parts
    this.#isFree = isFree
  }

  /** Writes pieces that the journal holds; waits until their bytes are on their way. Never fails. */
  take(pieces: readonly StagedPiece[]): Promise<void> {
    return this.#then(() => this.#write(pieces))
  }

  /** @returns null when the rows have to be written from the journal; otherwise they stand in the open transaction of the session */
  async finish(): Promise<WrittenEarly | null> {
    await this.#then(async () => {
      if (!this.#isAllTaken()) return this.#giveUp('what was written is not what was read')
      await this.#tables?.copier.idle()
    })
    this.#stopTimer()
    if (this.#isOver || this.#tables === null) return null
    return { seen: this.#seen, begun: this.#begun, leaves: this.#leaves }
  }

  /** Takes back what was written: the run ends without a seal. */
  abandon(): Promise<void> {
    return this.#then(() => this.#giveUp('the run ended'))
  }

  #then(work: () => Promise<void>): Promise<void> {
    const step = async () => {
      if (this.#isOver) return
      try {
        await work()
      } catch (error) {
        await this.#giveUp((error as Error).message)
      }
    }
    this.#queue = this.#queue.then(step)
    return this.#queue
  }

  async #giveUp(why: string): Promise<void> {
    this.#isOver = true
    this.#stopTimer()
    this.#store.log.debug('first snapshot is written at its seal', { why })
    const tables = this.#tables
    this.#tables = null
    this.#parts.dropNumbers()
    for (const kept of [this.#groups, this.#entityKeys, this.#leaves, this.#seen, this.#held]) kept.clear()
    if (tables === null) return
    await tables.copier.idle().catch(() => {})
    await this.#session.query('rollback').catch(() => {})
  }

  /** Every row of every part came here once, and every part came to its end. */
  #isAllTaken(): boolean {
    let rows = 0
    for (const index of this.#parts.touched()) {
      if (!this.#parts.isEnded(index) && this.#parts.rowsOf(index) > 0) return false
      rows += this.#parts.rowsOf(index)
    }
    return rows === this.#taken && this.#held.size === 0
  }

  async #write(pieces: readonly StagedPiece[]): Promise<void> {
    if (!this.#isFree()) return this.#giveUp('the session was lost')
    const again = pieces.find(piece => piece.generation > 1)
    if (again !== undefined) return this.#giveUp(`the part ${this.#parts.keyOf(again.part)} was begun again`)
    this.#tables ??= await this.#begin()
    const { copier, keys } = this.#tables
    await this.#numberGroups(pieces)
    for (const piece of pieces) {
      this.#taken += piece.rows
      const fields = this.#edgesOf(piece)
      if (fields.length > 0) nameKeys(keys, fields, this.#parts.groupOf(piece.part).edges!)
      for (let at = 0; at < piece.entities.length; at += 2) keys.name(piece.entities[at]!)
      await keys.resolve()
      if (fields.length > 0) await this.#writeEdges(piece, fields)
      if (piece.entityIds.length > 0 && !(await this.#writeEntities(piece)))
        return this.#giveUp(`a key stands twice in ${this.#parts.keyOf(piece.part)}, or elsewhere in its dataset`)
    }
    await copier.pass()
  }

  async #begin(): Promise<Tables> {
    await this.#session.query('begin')
    // the reading has its pauses
    await this.#session.query(`select set_config(name, '0', true) from pg_settings
      where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')`)
    this.#timer = setTimeout(() => {
      void this.#then(() => this.#giveUp(`it takes longer than ${mostMinutes} minutes`))
    }, mostMinutes * 60_000)
    this.#timer.unref()
    return tablesOn(this.#store, this.#session, this.#sourceId)
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** In a transaction of its own: another source's seal must not wait for a name that this one has not committed. */
  async #numberGroups(pieces: readonly StagedPiece[]): Promise<void> {
    const groups = new Set<PartGroup>()
    for (const piece of pieces) {
      const group = this.#parts.groupOf(piece.part)
      if (piece.rows > 0 && !this.#groups.has(group)) groups.add(group)
    }
    if (groups.size === 0) return
    const numbers = await transaction(this.#store.db, on => numberGroups(on, [...groups]))
    for (const [group, its] of numbers) {
      this.#groups.set(group, its)
      this.#entityKeys.set(group, new Set())
      this.#leaves.set(group, new LeafSet())
    }
  }

  /** Fields of the edges that can be written now: those of a part at its end, each edge once. */
  #edgesOf(piece: StagedPiece): readonly string[] {
    if (piece.isWhole) return fieldsOf(piece.edges)
    if (this.#parts.groupOf(piece.part).edges === null) return []
    const lines = this.#held.get(piece.part) ?? []
    lines.push(...piece.edges)
    if (piece.end === null) {
      if (lines.length > 0) this.#held.set(piece.part, lines)
      return []
    }
    this.#held.delete(piece.part)
    return fieldsOf(lastOfEach(lines, this.#parts.groupOf(piece.part).edges!))
  }

  async #partNumber(part: number): Promise<number> {
    const known = this.#parts.reservedIdOf(part)
    if (known > 0) return known
    const { parts, partNumbers } = this.#tables!
    const id = await partNumbers.next()
    const { datasetId, placeId } = this.#groups.get(this.#parts.groupOf(part))!
    parts.row()
    for (const value of [id, this.#sourceId, datasetId, placeId]) parts.int(value)
    parts.text(this.#parts.parentOf(part))
    this.#parts.reserveId(part, id)
    return id
  }

  async #writeEdges(piece: StagedPiece, fields: readonly string[]): Promise<void> {
    const partId = await this.#partNumber(piece.part)
    const tables = this.#tables!
    const group = this.#parts.groupOf(piece.part)
    const kind = group.edges!
    const edgeCount = fields.length / edgeFields[kind]
    const isComplete = piece.end?.coverage === 'complete' || piece.end?.coverage === 'complete_with_changes'
    if (piece.isWhole && isComplete) {
      tables.contents.row()
      tables.contents.int(partId)
      tables.contents.hex(contentDigest(piece.edges))
    }
    const { keys } = tables
    const part = {
      sourceId: this.#sourceId,
      partId,
      version: 1,
      dataset: group.dataset,
      parent: this.#parts.parentOf(piece.part),
    }
    writeEdgeRows({ ...part, keys, leafSet: this.#leaves.get(group)! }, { edges: fields, edgeCount }, kind, tables[kind], null)
    this.#begun += edgeCount
  }

  /** @returns false when one of them was written before */
  async #writeEntities(piece: StagedPiece): Promise<boolean> {
    const partId = await this.#partNumber(piece.part)
    const { entities, keys, entityNumbers } = this.#tables!
    const group = this.#parts.groupOf(piece.part)
    const known = this.#entityKeys.get(group)!
    const leaves = this.#leaves.get(group)!
    const parent = JSON.stringify(this.#parts.parentOf(piece.part))
    for (let at = 0; at < piece.entities.length; at += 2) {
      const [key, body] = [piece.entities[at]!, piece.entities[at + 1]!]
      const keyId = keys.idOf(key)
      if (known.has(keyId)) return false
      known.add(keyId)
      const id = await entityNumbers.next()
      entities.entity(id, this.#sourceId, this.#groups.get(group)!, keyId)
      const digest = entities.version({ sourceId: this.#sourceId, id, version: 1, partId }, entities.salt(id), body)
      leaves.add(JSON.stringify(key), parent, digest)
      this.#seen.add(id)
      this.#begun++
    }
    return true
  }
}

type Tables = ReturnType<typeof tablesOn>

function tablesOn(store: Store, session: pg.Client, sourceId: number) {
  const copier = new Copier(connection(store.db, session))
  return {
    copier,
    parts: copier.table('part', ['id', 'source_id', 'dataset_id', 'place_id', 'parent']),
    partNumbers: new Numbers(store, 'part'),
    keys: new ResourceKeys(store, sourceId, copier, true),
    entities: new EntityTables(copier),
    entityNumbers: new Numbers(store, 'entity'),
    membership: copier.table('membership_version', edgeColumns.membership),
    assignment: copier.table('assignment_version', edgeColumns.assignment),
    contents: copier.table('part_content', ['part_id', 'digest']),
  }
}

function fieldsOf(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : lines.join('\0').split('\0')
}

/** Lines of a part without those that a later line of the same edge takes the place of. */
function lastOfEach(lines: readonly string[], kind: 'membership' | 'assignment'): readonly string[] {
  const last = new Map<string, string>()
  for (const line of lines) {
    const end = line.indexOf('\0', kind === 'membership' ? 0 : line.indexOf('\0') + 1)
    last.set(line.slice(0, end), line)
  }
  return [...last.values()]
}
