import type { Facts, Json } from '../model.ts'
import type { Approvable, Approvals } from './approvals.ts'
import type { ChangeEvent, RowChange } from './change-events.ts'
import { Entity, type List, type Surroundings } from './entity.ts'
import type { Past } from './past.ts'
import { timeText } from './values.ts'

/** What changes ask of the estate. */
export interface ChangeSurroundings extends Surroundings {
  readonly approvals: Approvals
}

/** Something that is not as it was, between two snapshots. */
export abstract class Change extends Entity {
  declare readonly estate: ChangeSurroundings
  readonly key: string
  readonly shownAt: Date
  readonly unchangedAt: Date
  readonly isUndone: boolean
  #approvals: { readonly list: List; readonly ambiguous: readonly string[] } | null = null

  constructor(
    estate: ChangeSurroundings,
    thing: string,
    when: { readonly shownAt: Date; readonly unchangedAt: Date; readonly isUndone: boolean },
  ) {
    super(estate, 0)
    this.key = `${thing}|${timeText(when.shownAt)}`
    this.shownAt = when.shownAt
    this.unchangedAt = when.unchangedAt
    this.isUndone = when.isUndone
  }

  abstract get name(): unknown
  protected abstract get approvable(): Omit<Approvable, 'shownAt' | 'unchangedAt'>

  get approvals(): List {
    return this.#matched.list
  }
  get ambiguousApprovals(): readonly string[] {
    return this.#matched.ambiguous
  }
  /** From when to when it happened, for people. */
  get when(): string {
    return `between ${timeText(this.unchangedAt)} and ${timeText(this.shownAt)}`
  }

  get #matched() {
    this.#approvals ??= this.estate.approvals.of({ ...this.approvable, shownAt: this.shownAt, unchangedAt: this.unchangedAt })
    return this.#approvals
  }
}

/** When an event happened, by the seal times of its snapshots. */
export function whenOf(past: Past, { version, notBefore, isUndone }: ChangeEvent) {
  return { shownAt: past.sealedAt(version), unchangedAt: past.sealedAt(notBefore), isUndone }
}

/** Members of facts that differ, in words; those that are ignored are left out. */
export function differences({ before, after }: RowChange, ignored: ReadonlySet<string>): readonly string[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
    .filter(name => !ignored.has(name))
    .sort()
  const said = (facts: Facts | null, name: string) => short(facts?.[name])
  return names
    .filter(name => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .map(name => `${name} was ${said(before, name)}, is ${said(after, name)}`)
}

const longest = 1_000

function short(value: Json | undefined): string {
  if (value === undefined || value === null) return 'none'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
