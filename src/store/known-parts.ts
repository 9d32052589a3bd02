import { type Database, streamRows } from './database.ts'
import { RunParts } from './run-parts.ts'

/** The parts of a source that the database knows, with what the last reading showed of those that hold edges. */
export async function readKnownParts(db: Database, sourceId: number): Promise<RunParts> {
  const parts = new RunParts()
  const text = `select p.id, d.name as dataset, l.account_id, l.region, p.parent, encode(c.digest, 'hex') as content
    from part p join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id left join part_content c on c.part_id = p.id
    where p.source_id = $1 order by p.id`
  for await (const batch of streamRows<Row>(db, text, [sourceId], 5000)) {
    for (const { id, dataset, account_id, region, parent, content } of batch)
      parts.know({ dataset, place: { accountId: account_id, region }, parent }, id, content)
  }
  return parts
}

interface Row {
  readonly id: number
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly parent: string
  readonly content: string | null
}
