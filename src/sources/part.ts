import { setTimeout as pause } from 'node:timers/promises'
import { sha256 } from '../digest.ts'
import type { Coverage, Facts, Gap, Json, PartPiece, Place, Row } from '../model.ts'
import { type Ask, actionOf, type Dataset, type Operation } from './dataset.ts'
import { type Cause, causeOf, ownCause, withheldGaps } from './gap.ts'
import { serviceNamed } from './services.ts'
import type { Said, Session } from './session.ts'
import { isSuddenDrop } from './sudden-drop.ts'
import type { Trouble } from './trouble.ts'
import { isKey, wellFormed } from './well-formed.ts'

/** A paging sequence is begun again at most so often, when its page token is refused. */
const mostRestarts = 2
/** A parent that AWS calls missing and yet shows is asked for again so often. */
const mostRereads = 2
/** Far above AWS's quotas: 100,000 pages of 100. */
const mostPages = 100_000

export interface PartReading {
  readonly session: Session
  readonly dataset: Dataset
  readonly parent: string
  /** rows that it showed the last time, when the dataset lost so many in all that it is listed again: fewer are not believed */
  readonly held?: number
  /** AWS called the parent missing just now, and would not confirm that it was deleted: that none is set would be the same error */
  readonly isMissing?: boolean
  /** takes pieces in order; waits while the consumer is behind */
  emit(piece: PartPiece): Promise<void>
  /** each row once; after `onRestart` the earlier ones do not count */
  onRow?(row: Row): void
  onRestart?(): void
}

export interface PartResult {
  /** why the part is open; null when it is complete */
  readonly cause: Cause | null
  /** AWS confirmed that the parent was deleted */
  readonly isGone: boolean
  /** AWS called the parent missing, and would not confirm that it was deleted */
  readonly isMissing?: boolean
  /** AWS's proof that the feature is switched off: what hangs from its rows is, too */
  readonly notEnabled?: string
}

type Attempt =
  | { readonly kind: 'ended'; readonly result: PartResult }
  | { readonly kind: 'again'; readonly why: 'page_token' | 'still_exists'; readonly trouble: Trouble }
  | { readonly kind: 'doubted' }

/** Reads one part to its honest end: all pages, or the reason why not. */
export async function readPart(reading: PartReading): Promise<PartResult> {
  const part = new OpenPart(reading)
  const left = { page_token: mostRestarts, still_exists: mostRereads }
  for (let isDoubted = reading.held !== undefined; ; ) {
    const attempt = await part.attempt(isDoubted)
    if (attempt.kind === 'ended') return attempt.result
    if (attempt.kind === 'doubted') {
      isDoubted = true
      continue
    }
    if (left[attempt.why]-- > 0) {
      if (attempt.why === 'still_exists') await pause(250 + Math.random() * 500, undefined, { signal: reading.session.signal })
      continue
    }
    return part.endOpen(part.exhausted(attempt.why, attempt.trouble))
  }
}

/** A part while it is read: what was handed on, and since when. */
class OpenPart {
  readonly #reading: PartReading
  readonly #place: Place
  #isBegun = false
  /** of an inquiry, the question that was answered last */
  #lastAsked: Operation
  #pages = 0
  #duplicates = 0
  #firstObservedAt: Date | null = null
  #lastObservedAt: Date | null = null
  /** members that hold what is no text */
  #illFormed: Gap[] = []
  /** rows whose very name is no text */
  #unnamed = 0

  constructor(reading: PartReading) {
    this.#reading = reading
    this.#place = reading.session.place(reading.dataset.operation.service)
    this.#lastAsked = reading.dataset.operation
  }

  /**
   * One paging sequence from its first page.
   * @param isDoubted an earlier one showed far fewer rows than the last time: if this one does too, the part stays open
   */
  async attempt(isDoubted: boolean): Promise<Attempt> {
    const { session, dataset, parent } = this.#reading
    const keys = new Set<string>()
    const tokens = new Set<string>()
    const paging = serviceNamed(dataset.operation.service).paging
    const asked = dataset.input(parent, session.subject)
    const input = typeof dataset.pageSize === 'number' ? { ...asked, [paging.size]: dataset.pageSize } : asked
    let token: string | null = null
    for (let page = 1; ; page++) {
      const inquired = dataset.inquiry === undefined ? null : await this.#inquire(dataset.inquiry)
      let rows = null as readonly Row[] | null
      const read = (answer: Facts) => {
        rows = dataset.rows(answer, parent, session.subject)
        return rows?.length ?? 0
      }
      const said =
        inquired ??
        (await session.ask({
          operation: dataset.operation,
          input: token === null ? input : { ...input, [paging.token]: token },
          dataset: dataset.name,
          page,
          isRowwise: true,
          items: read,
        }))
      if ('trouble' in said) return this.#onTrouble(said.trouble, token !== null)
      if (inquired !== null) read(said.answer)
      const next: unknown = dataset.pageSize === null ? null : (said.answer[paging.next] ?? null)
      const isCutOff = (next ?? '') === '' && dataset.pageSize !== null && paging.isCutOff?.(said.answer) === true
      if (rows === null || (next !== null && typeof next !== 'string') || isCutOff)
        return ended(await this.endOpen(this.#invalid()))
      if (page === 1) this.#begin(inquired?.observedSince ?? said.observedAt)
      this.#pages = page
      this.#lastObservedAt = said.observedAt
      const fresh = this.#fresh(rows, keys, said.isIllFormed)
      const isFirst = page === 1
      if (next === null || next === '') {
        const before = this.#droppedFrom(keys.size)
        if (this.#unnamed > 0) return ended(await this.#end('incomplete', this.#nameless(), this.#illFormed, fresh, isFirst))
        const isEmpty = dataset.isNeverEmpty === true && keys.size === 0
        if (before === null && !isEmpty) return ended(await this.#end('complete', null, this.#illFormed, fresh, isFirst))
        if (!isDoubted) return { kind: 'doubted' }
        if (before === null) return ended(await this.#end('incomplete', this.#empty(), [], fresh, isFirst))
        return ended(await this.#end('incomplete', this.#drop(before, keys.size), [], fresh, isFirst))
      }
      const digest = sha256(next)
      if (tokens.has(digest) || page === mostPages) {
        return ended(await this.#end('incomplete', this.#endless(), [], fresh, isFirst))
      }
      tokens.add(digest)
      token = next
      this.#isBegun = true
      await this.#reading.emit({ part: this.#part(), isFirst, rows: fresh, end: null })
    }
  }

  /** Ends the part as open. Rows that were seen stay: they were there. */
  async endOpen(cause: Cause): Promise<PartResult> {
    return this.#end(cause.coverage, cause, this.#illFormed, [], !this.#isBegun)
  }

  /** The cause when beginning again did not help. */
  exhausted(why: 'page_token' | 'still_exists', trouble: Trouble): Cause {
    const { dataset, parent } = this.#reading
    const action = actionOf(dataset.operation)
    const message =
      why === 'page_token'
        ? `${action} refused its own page token ${mostRestarts + 1} times (${trouble.code}). Collect again.`
        : `${action} answered ${trouble.code}, although ${dataset.gone?.what ?? 'what it was asked about'} exists. Collect again, and report it if it stays.`
    return ownCause('incomplete', why, dataset, this.#place, parent, trouble.code, message)
  }

  /** Several questions for one answer; what is refused is told of the operation that was. */
  async #inquire(inquiry: NonNullable<Dataset['inquiry']>): Promise<(Said & { readonly observedSince?: Date }) | null> {
    const { session, dataset, parent } = this.#reading
    let observedAt = session.way.now()
    const ask: Ask = async (operation, input, about) => {
      this.#lastAsked = operation
      const said = await session.ask({ operation, input, dataset: dataset.name, ...about })
      if ('answer' in said) observedAt = said.observedAt
      return said
    }
    const wait = (ms: number) => pause(ms, undefined, { signal: session.signal })
    const kept = async () => (await session.kept(dataset.name)).get(parent) ?? null
    const said = await inquiry.answer(ask, parent, wait, kept)
    if (said === null) this.#lastAsked = dataset.operation
    if (said === null || 'trouble' in said) return said
    return { ...said, observedAt: said.observedAt ?? observedAt, isIllFormed: false }
  }

  async #onTrouble(trouble: Trouble, hasToken: boolean): Promise<Attempt> {
    const { dataset, parent, isMissing = false } = this.#reading
    if (dataset.isNone?.(trouble) && !(isMissing && dataset.gone?.isMeant(trouble) === true)) {
      this.#begin(this.#reading.session.way.now())
      this.#pages = 1
      return ended(await this.#end('complete', null, [], [], true))
    }
    // of a feature that was answered already, it is no answer: what was shown stays, and the part is open
    const notEnabled = this.#firstObservedAt === null ? (dataset.notEnabled?.(trouble) ?? null) : null
    if (notEnabled !== null) {
      this.#begin(this.#reading.session.way.now())
      this.#pages = 1
      await this.#emitEnd('not_enabled', notEnabled, [], [], true)
      return ended({ cause: null, isGone: false, notEnabled })
    }
    if (dataset.gone?.isMeant(trouble)) return this.#onMissing(trouble)
    if (hasToken && trouble.kind === 'rejected') return { kind: 'again', why: 'page_token', trouble }
    // a directory of which a page was shown can be listed: the refusal means something else
    if (!hasToken && this.#firstObservedAt === null && dataset.isNotListable?.(trouble))
      return ended(await this.endOpen(this.#notListable(trouble)))
    return ended(await this.endOpen(causeOf(trouble, dataset, this.#place, parent, this.#lastAsked)))
  }

  /** AWS says that the parent is missing: a second question tells whether it was deleted. */
  async #onMissing(trouble: Trouble): Promise<Attempt> {
    const { session, dataset, parent } = this.#reading
    const gone = dataset.gone!
    let lastAsked: Operation = dataset.operation
    const ask: Ask = async (operation, input) => {
      lastAsked = operation
      return session.ask({ operation, input })
    }
    const confirmation = await gone.confirm(ask, parent, session.subject)
    if (confirmation === 'exists') return { kind: 'again', why: 'still_exists', trouble }
    if (confirmation === 'as_said') return ended(await this.endOpen(causeOf(trouble, dataset, this.#place, parent)))
    if (confirmation !== 'gone') {
      const result = await this.endOpen(causeOf(confirmation, dataset, this.#place, parent, lastAsked))
      return ended({ ...result, isMissing: true })
    }
    return ended(await this.endGone())
  }

  /** The parent was deleted after it was listed: there is nothing below it, and that is complete. */
  async endGone(): Promise<PartResult> {
    const { dataset } = this.#reading
    this.#begin(this.#reading.session.way.now())
    const reason = `${dataset.gone?.what ?? 'what it is about'} was deleted while the source was read`
    await this.#emitEnd('complete_with_changes', reason, [], [], true)
    return { cause: null, isGone: true }
  }

  #begin(observedAt: Date): void {
    this.#firstObservedAt = observedAt
    this.#lastObservedAt = observedAt
    this.#pages = 0
    this.#duplicates = 0
    this.#illFormed = []
    this.#unnamed = 0
    this.#reading.onRestart?.()
  }

  #fresh(rows: readonly Row[], keys: Set<string>, isIllFormed: boolean): readonly Row[] {
    const { dataset, session, onRow } = this.#reading
    const personal = session.source.includePersonalData ? [] : (dataset.personal ?? [])
    const dropped = [...personal, ...(dataset.secret ?? [])]
    const fresh: Row[] = []
    for (const sent of rows) {
      if (!isKey(sent.key)) {
        this.#unnamed++
        continue
      }
      const row = isIllFormed ? this.#kept(sent) : sent
      if (keys.has(row.key)) {
        this.#duplicates++
        continue
      }
      keys.add(row.key)
      onRow?.(row)
      fresh.push(dropped.length === 0 ? row : { key: row.key, facts: without(row.facts, dropped) })
    }
    return fresh
  }

  /** The row without the members that cannot be kept: each is a gap of its own, and the others are known. */
  #kept({ key, facts }: Row): Row {
    const { dataset, parent } = this.#reading
    const kept = wellFormed(facts)
    for (const member of kept.dropped) {
      const message = `${actionOf(dataset.operation)} sent a ${member} of ${key} in which half of a character stands (a lone surrogate): it can be neither kept nor digested. Correct it where it is written.`
      const cause = ownCause('complete', 'invalid_answer', dataset, this.#place, parent, null, message)
      this.#illFormed.push({ ...cause.gap, key, member })
    }
    return { key, facts: kept.facts }
  }

  async #end(
    coverage: Coverage,
    cause: Cause | null,
    gaps: readonly Gap[],
    rows: readonly Row[],
    isFirst: boolean,
  ): Promise<PartResult> {
    await this.#emitEnd(coverage, cause?.gap.message ?? null, cause === null ? gaps : [cause.gap, ...gaps], rows, isFirst)
    return { cause, isGone: false }
  }

  async #emitEnd(
    coverage: Coverage,
    reason: string | null,
    gaps: readonly Gap[],
    rows: readonly Row[],
    isFirst: boolean,
  ): Promise<void> {
    const { session, dataset } = this.#reading
    const now = session.way.now()
    const withheld = session.source.includePersonalData ? [] : withheldGaps(dataset, this.#place)
    await this.#reading.emit({
      part: this.#part(),
      isFirst,
      rows,
      end: {
        coverage,
        reason,
        gaps: [...gaps, ...withheld],
        pages: this.#pages,
        duplicates: this.#duplicates,
        firstObservedAt: this.#firstObservedAt ?? now,
        lastObservedAt: this.#lastObservedAt ?? now,
      },
    })
  }

  #part() {
    return { dataset: this.#reading.dataset.name, place: this.#place, parent: this.#reading.parent }
  }

  #nameless(): Cause {
    const { dataset, parent } = this.#reading
    const message = `${actionOf(dataset.operation)} sent ${this.#unnamed} rows whose identifier is no text. Correct them where they are written, and collect again.`
    return ownCause('incomplete', 'invalid_answer', dataset, this.#place, parent, null, message)
  }

  #invalid(): Cause {
    const { dataset, parent } = this.#reading
    const message = `${actionOf(dataset.operation)} answered without what it promises. Collect again, and report it if it stays.`
    return ownCause('incomplete', 'invalid_answer', dataset, this.#place, parent, null, message)
  }

  /** How many rows there were, when so many fewer are not believed; null when the number is no surprise. */
  #droppedFrom(rows: number): number | null {
    const { dataset, session, held } = this.#reading
    if (held !== undefined) return rows < held ? held : null
    const { isPopulation, name } = dataset
    if (isPopulation === undefined || isPopulation === 'in_sum') return null
    const before = session.baseline[isPopulation === 'per_account' ? `${name} ${this.#place.accountId}` : name]
    return before !== undefined && isSuddenDrop(rows, before) ? before : null
  }

  #drop(before: number, rows: number): Cause {
    const { dataset, parent, session } = this.#reading
    const message = `${actionOf(dataset.operation)} showed ${rows} where there were ${before}, twice. Look whether the identity source was changed or emptied; if it is as it should be, confirm it with \`evidenced snapshots confirm ${session.source.label} <version>\` and collect again.`
    return ownCause('incomplete', 'unconfirmed_drop', dataset, this.#place, parent, null, message)
  }

  /** One that was listed before is not believed to have become such a directory until somebody says so. */
  #notListable({ code }: Trouble): Cause {
    const { dataset, parent, session } = this.#reading
    const before = session.baseline[dataset.name] ?? 0
    const said = `${actionOf(dataset.operation)} was refused with ${code}: AWS lists no users and groups when Active Directory is the identity source.`
    if (before === 0) {
      const message = `${said} They cannot be collected; assignments can.`
      return ownCause('not_collectable', 'directory_not_listable', dataset, this.#place, parent, code, message)
    }
    const message = `${said} It listed ${before} before: if the identity source was changed, confirm it with \`evidenced snapshots confirm ${session.source.label} <version>\` and collect again.`
    return ownCause('incomplete', 'unconfirmed_drop', dataset, this.#place, parent, code, message)
  }

  #empty(): Cause {
    const { dataset, parent } = this.#reading
    const message = `${actionOf(dataset.operation)} answered with an empty list, twice, and there is always at least one. Collect again, and report it if it stays.`
    return ownCause('incomplete', 'invalid_answer', dataset, this.#place, parent, null, message)
  }

  #endless(): Cause {
    const { dataset, parent } = this.#reading
    const message = `${actionOf(dataset.operation)} answered the same page token twice, so its pages have no end. Collect again.`
    return ownCause('incomplete', 'page_token', dataset, this.#place, parent, null, message)
  }
}

/** The parts of a parent that is known to be gone need no call. */
export function endGone(reading: PartReading): Promise<PartResult> {
  return new OpenPart(reading).endGone()
}

/** Ends a part that was not asked for. */
export function endUnread(reading: PartReading, cause: Cause): Promise<PartResult> {
  return new OpenPart(reading).endOpen(cause)
}

function ended(result: PartResult): Attempt {
  return { kind: 'ended', result }
}

function without(facts: Facts, members: readonly string[]): Facts {
  if (!members.some(member => member in facts)) return facts
  const kept: Record<string, Json> = {}
  for (const name of Object.keys(facts)) if (!members.includes(name)) kept[name] = facts[name]!
  return kept
}
