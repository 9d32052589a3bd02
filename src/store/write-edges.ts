import { canonicalJson, sha256 } from '../digest.ts'
import type { Copier } from './copier.ts'
import type { CopyRows } from './copy-rows.ts'
import { type Edge, edgeFacts, type PrincipalType } from './edge.ts'
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
  for await (const found of edgePartsOf(run)) {
    for (const { part, fields } of found) nameKeys(keys, fields, parts.groupOf(part).edges!)
    await keys.resolve()
    for (const edges of found) {
      const { part, content } = edges
      const kind = parts.groupOf(part).edges!
      if (isFirst || parts.isFresh(part)) {
        if (content !== null) {
          noted.row()
          noted.int(parts.idOf(part))
          noted.hex(content)
        }
        begun += edges.edgeCount
        writeRows(writing, edges, kind, tables[kind].direct, leaves?.get(parts.groupOf(part)) ?? null)
      } else if (content !== null && content === parts.contentOf(part)) unchanged.add(part)
      else {
        compared.add(part)
        if (content !== null) contents.set(part, content)
        writeRows(writing, edges, kind, tables[kind].seen, null)
      }
    }
    await copier.pass()
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

function nameKeys(keys: ResourceKeys, edges: readonly string[], kind: Kind): void {
  if (kind === 'assignment') {
    for (let at = 1; at < edges.length; at += edgeFields.assignment) keys.name(edges[at]!)
    return
  }
  for (let at = 0; at < edges.length; at += edgeFields.membership) {
    keys.name(edges[at]!)
    if (edges[at + 2] !== '') keys.name(edges[at + 2]!)
  }
}

/** @param leafSet takes up the rows, for the digest of their dataset; null where that is computed from the rows */
function writeRows(
  { run, version, keys }: EdgeWriting,
  { part, fields: edges, edgeCount }: EdgePart,
  kind: Kind,
  rows: CopyRows,
  leafSet: LeafSet | null,
): void {
  const { parts } = run.state
  const partId = parts.idOf(part)
  const { dataset } = parts.groupOf(part)
  const parent = parts.parentOf(part)
  const digestOfRow = digester(dataset, parent)
  const parentText = JSON.stringify(parent)
  const fields = edgeFields[kind]
  for (let i = 0; i < edgeCount; i++) {
    const at = i * fields
    rows.row()
    rows.int(run.sourceId)
    rows.int(partId)
    rows.int(version)
    if (kind === 'membership') {
      const [userKey, membershipId, storeKey, rest] = [edges[at]!, edges[at + 1]!, edges[at + 2]!, edges[at + 3]!]
      rows.int(keys.idOf(userKey))
      if (storeKey === '') rows.text(null)
      else rows.int(keys.idOf(storeKey))
      rows.text(membershipId || null)
      rows.text(rest || null)
      const digest = digestOfRow.membership(userKey, membershipId, storeKey, rest)
      rows.hex(digest)
      leafSet?.add(JSON.stringify(`${parent}|${userKey}`), parentText, digest)
    } else {
      const [type, principalKey, rest] = [Number(edges[at]!) as PrincipalType, edges[at + 1]!, edges[at + 2]!]
      rows.int(type)
      rows.int(keys.idOf(principalKey))
      rows.text(rest || null)
      const digest = digestOfRow.assignment(type, principalKey, rest)
      rows.hex(digest)
      leafSet?.add(JSON.stringify(`${parent}|${type === 1 ? 'USER' : 'GROUP'}|${principalKey}`), parentText, digest)
    }
  }
}

/** Digests of the edges of one part: SHA-256 of their canonical facts, put together from their texts where they have the usual form. */
function digester(dataset: string, parent: string) {
  const text = (value: string) => JSON.stringify(value)
  const of = (edge: Edge) => sha256(canonicalJson(edgeFacts(dataset, parent, edge)))
  const group = `{"GroupId":${text(parent)},"IdentityStoreId":`
  const bar = parent.indexOf('|')
  const isPair = dataset === 'sso.account_assignments'
  const pair = `{"AccountId":${text(parent.slice(0, bar))},"PermissionSetArn":${text(parent.slice(bar + 1))},"PrincipalId":`
  return {
    membership(userKey: string, membershipId: string, storeKey: string, rest: string): string {
      if (rest !== '' || membershipId === '' || storeKey === '') {
        const optional = { membershipId: membershipId || null, storeKey: storeKey || null, rest: rest || null }
        return of({ kind: 'membership', userKey, ...optional })
      }
      return sha256(`${group}${text(storeKey)},"MemberId":{"UserId":${text(userKey)}},"MembershipId":${text(membershipId)}}`)
    },
    assignment(principalType: PrincipalType, principalKey: string, rest: string): string {
      if (rest !== '' || !isPair) return of({ kind: 'assignment', principalType, principalKey, rest: rest || null })
      return sha256(`${pair}${text(principalKey)},"PrincipalType":"${principalType === 1 ? 'USER' : 'GROUP'}"}`)
    },
  }
}
