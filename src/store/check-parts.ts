import { streamRows } from './database.ts'
import { datasetKey } from './dataset-summary.ts'
import { contentDigest } from './part-content.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'
import { stillHolds } from './versions.ts'

/**
 * Holds what is noted of each part, the digest by which an equal reading is known, against the rows that the last snapshot saw of it. A
 * wrong one would let a later reading that it fits pass for "nothing changed". A part without one is compared row by row: that is no problem.
 */
export async function* checkParts(store: Store): AsyncGenerator<StoreProblem> {
  for await (const batch of streamRows<Row>(store.db, suspectParts, [])) {
    for (const { part_id: id, dataset, account_id: accountId, region, parent, digest, edges } of batch) {
      const computed = edges === null ? null : contentDigest(edges.map(fields => fields.join('\0')).sort())
      if (computed === digest) continue
      const name = dataset === null ? `part ${id}` : `${datasetKey(dataset, { accountId, region })} ${parent}`
      const message = `equal readings are known by ${digest}, its rows give ${computed ?? 'nothing'}`
      yield { kind: 'part', name: name.trim(), message }
    }
  }
}

interface Row {
  readonly part_id: number
  /** null: there is no such part */
  readonly dataset: string | null
  readonly account_id: string
  readonly region: string
  readonly parent: string
  readonly digest: string
  /** fields of each edge; null for none */
  readonly edges: readonly (readonly string[])[] | null
}

const kinds = {
  membership: {
    fields: ['k.key', `coalesce(v.membership_id, '')`, `coalesce(i.key, '')`, `coalesce(v.rest, '')`],
    joins: 'join resource_key k on k.id = v.user_id left join resource_key i on i.id = v.store_id',
    isUnseen: 'u.part_id = v.part_id and u.user_id = v.user_id',
  },
  assignment: {
    fields: ['v.principal_type::text', 'k.key', `coalesce(v.rest, '')`],
    joins: 'join resource_key k on k.id = v.principal_id',
    isUnseen: 'u.part_id = v.part_id and u.principal_type = v.principal_type and u.principal_id = v.principal_id',
  },
}

/** Edges that hold and were seen, of all parts or of one. */
function held(columns: (fields: readonly string[]) => string, onlyOf: string | null): string {
  const selects = (Object.keys(kinds) as (keyof typeof kinds)[]).map(kind => {
    const { fields, joins, isUnseen } = kinds[kind]
    return `select ${columns(fields)} from ${kind}_version v ${joins} where v.to_version = ${stillHolds}${onlyOf === null ? '' : ` and v.part_id = ${onlyOf}`}
      and not exists (select from ${kind}_unseen u where ${isUnseen} and u.to_version = ${stillHolds})`
  })
  return selects.join(' union all ')
}

const lineOf = (fields: readonly string[]) => fields.map(field => `convert_to(${field}, 'UTF8')`).join(` || '\\x00'::bytea || `)

/** The server computes the digests; those it does not find equal come with their rows, since it sorts some characters otherwise than we do. */
const suspectParts = `
  select c.part_id, d.name as dataset, l.account_id, l.region, p.parent, encode(c.digest, 'hex') as digest,
    (select json_agg(h.fields) from (${held(fields => `array[${fields.join(', ')}] as fields`, 'c.part_id')}) h) as edges
  from part_content c
    left join (select h.part_id, sha256(string_agg(h.line, '\\x00'::bytea order by h.line)) as digest
      from (${held(fields => `v.part_id, ${lineOf(fields)} as line`, null)}) h group by h.part_id) r on r.part_id = c.part_id
    left join part p on p.id = c.part_id left join dataset d on d.id = p.dataset_id left join place l on l.id = p.place_id
  where r.digest is distinct from c.digest order by c.part_id`
