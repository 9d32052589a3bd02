import { createHash } from 'node:crypto'
import { compareBytes } from '../digest.ts'
import type { Connection } from './database.ts'
import { stillHolds } from './versions.ts'

/** What the last snapshot shows of the parts that hold edges, as one digest each, by part. */
export type KnownParts = ReadonlyMap<number, string>

/** A row's key without its parent (`USER|` or `GROUP|` in front for an assignment), and its digest in hexadecimal. */
export type KnownRow = readonly [key: string, digest: string]

/** SHA-256 over the sorted keys with their digests: equal digests mean that a part holds the same rows. */
export function partDigest(rows: readonly KnownRow[]): string {
  const sum = createHash('sha256')
  for (const [key, digest] of [...rows].sort(([a], [b]) => compareBytes(a, b))) sum.update(`${key} ${digest}\n`)
  return sum.digest('hex')
}

/** Parts of a source of which every row that still holds was seen by the last snapshot. Nobody can change them while the run holds the source. */
export async function readKnownParts(on: Connection, sourceId: number): Promise<KnownParts> {
  const rows = await on.query<{ part_id: number; digest: Buffer }>(
    `select v.part_id, sha256(convert_to(string_agg(k.key || ' ' || encode(v.digest, 'hex') || E'\\n', '' order by k.key), 'UTF8')) as digest
     from membership_version v join resource_key k on k.id = v.user_id
     where v.source_id = $1 and v.to_version = ${stillHolds}
       and v.part_id not in (select part_id from membership_unseen where source_id = $1 and to_version = ${stillHolds})
     group by v.part_id
     union all
     select v.part_id, sha256(convert_to(string_agg(v.key || ' ' || encode(v.digest, 'hex') || E'\\n', '' order by v.key), 'UTF8'))
     from (select v.part_id, v.digest, (case v.principal_type when 1 then 'USER|' else 'GROUP|' end || k.key) collate "C" as key
       from assignment_version v join resource_key k on k.id = v.principal_id
       where v.source_id = $1 and v.to_version = ${stillHolds}
         and v.part_id not in (select part_id from assignment_unseen where source_id = $1 and to_version = ${stillHolds})) v
     group by v.part_id`,
    [sourceId],
  )
  return new Map(rows.map(row => [row.part_id, row.digest.toString('hex')]))
}
