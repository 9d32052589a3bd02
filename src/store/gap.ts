import { canonicalJson, compareBytes, digestOf } from '../digest.ts'
import type { Coverage, Gap, Json } from '../model.ts'
import type { Connection } from './database.ts'
import { stillHolds } from './versions.ts'

/** A part that is not complete, as a snapshot keeps it. */
export interface OpenPart {
  readonly partId: number
  readonly coverage: Coverage
  readonly reason: string | null
}

/** Gaps in the order in which a snapshot lists them, each once. */
export function sortGaps(gaps: readonly Gap[]): Gap[] {
  const byText = new Map(gaps.map(gap => [canonicalJson(gap as unknown as Json), gap]))
  const sorted = [...byText].sort(
    ([a, x], [b, y]) =>
      compareBytes(x.dataset, y.dataset) ||
      compareBytes(x.place.accountId, y.place.accountId) ||
      compareBytes(x.place.region, y.place.region) ||
      compareBytes(x.parent, y.parent) ||
      compareBytes(x.key ?? '', y.key ?? '') ||
      compareBytes(x.member ?? '', y.member ?? '') ||
      compareBytes(a, b),
  )
  return sorted.map(([, gap]) => gap)
}

/** Brings the gaps from one snapshot to the next: a gap is a state, and holds while runs report it. */
export async function writeGaps(on: Connection, sourceId: number, version: number, gaps: readonly Gap[]): Promise<void> {
  const bodies = gaps.map(gap => canonicalJson(gap as unknown as Json))
  const digests = gaps.map(gap => `\\x${digestOf(gap as unknown as Json)}`)
  await on.execute(
    `with n as (
       select * from unnest($3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[]) as n (digest, body, dataset, account_id, region)
     ), ended as (
       update gap_version v set to_version = $2
       where v.source_id = $1 and v.to_version = ${stillHolds} and not exists (select from n where n.digest = v.digest))
     insert into gap_version (source_id, digest, from_version, dataset_id, place_id, body)
     select $1, n.digest, $2, d.id, l.id, n.body from n
     join dataset d on d.name = n.dataset join place l on l.account_id = n.account_id and l.region = n.region
     where not exists (select from gap_version v where v.source_id = $1 and v.to_version = ${stillHolds} and v.digest = n.digest)`,
    [
      sourceId,
      version,
      digests,
      bodies,
      gaps.map(gap => gap.dataset),
      gaps.map(gap => gap.place.accountId),
      gaps.map(gap => gap.place.region),
    ],
  )
}

/** The same for parts that are not complete. */
export async function writeOpenParts(
  on: Connection,
  sourceId: number,
  version: number,
  parts: readonly OpenPart[],
): Promise<void> {
  const values = [
    sourceId,
    version,
    parts.map(part => part.partId),
    parts.map(part => part.coverage),
    parts.map(part => part.reason),
  ]
  const same = 'n.part_id = v.part_id and n.coverage = v.coverage and n.reason is not distinct from v.reason'
  await on.execute(
    `with n as (select * from unnest($3::int[], $4::text[], $5::text[]) as n (part_id, coverage, reason)), ended as (
       update open_part_version v set to_version = $2
       where v.source_id = $1 and v.to_version = ${stillHolds} and not exists (select from n where ${same}))
     insert into open_part_version (source_id, part_id, from_version, coverage, reason)
     select $1, n.part_id, $2, n.coverage, n.reason from n
     where not exists (select from open_part_version v where v.source_id = $1 and v.to_version = ${stillHolds} and ${same})`,
    values,
  )
}
