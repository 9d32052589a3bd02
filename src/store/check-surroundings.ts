import { query } from './database.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

/**
 * What no digest of rows covers: that the source of a snapshot is there, and that each dataset has as many parts that were not read as its snapshot
 * says: without them "not read" would look like "gone".
 */
export async function* checkSurroundings(store: Store): AsyncGenerator<StoreProblem> {
  for (const { name } of await query<{ name: string }>(store.db, orphans))
    yield { kind: 'snapshot', name, message: 'its source is not there, so that no reading finds it' }
  for (const { name, said, found } of await query<{ name: string; said: number; found: number }>(store.db, otherParts))
    yield { kind: 'part', name, message: `it says that ${said} parts were not read, and ${found} are on record` }
}

const orphans = `select s.label || ' version ' || s.version as name from snapshot s
  where not exists (select from source o where o.id = s.source_id) order by s.source_id, s.version`

/** A part that was not read begins and ends with a version, so that each is spread over those between. */
const otherParts = `
  with steps as (
    select o.source_id, p.dataset_id, p.place_id, o.from_version as version, 1 as step from open_part_version o join part p on p.id = o.part_id
    union all
    select o.source_id, p.dataset_id, p.place_id, o.to_version, -1 from open_part_version o join part p on p.id = o.part_id where o.to_version < 2147483647
  ), sums as (
    select source_id, dataset_id, place_id, version, sum(sum(step)) over (partition by source_id, dataset_id, place_id order by version)::int as open,
      lead(version, 1, 2147483647) over (partition by source_id, dataset_id, place_id order by version) as next
    from steps group by source_id, dataset_id, place_id, version
  )
  select d.name || ' ' || l.account_id || ' ' || l.region || ' in ' || s.label || ' version ' || y.version as name, y.open_parts as said, coalesce(u.open, 0) as found
  from dataset_summary y join snapshot s on s.source_id = y.source_id and s.version = y.version
  join dataset d on d.id = y.dataset_id join place l on l.id = y.place_id
  left join sums u on u.source_id = y.source_id and u.dataset_id = y.dataset_id and u.place_id = y.place_id and u.version <= y.version and u.next > y.version
  where y.open_parts <> coalesce(u.open, 0) order by y.source_id, y.version, 1`
