import type { Connection } from './database.ts'

/** The end of a version that still holds. */
export const stillHolds = 2147483647

/** One kind of state: its versions, the times when it was not seen, and what the run that is being sealed saw of it. */
interface Kind {
  readonly name: 'entity' | 'membership' | 'assignment'
  /** what tells one state from another */
  readonly identity: readonly string[]
  /** what a version holds beside identity and digest */
  readonly content: readonly string[]
}

const kinds: readonly Kind[] = [
  { name: 'entity', identity: ['entity_id'], content: ['part_id', 'body'] },
  { name: 'membership', identity: ['part_id', 'user_id'], content: ['store_id', 'membership_id', 'rest'] },
  { name: 'assignment', identity: ['part_id', 'principal_type', 'principal_id'], content: ['rest'] },
]

export interface WrittenVersions {
  /** versions begun: new and changed states */
  readonly begun: number
  /** versions ended: changed and vanished states */
  readonly ended: number
}

/** A part whose edges are compared. `isClosing`: it shows everything there is, so that what it does not show is gone. */
export interface ComparedPart {
  readonly partId: number
  readonly isClosing: boolean
}

/**
 * Brings the edges of some parts from one snapshot to the next, with what changed and nothing else. Needs the temporary tables
 * `seen_membership` and `seen_assignment`: what this run saw of those parts.
 * A state that was not seen and is not gone stays, marked as unseen from this version on.
 */
export async function compareEdges(
  on: Connection,
  sourceId: number,
  version: number,
  parts: Readonly<Record<'membership' | 'assignment', readonly ComparedPart[]>>,
): Promise<WrittenVersions> {
  let begun = 0
  let ended = 0
  for (const kind of kinds) {
    if (kind.name === 'entity' || parts[kind.name].length === 0) continue
    await on.execute('create temporary table compared_part (part_id int primary key, is_closing int) on commit drop')
    const rows = parts[kind.name].map(part => [part.partId, part.isClosing ? 1 : 0])
    await on.copy('compared_part', ['part_id', 'is_closing'], rows)
    await on.execute('analyze compared_part')
    await on.execute(`analyze seen_${kind.name}`)
    ended += await endChanged(on, kind, sourceId, version)
    begun += await beginNew(on, kind, sourceId, version)
    ended += await endGone(on, kind, sourceId, version)
    await endUnseen(on, kind, sourceId, version)
    await beginUnseen(on, kind, sourceId, version)
    await on.execute('drop table compared_part')
  }
  return { begun, ended }
}

async function endChanged(on: Connection, kind: Kind, sourceId: number, version: number): Promise<number> {
  return on.execute(
    `update ${kind.name}_version v set to_version = $2 from seen_${kind.name} n
     where v.source_id = $1 and v.to_version = ${stillHolds} and ${same(kind, 'v', 'n')} and v.digest <> n.digest`,
    [sourceId, version],
  )
}

async function beginNew(on: Connection, kind: Kind, sourceId: number, version: number): Promise<number> {
  const columns = [...kind.identity, ...kind.content, 'digest']
  return on.execute(
    `insert into ${kind.name}_version (source_id, from_version, ${columns.join(', ')})
     select $1, $2, ${columns.map(column => `n.${column}`).join(', ')} from seen_${kind.name} n
     where not exists (select from ${kind.name}_version v where v.source_id = $1 and v.to_version = ${stillHolds} and ${same(kind, 'v', 'n')})`,
    [sourceId, version],
  )
}

async function endGone(on: Connection, kind: Kind, sourceId: number, version: number): Promise<number> {
  return on.execute(
    `update ${kind.name}_version v set to_version = $2 from compared_part c
     where v.source_id = $1 and v.to_version = ${stillHolds} and v.part_id = c.part_id and c.is_closing = 1
       and not exists (select from seen_${kind.name} n where ${same(kind, 'v', 'n')})`,
    [sourceId, version],
  )
}

/** Seen again, or gone for good. */
async function endUnseen(on: Connection, kind: Kind, sourceId: number, version: number): Promise<void> {
  await on.execute(
    `update ${kind.name}_unseen u set to_version = $2
     where u.source_id = $1 and u.to_version = ${stillHolds}
       and (exists (select from seen_${kind.name} n where ${same(kind, 'u', 'n')})
         or not exists (select from ${kind.name}_version v where v.source_id = $1 and v.to_version = ${stillHolds} and ${same(kind, 'v', 'u')}))`,
    [sourceId, version],
  )
}

async function beginUnseen(on: Connection, kind: Kind, sourceId: number, version: number): Promise<void> {
  await on.execute(
    `insert into ${kind.name}_unseen (source_id, ${kind.identity.join(', ')}, from_version)
     select $1, ${kind.identity.map(column => `v.${column}`).join(', ')}, $2 from compared_part c join ${kind.name}_version v on v.part_id = c.part_id
     where v.source_id = $1 and v.to_version = ${stillHolds}
       and not exists (select from seen_${kind.name} n where ${same(kind, 'v', 'n')})
       and not exists (select from ${kind.name}_unseen u where u.source_id = $1 and u.to_version = ${stillHolds} and ${same(kind, 'u', 'v')})`,
    [sourceId, version],
  )
}

function same(kind: Kind, a: string, b: string): string {
  return kind.identity.map(column => `${a}.${column} = ${b}.${column}`).join(' and ')
}

/**
 * Condition that a version row `v` of a kind was seen in a snapshot: it held, and was not merely the last known.
 * @param at the snapshot's version as SQL, e.g. `$2`
 */
export function seenAt(kind: Kind['name'], at: string): string {
  const { identity } = kinds.find(each => each.name === kind)!
  return `v.from_version <= ${at} and v.to_version > ${at} and not exists (select from ${kind}_unseen u
    where ${identity.map(column => `u.${column} = v.${column}`).join(' and ')} and u.from_version <= ${at} and u.to_version > ${at})`
}
