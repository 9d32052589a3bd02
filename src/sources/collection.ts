import { partKey } from '../digest.ts'
import type { Coverage, PartPiece, Row } from '../model.ts'
import { PartNames } from '../part-names.ts'
import { actionOf, type Dataset, parentsOf, rootsOf } from './dataset.ts'
import { emptyAlone, standsAlone } from './empty-list.ts'
import { type Cause, ownCause } from './gap.ts'
import { Lanes } from './lanes.ts'
import { endGone, endUnread, type PartReading, type PartResult, readPart } from './part.ts'
import type { Service } from './service.ts'
import { serviceNamed } from './services.ts'
import type { Session } from './session.ts'
import { notApplicable } from './standing.ts'
import { isSuddenDrop, type Remembered, ShownRows } from './sudden-drop.ts'

/** In flight so that a rate is reached at half a second per answer, within reason. */
const narrowest = 4
const widest = 32

/** After so many refusals of one operation and not one answer, the rest is not asked: a night of refused calls helps nobody. */
const mostRefusals = 100

/**
 * One reading of one source. Lists come first; what they name is read as soon as the list is done. The parts of one
 * parent (the six questions about a permission set) are read in the declared order, so that the first tells the others
 * when the parent is gone.
 */
export class Collection {
  readonly #session: Session
  readonly #done: ReadonlySet<string>
  readonly #emit: (piece: PartPiece) => Promise<void>
  readonly #remembered: Remembered
  #lanes = new Lanes()
  readonly #states = new Map<string, DatasetState>()
  /** parts of child datasets that were found, read or staged before; a dataset is a group */
  readonly #found = new PartNames()

  constructor(
    session: Session,
    services: readonly Service[],
    done: ReadonlySet<string>,
    emit: (piece: PartPiece) => Promise<void>,
    remembered: Remembered = {},
  ) {
    this.#session = session
    this.#done = done
    this.#emit = emit
    this.#remembered = remembered
    for (const dataset of services.flatMap(service => service.datasets)) {
      const isParent = services.some(service => service.datasets.some(each => isChildOf(each, dataset)))
      const isHeldAgainst = dataset.isPopulation === 'in_sum' && session.baseline[dataset.name] !== undefined
      const shown = isHeldAgainst ? new ShownRows() : null
      const nothing = {
        index: this.#states.size,
        hasParents: false,
        causes: new Map(),
        refusals: 0,
        isAnswered: false,
        held: null,
        drop: null,
        notEnabled: null,
        listed: undefined,
      }
      this.#states.set(dataset.name, { dataset, isParent, shown, ...nothing })
    }
  }

  /** Resolves when every part has its end. @throws what is no trouble of AWS; then nothing is under way any more */
  async read(): Promise<void> {
    const read = new Set(this.#session.read.map(piece => piece.part.dataset))
    const onAbort = () => this.#lanes.stop(this.#session.signal.reason)
    this.#session.signal.addEventListener('abort', onAbort, { once: true })
    if (this.#session.signal.aborted) onAbort()
    for (const piece of this.#session.read.splice(0)) {
      const state = this.#state(piece.part.dataset)
      for (const gap of piece.end?.gaps ?? []) this.#note(state, { coverage: piece.end!.coverage, gap })
      state.listed = piece.rows.length
      await this.#emit(piece)
    }
    for (const { dataset } of this.#states.values()) {
      const reason = notApplicable(dataset.needs, this.#session.standing)
      if (reason !== null && !read.has(dataset.name)) await this.#emitWhole(dataset, 'not_applicable', reason, [])
      else if (!read.has(dataset.name))
        for (const parent of rootsOf(dataset, this.#session.subject) ?? []) {
          // lists that name parents are read again even when they are staged
          const isStaged = !this.#state(dataset.name).isParent && this.#done.has(this.#key(dataset, parent))
          if (!isStaged) this.#schedule([dataset], [parent])
        }
    }
    await this.#lanes.finished()
    await this.#doubtEmpty()
    for (const state of this.#states.values()) await this.#doubt(state)
    for (const state of this.#states.values()) await this.#settle(state)
  }

  /**
   * Reads the parts of each parent: of one parent, one after the other.
   * @param parents a number: as the found part of that index has it, since a text for each that waits is more than all else
   */
  #schedule(datasets: readonly Dataset[], parents: readonly (string | number)[]): void {
    const [first] = datasets
    if (first === undefined) return
    const service = serviceNamed(first.operation.service)
    const lane = service.budgetKey(first.operation.name)
    const rate = this.#session.rate(lane, service.rate(first.operation.name))
    const width = service.isOneAtATime ? 1 : Math.min(widest, Math.max(narrowest, Math.ceil(rate / 2)))
    this.#lanes.addEach(lane, width, parents, async parent => {
      try {
        await this.#readParts(datasets, typeof parent === 'number' ? this.#found.parentOf(parent) : parent)
      } catch (error) {
        // the others must not go on for a run that is lost
        this.#lanes.stop(error)
        this.#session.close()
        throw error
      }
    })
  }

  async #readParts(datasets: readonly Dataset[], parent: string): Promise<void> {
    let isGone = false
    let isMissing = false
    for (const dataset of datasets) {
      const reading = this.#reading(dataset, parent, isMissing)
      const refused = this.#alwaysRefused(dataset, parent)
      const result: PartResult = isGone
        ? await endGone(reading)
        : refused === null
          ? await readPart(reading)
          : await endUnread(reading, refused)
      isGone ||= result.isGone
      isMissing ||= result.isMissing === true
      this.#onRead(reading, result)
    }
  }

  #reading(dataset: Dataset, parent: string, isMissing = false): Reading {
    const children = this.#state(dataset.name).isParent ? this.#childrenOf(dataset) : []
    const found = new Map<Dataset, string[]>(children.map(child => [child, []]))
    const held = this.#state(dataset.name).held?.get(parent)
    const reading: Reading = {
      session: this.#session,
      dataset,
      parent,
      isMissing,
      emit: this.#emit,
      found,
      rows: 0,
      ...(held === undefined ? {} : { held }),
      onRestart() {
        reading.rows = 0
        for (const parents of found.values()) parents.length = 0
      },
      onRow(row) {
        reading.rows++
        for (const [child, parents] of found) {
          const named = parentIn(child, dataset, row)
          if (named !== null) parents.push(named)
        }
      },
    }
    return reading
  }

  /** The cause of a part that is not asked for, because every part before it was refused; null when it shall be asked for. */
  #alwaysRefused(dataset: Dataset, parent: string): Cause | null {
    const state = this.#state(dataset.name)
    const [known] = state.causes.values()
    if (state.isAnswered || state.refusals < mostRefusals || known === undefined) return null
    const action = actionOf(dataset.operation)
    const message = `${action} was refused ${mostRefusals} times and never answered: it was not asked again. Allow ${action} to the role.`
    return { coverage: 'denied', gap: { ...known.gap, parent, message } }
  }

  #onRead({ dataset, parent: read, rows, found }: Reading, { cause, notEnabled }: PartResult): void {
    const state = this.#state(dataset.name)
    if (notEnabled !== undefined) state.notEnabled = notEnabled
    state.shown?.note(read, rows, cause)
    if (dataset.emptyBeside !== undefined) state.listed = cause === null ? rows : null
    if (cause?.coverage === 'denied') state.refusals++
    else state.isAnswered = true
    if (cause !== null) this.#note(state, cause)
    const groups = new Map<string, { readonly index: number; readonly children: Dataset[] }>()
    for (const [child, parents] of found) {
      const below = this.#state(child.name)
      for (const parent of parents) {
        const before = this.#found.count
        const index = this.#found.enter(below.index, parent)
        if (index < before) continue
        below.hasParents = true
        // lists that name parents are read again even when they are staged
        if (!below.isParent && this.#done.has(this.#key(child, parent))) continue
        const group = groups.get(parent)
        if (group === undefined) groups.set(parent, { index, children: [child] })
        else group.children.push(child)
      }
    }
    const alike = new Map<string, { readonly children: readonly Dataset[]; readonly parents: number[] }>()
    for (const { index, children } of groups.values()) {
      const names = children.map(child => child.name).join(' ')
      const known = alike.get(names)
      if (known === undefined) alike.set(names, { children, parents: [index] })
      else known.parents.push(index)
    }
    for (const { children, parents } of alike.values()) this.#schedule(children, parents)
  }

  /** When all is read: lists that are empty and have nothing beside them are listed again; those that are empty again stay open. */
  async #doubtEmpty(): Promise<void> {
    const alone = () => [...this.#states.values()].filter(({ dataset }) => this.#standsAlone(dataset))
    for (const { dataset } of alone()) await this.#readAgain(dataset, rootsOf(dataset, this.#session.subject) ?? [])
    // told together: each is without the other
    for (const state of alone()) {
      const { dataset } = state
      const parent = this.#listParent(dataset)
      const cause = emptyAlone(dataset, this.#place(dataset), parent, this.#session.source.label)
      await endUnread(this.#reading(dataset, parent), cause)
      this.#note(state, cause)
    }
  }

  #standsAlone(dataset: Dataset): boolean {
    if (notApplicable(dataset.needs, this.#session.standing) !== null) return false
    return standsAlone(dataset, name => this.#listed(name), this.#session.baseline[dataset.name])
  }

  /** Rows of a list that was read to its end, now or by the interrupted run. */
  #listed(name: string): number | null {
    const { dataset, listed } = this.#state(name)
    if (listed !== undefined) return listed
    const parent = this.#listParent(dataset)
    if (!this.#done.has(this.#key(dataset, parent))) return null
    // how it ended is not told: one that could not be listed looks empty, and is asked again
    return this.#remembered.stagedRows?.(name, this.#place(dataset)).get(parent) ?? null
  }

  /**
   * When all is read: a dataset whose parts show far fewer rows in sum. Parts that shrank are listed again; when the sum is whole
   * then, they are believed, else they stay open.
   */
  async #doubt(state: DatasetState): Promise<void> {
    const { dataset, shown } = state
    const before = this.#session.baseline[dataset.name]
    const { heldRows, stagedRows } = this.#remembered
    if (shown === null || before === undefined || heldRows === undefined) return
    if (notApplicable(dataset.needs, this.#session.standing) !== null) return
    if (this.#done.size > 0 && stagedRows !== undefined)
      shown.addStaged(stagedRows(dataset.name, this.#place(dataset)), parent => this.#found.has(state.index, parent))
    if (!isSuddenDrop(shown.sum(new Map(), true), before)) return
    const held = await heldRows(dataset.name, this.#place(dataset))
    const hasAllParents = parentsOf(dataset).every(({ dataset: name }) => this.#state(name).causes.size === 0)
    const sum = () => shown.sum(held, hasAllParents)
    if (!isSuddenDrop(sum(), before)) return
    state.held = held
    await this.#readAgain(dataset, shown.shrunk(held))
    state.held = null
    if (isSuddenDrop(sum(), before)) {
      // parts that vanished with their parents cannot be listed again
      if (shown.dropped.length === 0) state.drop = this.#sumDrop(dataset, before, sum())
      return
    }
    for (const [key, { gap }] of state.causes) if (gap.reason === 'unconfirmed_drop') state.causes.delete(key)
    await this.#readAgain(dataset, shown.dropped)
  }

  async #readAgain(dataset: Dataset, parents: readonly string[]): Promise<void> {
    if (this.#session.signal.aborted) throw this.#session.signal.reason
    this.#lanes = new Lanes()
    this.#schedule([dataset], parents)
    await this.#lanes.finished()
  }

  #sumDrop(dataset: Dataset, before: number, rows: number): Cause {
    const message = `${actionOf(dataset.operation)} showed ${rows} in all where there were ${before}. Look whether what they hang from was really deleted; if it is as it should be, confirm it with \`evidenced snapshots confirm ${this.#session.source.label} <version>\` and collect again.`
    return ownCause('incomplete', 'unconfirmed_drop', dataset, this.#place(dataset), '', null, message)
  }

  /** When all is read: what is to be said of a child dataset as a whole, because its parents were not all known. */
  async #settle(state: DatasetState): Promise<void> {
    const { dataset } = state
    if (!isChild(dataset) || notApplicable(dataset.needs, this.#session.standing) !== null) return
    const causes = parentsOf(dataset).flatMap(({ dataset: name }) => [...this.#state(name).causes.values()])
    const whole = this.#key(dataset, '')
    if (causes.length > 0) {
      const cause = parentNotRead(dataset, causes)
      this.#note(state, cause)
      await this.#emitWhole(dataset, cause.coverage, cause.gap.message, [cause.gap])
    } else {
      await this.#endVanished(state)
      if (state.drop !== null) {
        await this.#emitWhole(dataset, 'incomplete', state.drop.gap.message, [state.drop.gap])
        return
      }
      const off = parentsOf(dataset).flatMap(({ dataset: name }) => this.#state(name).notEnabled ?? [])[0] ?? null
      // an empty population is said, not left out; and an earlier attempt of this run may have staged that it was not known
      if (off !== null && !state.hasParents) await this.#emitWhole(dataset, 'not_enabled', off, [])
      else if (!state.hasParents || this.#done.has(whole)) await this.#emitWhole(dataset, 'complete', null, [])
    }
  }

  /** Parts that the interrupted run staged, and whose parents are gone by now. */
  async #endVanished(state: DatasetState): Promise<void> {
    const prefix = this.#key(state.dataset, '')
    for (const key of this.#done) {
      if (!key.startsWith(prefix)) continue
      const parent = key.slice(prefix.length)
      if (parent !== '' && !this.#found.has(state.index, parent)) await endGone(this.#reading(state.dataset, parent))
    }
  }

  async #emitWhole(dataset: Dataset, coverage: Coverage, reason: string | null, gaps: readonly Cause['gap'][]): Promise<void> {
    const now = this.#session.way.now()
    const part = { dataset: dataset.name, place: this.#place(dataset), parent: this.#listParent(dataset) }
    const end = { coverage, reason, gaps, pages: 0, duplicates: 0, firstObservedAt: now, lastObservedAt: now }
    await this.#emit({ part, isFirst: true, rows: [], end })
  }

  /** Causes are counted by kind, not by part: forty thousand refused groups are one thing to say. */
  #note(state: DatasetState, cause: Cause): void {
    if (cause.gap.reason === 'withheld') return
    const { reason, action, errorCode } = cause.gap
    const key = [cause.coverage, reason, action, errorCode].join(' ')
    const known = state.causes.get(key)
    // which part is told of must not depend on who came first: gaps are versioned
    const told = known === undefined || cause.gap.message < known.gap.message ? cause : known
    state.causes.set(key, { ...told, parts: (known?.parts ?? 0) + 1 })
  }

  #childrenOf(parent: Dataset): readonly Dataset[] {
    const children = [...this.#states.values()].map(state => state.dataset).filter(dataset => isChildOf(dataset, parent))
    return children.filter(dataset => notApplicable(dataset.needs, this.#session.standing) === null)
  }

  #listParent(dataset: Dataset): string {
    return dataset.parents === 'instance' ? this.#session.subject.instanceArn : ''
  }

  #place(dataset: Dataset) {
    return this.#session.place(dataset.operation.service)
  }

  #key(dataset: Dataset, parent: string): string {
    return partKey({ dataset: dataset.name, place: this.#place(dataset), parent })
  }

  #state(name: string): DatasetState {
    return this.#states.get(name)!
  }
}

interface Reading extends PartReading {
  /** shown so far */
  rows: number
  /** parents of each child dataset that the rows of this part name */
  readonly found: ReadonlyMap<Dataset, string[]>
}

interface DatasetState {
  readonly dataset: Dataset
  /** its rows name the parents of other datasets */
  readonly isParent: boolean
  refusals: number
  /** at least one part of it was not refused */
  isAnswered: boolean
  /** group of its parts among the found ones */
  readonly index: number
  hasParents: boolean
  /** what its parts showed; null where their sum is not held against the last time */
  readonly shown: ShownRows | null
  /** rows of the last time by parent, while parts that shrank are listed again */
  held: ReadonlyMap<string, number> | null
  /** AWS's proof that the feature is switched off */
  notEnabled: string | null
  /**
   * of a list that is not believed when it is empty, or stands beside one: rows that it showed to its end; null: it did not come there; undefined: it
   * was not read by this run
   */
  listed: number | null | undefined
  /** it lost far more in all than can be listed again */
  drop: Cause | null
  /** why some of it is not known, by kind */
  readonly causes: Map<string, Cause & { readonly parts: number }>
}

function isChildOf(child: Dataset, parent: Dataset): boolean {
  return parentsOf(child).some(each => each.dataset === parent.name)
}

/** Rows of other datasets name its parents. */
function isChild(dataset: Dataset): boolean {
  return parentsOf(dataset).length > 0
}

function parentIn(child: Dataset, parent: Dataset, row: Row): string | null {
  return parentsOf(child)
    .find(each => each.dataset === parent.name)!
    .parent(row)
}

/** A child dataset whose parents are not all known: what is unknown below them, in one gap. */
function parentNotRead(dataset: Dataset, causes: readonly (Cause & { readonly parts: number })[]): Cause {
  const sorted = [...causes].sort((a, b) => b.parts - a.parts || (a.gap.message < b.gap.message ? -1 : 1))
  const worst = sorted[0]!
  const coverages: readonly Coverage[] = ['incomplete', 'denied', 'not_collectable']
  const coverage = coverages.find(each => causes.some(cause => cause.coverage === each)) ?? 'incomplete'
  const said = [...new Set(sorted.map(cause => `${cause.gap.dataset}: ${cause.gap.message}`))].join(' ')
  return {
    coverage,
    gap: {
      ...worst.gap,
      dataset: dataset.name,
      place: worst.gap.place,
      parent: '',
      reason: 'parent_not_read',
      message: `What ${actionOf(dataset.operation)} would have been asked about is not known in full. ${said}`,
    },
  }
}
