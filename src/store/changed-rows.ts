import type pg from 'pg'
import { compareBytes } from '../digest.ts'
import type { Facts, Place } from '../model.ts'
import { type CopiedRow, copyOut } from './copy-out.ts'
import { atOneInstant } from './database.ts'
import { edgeFacts, type PrincipalType } from './edge.ts'
import type { RowKind } from './resource.ts'
import type { Store } from './store.ts'
import { seenAt, stillHolds } from './versions.ts'

interface Population {
  readonly dataset: string
  readonly place: Place
}

interface Part {
  /** one object for all parts of a dataset in one place */
  readonly of: Population
  readonly parent: string
}

const unread: Part = { of: { dataset: '', place: { accountId: '', region: '' } }, parent: '' }

/** Two versions of one source, the earlier one first. */
export interface VersionPair {
  readonly sourceId: number
  readonly low: number
  readonly high: number
}

/** A version row that one of two snapshots shows and the other does not. */
export class ChangedRow {
  readonly kind: RowKind
  /** the earlier snapshot shows it */
  readonly isLow: boolean
  readonly isSeen: boolean
  /** the version that began or ended it between the two */
  readonly at: number
  readonly partId: number
  readonly digest: string
  /** entry of the ledger under which the facts were disposed of */
  readonly disposed: number | null
  key = ''
  part = unread
  readonly #keyId: number
  /** an entity's facts, a membership's id */
  readonly #text: string | null
  readonly #rest: string | null
  readonly #principalType: number
  readonly #storeId: number
  #own = ''
  #store: string | null = null

  constructor(kind: RowKind, row: CopiedRow) {
    this.kind = kind
    this.isLow = row.int() === 1
    this.isSeen = row.int() === 1
    this.at = row.int()
    this.partId = row.int()
    this.#keyId = row.int()
    this.digest = row.hex()!
    this.#text = row.text()
    this.#rest = row.text()
    this.#principalType = row.int()
    this.#storeId = row.int()
    const disposed = row.text()
    this.disposed = disposed === null ? null : Number(disposed)
  }

  /** Notes whose texts it needs. */
  want({ keys, parts }: Texts): void {
    keys.set(this.#keyId, '')
    if (this.#storeId > 0) keys.set(this.#storeId, '')
    parts.set(this.partId, unread)
  }

  /** Takes them. */
  name({ keys, parts }: Texts): void {
    this.part = parts.get(this.partId)!
    this.#own = keys.get(this.#keyId)!
    this.#store = this.#storeId === 0 ? null : keys.get(this.#storeId)!
    const { parent } = this.part
    if (this.kind === 'entity') this.key = this.#own
    else if (this.kind === 'membership') this.key = `${parent}|${this.#own}`
    else this.key = `${parent}|${this.#principalType === 1 ? 'USER' : 'GROUP'}|${this.#own}`
  }

  /** null: disposed of */
  facts(): Facts | null {
    const { kind } = this
    const { of, parent } = this.part
    const { dataset } = of
    const rest = this.#rest
    if (kind === 'entity') return this.#text === null ? null : (JSON.parse(this.#text) as Facts)
    if (kind === 'assignment')
      return edgeFacts(dataset, parent, {
        kind,
        principalType: this.#principalType as PrincipalType,
        principalKey: this.#own,
        rest,
      })
    return edgeFacts(dataset, parent, { kind, userKey: this.#own, membershipId: this.#text, storeKey: this.#store, rest })
  }
}

/**
 * Rows that differ between two snapshots: those that ended between the two, and those that began. By dataset, account, Region and key as UTF-8
 * bytes. The server is asked for numbers, and for each key and parent once: joining them to every row took it longer than all else.
 */
export async function changedRows(store: Store, pair: VersionPair): Promise<ChangedRow[]> {
  return atOneInstant(store.db, async client => {
    const rows: ChangedRow[] = []
    const texts: Texts = { keys: new Map(), parts: new Map() }
    const read = (kind: RowKind) =>
      copyOut(client, changedOf(kind, pair), copied => {
        const row = new ChangedRow(kind, copied)
        row.want(texts)
        rows.push(row)
      })
    for (const kind of ['membership', 'entity', 'assignment'] as const) await read(kind)
    await readKeys(client, texts.keys)
    await readParts(client, texts.parts)
    for (const row of rows) row.name(texts)
    const texted = [texts.keys.values(), texts.parts.values().map(part => part.parent)]
    return sorted(rows, texted.some(each => each.some(hasSurrogates)) ? inOrder : inPlainOrder)
  })
}

/** What numbers stand for; '' and `unread` until it is read. */
interface Texts {
  readonly keys: Map<number, string>
  readonly parts: Map<number, Part>
}

const columns: Record<RowKind, { readonly key: string; readonly rest: string; readonly from: string }> = {
  entity: {
    key: 'e.key_id',
    rest: 'v.body, null::text, 0, 0, v.disposed::text',
    from: 'entity_version v join entity e on e.id = v.entity_id',
  },
  membership: {
    key: 'v.user_id',
    rest: 'v.membership_id, v.rest, 0, coalesce(v.store_id, 0), null::text',
    from: 'membership_version v',
  },
  assignment: {
    key: 'v.principal_id',
    rest: 'null::text, v.rest, v.principal_type, 0, null::text',
    from: 'assignment_version v',
  },
}

/** Versions that the earlier snapshot shows and the later does not, or the other way round: that ended between the two, or began. */
function changedOf(kind: RowKind, { sourceId, low, high }: VersionPair): string {
  const { key, rest, from } = columns[kind]
  const side = (isLow: 0 | 1, at: number, column: string, condition: string) =>
    `select ${isLow}, (${seenAt(kind, String(at))})::int, v.${column}, v.part_id, ${key}, v.digest, ${rest} from ${from}
     where v.source_id = ${sourceId} and ${condition}`
  // the sum keeps the block range index out, which would read ten times what the other finds
  const ended = `v.to_version > ${low} and v.to_version <= ${high} and v.to_version < ${stillHolds} and v.from_version + 0 <= ${low}`
  const begun = `v.from_version > ${low} and v.from_version <= ${high} and v.to_version > ${high}`
  return `${side(1, low, 'to_version', ended)} union all ${side(0, high, 'from_version', begun)}`
}

async function readKeys(client: pg.ClientBase, keys: Map<number, string>): Promise<void> {
  await copyOut(client, `select id, key from resource_key where id ${among(keys)}`, row => void keys.set(row.int(), row.text()!))
}

async function readParts(client: pg.ClientBase, parts: Map<number, Part>): Promise<void> {
  const populations = new Map<string, Population>()
  await copyOut(client, 'select d.id, l.id, d.name, l.account_id, l.region from dataset d cross join place l', row => {
    const id = `${row.int()} ${row.int()}`
    populations.set(id, { dataset: row.text()!, place: { accountId: row.text()!, region: row.text()! } })
  })
  await copyOut(client, `select id, dataset_id, place_id, parent from part where id ${among(parts)}`, row => {
    const id = row.int()
    parts.set(id, { of: populations.get(`${row.int()} ${row.int()}`)!, parent: row.text()! })
  })
}

function among(ids: ReadonlyMap<number, unknown>): string {
  return `= any ('{${[...ids.keys()].join(',')}}'::int[])`
}

function sorted(rows: readonly ChangedRow[], compare: (a: ChangedRow, b: ChangedRow) => number): ChangedRow[] {
  const populations = [...Map.groupBy(rows, row => row.part.of)].sort(([a], [b]) => comparePopulations(a, b))
  return populations.flatMap(([, its]) => its.sort(compare))
}

function comparePopulations(a: Population, b: Population): number {
  return (
    compareBytes(a.dataset, b.dataset) ||
    compareBytes(a.place.accountId, b.place.accountId) ||
    compareBytes(a.place.region, b.place.region)
  )
}

/** Texts without surrogates compare as their UTF-8 bytes do, many times faster. */
function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text)
}

function inPlainOrder(a: ChangedRow, b: ChangedRow): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return inOrder(a, b)
}

function inOrder(a: ChangedRow, b: ChangedRow): number {
  return compareBytes(a.key, b.key) || compareBytes(a.kind, b.kind) || compareBytes(a.part.parent, b.part.parent)
}
