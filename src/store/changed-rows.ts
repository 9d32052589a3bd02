import type pg from 'pg'
import { compareBytes } from '../digest.ts'
import type { Facts, Place } from '../model.ts'
import { copyOut } from './copy-out.ts'
import { atOneInstant } from './database.ts'
import { edgeFacts, type PrincipalType } from './edge.ts'
import type { RowKind } from './resource.ts'
import type { Store } from './store.ts'
import { seenAt, stillHolds } from './versions.ts'

/** Two versions of one source, the earlier one first. */
export interface VersionPair {
  readonly sourceId: number
  readonly low: number
  readonly high: number
}

/** A version row that one of two snapshots shows and the other does not. */
export interface ChangedRow {
  readonly kind: RowKind
  readonly dataset: string
  readonly place: Place
  readonly parent: string
  readonly key: string
  readonly partId: number
  readonly digest: string
  /** the earlier snapshot shows it */
  readonly isLow: boolean
  readonly isSeen: boolean
  /** the version that began or ended it between the two */
  readonly at: number
  /** entry of the ledger under which the facts were disposed of */
  readonly disposed: number | null
  /** null: disposed of */
  facts(): Facts | null
}

/**
 * Rows that differ between two snapshots: those that ended between the two, and those that began. By dataset, account, Region and key as UTF-8
 * bytes. The server is asked for numbers, and for each key and parent once: joining them to every row took it longer than all else.
 */
export async function changedRows(store: Store, pair: VersionPair): Promise<ChangedRow[]> {
  return atOneInstant(store.db, async (one, other) => {
    const found: Found = { rows: [], keys: new Map(), parts: new Map() }
    const readEdges = readRows(one, 'membership', pair, found)
    await readRows(other, 'entity', pair, found)
    await readRows(other, 'assignment', pair, found)
    await readEdges
    await Promise.all([readKeys(one, found.keys), readParts(other, found.parts)])
    return found.rows.map(raw => rowOf(raw, found)).sort(inOrder)
  })
}

/** Numbers as the rows have them. */
interface Raw {
  readonly kind: RowKind
  readonly isLow: boolean
  readonly isSeen: boolean
  readonly at: number
  readonly partId: number
  readonly keyId: number
  readonly digest: string
  /** an entity's facts, a membership's id */
  readonly text: string | null
  readonly rest: string | null
  /** of an assignment */
  readonly principalType: number
  /** of a membership; 0 for none */
  readonly storeId: number
  readonly disposed: number | null
}

interface Found {
  readonly rows: Raw[]
  /** by number; '' until they are read */
  readonly keys: Map<number, string>
  readonly parts: Map<number, Part>
}

interface Part {
  readonly dataset: string
  readonly place: Place
  readonly parent: string
}

const unread: Part = { dataset: '', place: { accountId: '', region: '' }, parent: '' }

async function readRows(client: pg.ClientBase, kind: RowKind, pair: VersionPair, { rows, keys, parts }: Found): Promise<void> {
  await copyOut(client, changedOf(kind, pair), row => {
    const raw: Raw = {
      kind,
      isLow: row.int() === 1,
      isSeen: row.int() === 1,
      at: row.int(),
      partId: row.int(),
      keyId: row.int(),
      digest: row.hex()!,
      text: row.text(),
      rest: row.text(),
      principalType: row.int(),
      storeId: row.int(),
      disposed: numberIn(row.text()),
    }
    rows.push(raw)
    keys.set(raw.keyId, '')
    if (raw.storeId > 0) keys.set(raw.storeId, '')
    parts.set(raw.partId, unread)
  })
}

function numberIn(text: string | null): number | null {
  return text === null ? null : Number(text)
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
  const ended = `v.to_version > ${low} and v.to_version <= ${high} and v.to_version < ${stillHolds} and v.from_version <= ${low}`
  const begun = `v.from_version > ${low} and v.from_version <= ${high} and v.to_version > ${high}`
  return `${side(1, low, 'to_version', ended)} union all ${side(0, high, 'from_version', begun)}`
}

async function readKeys(client: pg.ClientBase, keys: Map<number, string>): Promise<void> {
  await copyOut(client, `select id, key from resource_key where id ${among(keys)}`, row => void keys.set(row.int(), row.text()!))
}

async function readParts(client: pg.ClientBase, parts: Map<number, Part>): Promise<void> {
  const groups = new Map<string, Pick<Part, 'dataset' | 'place'>>()
  await copyOut(client, 'select d.id, l.id, d.name, l.account_id, l.region from dataset d cross join place l', row => {
    const id = `${row.int()} ${row.int()}`
    groups.set(id, { dataset: row.text()!, place: { accountId: row.text()!, region: row.text()! } })
  })
  await copyOut(client, `select id, dataset_id, place_id, parent from part where id ${among(parts)}`, row => {
    const id = row.int()
    parts.set(id, { ...groups.get(`${row.int()} ${row.int()}`)!, parent: row.text()! })
  })
}

function among(ids: ReadonlyMap<number, unknown>): string {
  return `= any ('{${[...ids.keys()].join(',')}}'::int[])`
}

function rowOf(raw: Raw, { keys, parts }: Found): ChangedRow {
  const { dataset, place, parent } = parts.get(raw.partId)!
  const { kind, partId, digest, isLow, isSeen, at, disposed } = raw
  const own = keys.get(raw.keyId)!
  const edge = kind === 'assignment' ? `${parent}|${raw.principalType === 1 ? 'USER' : 'GROUP'}|` : `${parent}|`
  const key = kind === 'entity' ? own : edge + own
  return {
    kind,
    dataset,
    place,
    parent,
    key,
    partId,
    digest,
    isLow,
    isSeen,
    at,
    disposed,
    facts: () => factsOf(raw, dataset, parent, own, keys),
  }
}

function factsOf(raw: Raw, dataset: string, parent: string, key: string, keys: ReadonlyMap<number, string>): Facts | null {
  const { kind, text, rest } = raw
  if (kind === 'entity') return text === null ? null : (JSON.parse(text) as Facts)
  if (kind === 'assignment')
    return edgeFacts(dataset, parent, { kind, principalType: raw.principalType as PrincipalType, principalKey: key, rest })
  const storeKey = raw.storeId === 0 ? null : keys.get(raw.storeId)!
  return edgeFacts(dataset, parent, { kind, userKey: key, membershipId: text, storeKey, rest })
}

function inOrder(a: ChangedRow, b: ChangedRow): number {
  return (
    compareBytes(a.dataset, b.dataset) ||
    compareBytes(a.place.accountId, b.place.accountId) ||
    compareBytes(a.place.region, b.place.region) ||
    compareBytes(a.key, b.key) ||
    compareBytes(a.kind, b.kind) ||
    compareBytes(a.parent, b.parent)
  )
}
