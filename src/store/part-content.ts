import { sha256 } from '../digest.ts'
import type { Connection } from './database.ts'

/** Digest of the sorted lines of a part's edges, NUL between two of them: equal digests mean that a part holds the same rows. */
export function contentDigest(lines: string | Uint8Array): string {
  return sha256(lines)
}

/** Forgets what was known of parts, and notes what is. */
export async function replaceContents(
  on: Connection,
  forgotten: readonly number[],
  known: ReadonlyMap<number, string>,
): Promise<void> {
  if (forgotten.length > 0) await on.execute('delete from part_content where part_id = any ($1::int[])', [forgotten])
  if (known.size === 0) return
  await on.execute(
    'insert into part_content (part_id, digest) select p.id, decode(p.digest, $3) from unnest($1::int[], $2::text[]) as p (id, digest)',
    [[...known.keys()], [...known.values()], 'hex'],
  )
}
