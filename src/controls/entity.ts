import type { Facts, Json } from '../model.ts'
import type { EntityTable } from './entity-table.ts'
import type { Field } from './field.ts'
import type { GapIndex } from './gap-index.ts'
import { schema } from './schema.ts'
import { emptyList, type OpenList, Since, Undecided, type Unknown } from './values.ts'

export type List = readonly unknown[] | OpenList

/** What every entity asks of the estate it belongs to; each class declares what more it needs. */
export interface Surroundings {
  readonly gaps: GapIndex
  /** the gap of a member that must be there and is not */
  notSent(dataset: string, key: string, member: string): Unknown
  /** the gap of an answer that is not what AWS documents */
  invalid(dataset: string, key: string, message: string): Unknown
}

/**
 * What expressions see. Each object is two fields (estate and number), made when it is first asked for and kept, so that it
 * is the same object everywhere; its lists are made on first use. A member that could not be read is an `Unknown`, never null.
 */
export abstract class Entity {
  readonly estate: Surroundings
  readonly number: number

  constructor(estate: Surroundings, number: number) {
    this.estate = estate
    this.number = number
  }

  /** name of its type in the schema: only members declared there can be asked */
  abstract get typeName(): string
  abstract get key(): string
}

/** What facts are read from: a row of a dataset, or a key whose row could not be read. */
export interface Recorded {
  readonly estate: Surroundings
  readonly dataset: string
  readonly key: string
  /** undefined when its row was not read; `absence` says why */
  readonly facts: Facts | undefined
  absence(): Unknown
}

/** An entity with facts of its own: a row of a dataset. */
export abstract class StoredEntity extends Entity {
  protected abstract get table(): EntityTable

  get key(): string {
    return this.table.keys[this.number]!
  }
  get dataset(): string {
    return this.table.dataset
  }
  /** undefined when its row was not read; `absence` says why */
  get facts(): Facts | undefined {
    return this.table.facts(this.number)
  }
  absence(): Unknown {
    return this.table.absence(this.number, this.estate.gaps)
  }
  /** Since AWS made it, where AWS says so; else since the first snapshot that shows it. */
  protected sinceCreated(created: Date | null | Unknown): Since | Unknown {
    if (created instanceof Undecided) return created
    if (created !== null) return new Since(created, true)
    return this.table.firstSeen(this.number) ?? this.absence()
  }
}

/** Gives a class a getter for each fact of its type. */
export function declareFacts(type: { readonly prototype: Recorded }, name: string): void {
  for (const [member, field] of Object.entries(schema[name]!)) {
    if (field.fact === undefined) continue
    Object.defineProperty(type.prototype, member, {
      get(this: Recorded) {
        return readFact(this, member, field)
      },
    })
  }
}

function readFact(entity: Recorded, member: string, field: Field): unknown {
  const { facts } = entity
  if (facts === undefined) return entity.absence()
  const value: Json | undefined = facts[member]
  if (field.fact === 'text' && typeof value === 'string') return value
  const { dataset, key, estate } = entity
  if (value === undefined || value === null) {
    const gap = estate.gaps.member(dataset, key, member)
    if (gap !== undefined) return gap
    if (field.isNullable) return field.fact === 'list' ? emptyList : null
    return estate.notSent(dataset, key, member)
  }
  if (field.fact === 'list' && Array.isArray(value)) return value
  if (field.fact === 'number' && typeof value === 'number') return value
  if (field.fact === 'boolean' && typeof value === 'boolean') return value
  if (field.fact === 'time' && typeof value === 'string') {
    const time = new Date(value)
    if (!Number.isNaN(time.getTime())) return time
  }
  return estate.invalid(dataset, key, `${member} is ${JSON.stringify(value).slice(0, 80)}`)
}
