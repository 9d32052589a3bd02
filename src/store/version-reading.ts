import type pg from 'pg'
import type { Place } from '../model.ts'
import { copyOut } from './copy-out.ts'
import { LeafRows } from './leaf-rows.ts'
import type { StoreProblem } from './problem.ts'
import { stillHolds } from './versions.ts'

/** A dataset of one source in one place. */
export interface Unit {
  readonly sourceId: number
  readonly datasetId: number
  readonly placeId: number
  readonly dataset: string
  readonly place: Place
}

/** Numbers of parts or entities, the last one not included. */
export interface IdRange {
  readonly from: number
  readonly to: number
}

/** What is known while version rows are read: datasets, keys, and what was found so far. */
export class Reading {
  readonly client: pg.ClientBase
  readonly units: readonly Unit[]
  /** by number; as they are, and as they stand between the quotes of JSON */
  readonly keys: string[] = []
  readonly jsonKeys: string[] = []
  rows = new LeafRows()
  problems: StoreProblem[] = []
  readonly #unitOf: ReadonlyMap<string, number>
  #hasKeys = false

  constructor(client: pg.ClientBase, units: readonly Unit[]) {
    this.client = client
    this.units = units
    this.#unitOf = new Map(units.map((unit, i) => [`${unit.sourceId} ${unit.datasetId} ${unit.placeId}`, i]))
  }

  unitOf(sourceId: number, datasetId: number, placeId: number): number | null {
    return this.#unitOf.get(`${sourceId} ${datasetId} ${placeId}`) ?? null
  }

  /** Reads every key, once. */
  async loadKeys(): Promise<void> {
    if (this.#hasKeys) return
    await copyOut(this.client, 'select id, key from resource_key', row => {
      const [id, key] = [row.int(), row.text()!]
      this.keys[id] = key
      this.jsonKeys[id] = betweenQuotes(key)
    })
    this.#hasKeys = true
  }

  /** When rows of a range were not seen, by their identity. */
  async unseen(kind: 'entity' | 'membership' | 'assignment', { from, to }: IdRange): Promise<ReadonlyMap<string, Interval[]>> {
    const [first, ...rest] = identities[kind]
    const found = new Map<string, Interval[]>()
    const select = `select ${[first, ...rest, 'from_version', 'to_version'].join(', ')} from ${kind}_unseen where ${first} >= ${from} and ${first} < ${to}`
    await copyOut(this.client, select, row => {
      const identity = [first, ...rest].map(() => row.int()).join(' ')
      const interval = [row.int(), row.int()] as const
      const known = found.get(identity)
      if (known === undefined) found.set(identity, [interval])
      else known.push(interval)
    })
    return found
  }

  /** Takes up a row with its leaf, for the versions in which it was seen. */
  add(unit: number, from: number, to: number, unseen: readonly Interval[] | undefined, leaf: string): void {
    let next = from
    for (const [begin, end] of unseen?.toSorted((a, b) => a[0] - b[0]) ?? []) {
      if (begin > next) this.rows.add(unit, next, Math.min(begin, to), leaf)
      next = Math.max(next, end)
      if (next >= to) return
    }
    this.rows.add(unit, next, to, leaf)
  }
}

export type Interval = readonly [from: number, to: number]

const identities = {
  entity: ['entity_id'],
  membership: ['part_id', 'user_id'],
  assignment: ['part_id', 'principal_type', 'principal_id'],
} as const

/** A text as it stands between the quotes of JSON. */
export function betweenQuotes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what JSON escapes
  return /["\\\u0000-\u001f]/.test(text) ? JSON.stringify(text).slice(1, -1) : text
}

/** The last snapshot did not see a row with these times. */
export function isUnseenNow(unseen: readonly Interval[] | undefined): boolean {
  return unseen?.some(([, to]) => to === stillHolds) === true
}
