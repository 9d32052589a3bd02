import type { Copier } from './copier.ts'
import type { CopyRows } from './copy-rows.ts'
import type { PrincipalType } from './edge.ts'
import { EdgeDigests } from './edge-digests.ts'
import { type EdgePart, edgePartsOf } from './edge-parts.ts'
import { edgeFields } from './journal.ts'
import type { LeafSet } from './leaf-set.ts'
import type { ResourceKeys } from './resource-keys.ts'
import type { OpenRun } from './run.ts'
import type { PartGroup } from './run-parts.ts'

type Kind = 'membership' | 'assignment'

export interface EdgeWriting {
  readonly run: OpenRun
  readonly version: number
  /** before the first snapshot no row of the source is there */
  readonly isFirst: boolean
  readonly copier: Copier
  readonly keys: ResourceKeys
  /** takes up the rows that are written as versions, for the digests of their datasets; null where those are computed from the rows */
  readonly leaves: ReadonlyMap<PartGroup, LeafSet> | null
}

/** What a seal did with the staged edges. */
export interface WrittenEdges {
  readonly begun: number
  /** parts whose rows went to the temporary tables `seen_membership` and `seen_assignment`, to be compared */
  readonly compared: ReadonlySet<number>
  /** parts that came in several pieces and hold what the last snapshot shows of them */
  readonly unchanged: ReadonlySet<number>
  /** content of the parts that were compared and are complete */
  readonly contents: ReadonlyMap<number, string>
}

/**
 * Writes the staged edges: those of parts that have no row yet as versions, the others into `temporaryTables`. Content of the former
 * is noted at once.
 */
export async function writeEdges(writing: EdgeWriting): Promise<WrittenEdges> {
  const { run, copier, keys, isFirst, leaves } = writing
  const { parts } = run.state
  const tables = {
    membership: {
      direct: copier.table('membership_version', columns.membership),
      seen: copier.table('seen_membership', columns.membership),
    },
    assignment: {
      direct: copier.table('assignment_version', columns.assignment),
      seen: copier.table('seen_assignment', columns.assignment),
    },
  }
  const noted = copier.table('part_content', ['part_id', 'digest'])
  const compared = new Set<number>()
  const unchanged = new Set<number>()
  const contents = new Map<number, string>()
  let begun = 0
  const digests = new EdgeDigests()
  for await (const found of edgePartsOf(run)) {
    const written: EdgePart[] = []
    for (const edges of found) {
      if (edges.content !== null && edges.content === parts.contentOf(edges.part)) unchanged.add(edges.part)
      else written.push(edges)
    }
    const named = new NamedKeys(keys)
    for (const edges of written) named.take(edges, parts.groupOf(edges.part).edges!)
    await keys.resolve()
    for (const edges of written) {
      const { part, content } = edges
      const kind = parts.groupOf(part).edges!
      if (isFirst || parts.isFresh(part)) {
        if (content !== null) {
          noted.row()
          noted.int(parts.idOf(part))
          noted.hex(content)
        }
        begun += edges.edgeCount
        writeRows({ ...writing, digests, named }, edges, kind, tables[kind].direct, leaves?.get(parts.groupOf(part)) ?? null)
      } else {
        compared.add(part)
        if (content !== null) contents.set(part, content)
        writeRows({ ...writing, digests, named }, edges, kind, tables[kind].seen, null)
      }
      await copier.pass()
    }
  }
  await copier.idle()
  return { begun, compared, unchanged, contents }
}

const columns: Readonly<Record<Kind, readonly string[]>> = {
  membership: ['source_id', 'part_id', 'from_version', 'user_id', 'store_id', 'membership_id', 'rest', 'digest'],
  assignment: ['source_id', 'part_id', 'from_version', 'principal_type', 'principal_id', 'rest', 'digest'],
}

/** Where edges go that have to be compared; for the transaction that is open. */
export const temporaryTables = `
  create temporary table seen_membership (source_id int, part_id int, from_version int, user_id int, store_id int, membership_id text,
    rest text, digest bytea) on commit drop;
  create temporary table seen_assignment (source_id int, part_id int, from_version int, principal_type int, principal_id int,
    rest text, digest bytea) on commit drop`

/** Keys of the edges of some parts, in their order: each is looked up once. */
class NamedKeys {
  readonly #keys: ResourceKeys
  readonly #named: number[] = []
  #next = 0

  constructor(keys: ResourceKeys) {
    this.#keys = keys
  }

  take({ fields, at, edgeCount }: EdgePart, kind: Kind): void {
    const end = at + edgeCount * edgeFields[kind]
    for (let edge = at; edge < end; edge += edgeFields[kind]) {
      if (kind === 'assignment') this.#named.push(this.#keys.name(fields, edge + 1))
      else {
        this.#named.push(this.#keys.name(fields, edge))
        if (!fields.isEmpty(edge + 2)) this.#named.push(this.#keys.name(fields, edge + 2))
      }
    }
  }

  nextId(): number {
    return this.#keys.idOf(this.#named[this.#next++]!)
  }
}

/** @param leaves takes up the rows, for the digest of their dataset; null where that is computed from the rows */
function writeRows(
  { run, version, digests, named }: EdgeWriting & { readonly digests: EdgeDigests; readonly named: NamedKeys },
  edges: EdgePart,
  kind: Kind,
  rows: CopyRows,
  leaves: LeafSet | null,
): void {
  const { parts } = run.state
  const { part, fields } = edges
  const partId = parts.idOf(part)
  digests.begin(edges, kind, parts.groupOf(part).dataset, parts.parentOf(part), leaves)
  const textOrNull = (i: number) => (fields.isEmpty(i) ? rows.text(null) : rows.field(fields, i))
  const end = edges.at + edges.edgeCount * edgeFields[kind]
  for (let at = edges.at; at < end; at += edgeFields[kind]) {
    rows.row()
    rows.int(run.sourceId)
    rows.int(partId)
    rows.int(version)
    if (kind === 'membership') {
      rows.int(named.nextId())
      if (fields.isEmpty(at + 2)) rows.text(null)
      else rows.int(named.nextId())
      textOrNull(at + 1)
      textOrNull(at + 3)
      rows.hex(digests.membership(at))
    } else {
      const type: PrincipalType = fields.text(at) === '1' ? 1 : 2
      rows.int(type)
      rows.int(named.nextId())
      textOrNull(at + 2)
      rows.hex(digests.assignment(at, type))
    }
  }
}
