import { canonicalJson, factsDigest } from '../digest.ts'
import { streamRows } from './database.ts'
import { datasetKey } from './dataset-summary.ts'
import type { StoreProblem } from './problem.ts'
import { factsOf, type RowKind, type Shape, shapes } from './resource.ts'
import type { Store } from './store.ts'

/**
 * Computes the digest of every version row of every snapshot again. The server does it for rows of the usual form; what it does not find
 * equal is computed here.
 * @returns rows whose content and digest differ
 */
export async function* checkRows(store: Store): AsyncGenerator<StoreProblem> {
  for (const shape of shapes) {
    for await (const batch of streamRows<Row>(store.db, suspectRows(shape), [])) {
      for (const row of batch) {
        const message = problemOf(row, shape.kind)
        if (message === null) continue
        const place = { accountId: row.account_id, region: row.region }
        yield {
          kind: 'row',
          name: `${datasetKey(row.dataset, place)} ${row.key}`,
          message: `${message} (since version ${row.from_version})`,
        }
      }
    }
  }
  for (const table of ['result_version', 'outcome_version', 'control_definition', 'import_row'] as const) {
    for await (const batch of streamRows<{ name: string; gone: boolean }>(store.db, suspectBodies[table], [])) {
      for (const { name, gone } of batch) {
        const message = gone
          ? 'what it says is gone, and no disposal is on record'
          : 'what it says was changed: its digest differs'
        yield { kind: table === 'import_row' ? 'import' : 'evaluation', name, message }
      }
    }
  }
}

interface Row {
  readonly dataset: string
  readonly account_id: string
  readonly region: string
  readonly key: string
  readonly parent: string
  readonly content: string | null
  readonly disposed: number | null
  readonly digest: Buffer
  readonly salt: Buffer | null
  readonly from_version: number
}

/** SHA-256 as the server computes it over the canonical facts of a row in its usual form; null for another form. */
const usualDigest: Record<RowKind, string> = {
  entity: `sha256(t.salt || convert_to(v.body, 'UTF8'))`,
  membership: `case when v.rest is null then sha256(convert_to('{"GroupId":' || to_json(p.parent)::text || ',"IdentityStoreId":' || to_json(i.key)::text
    || ',"MemberId":{"UserId":' || to_json(k.key)::text || '},"MembershipId":' || to_json(v.membership_id)::text || '}', 'UTF8')) end`,
  assignment: `case when v.rest is null and strpos(p.parent, '|') > 0 then sha256(convert_to('{"AccountId":'
    || to_json(substr(p.parent, 1, strpos(p.parent, '|') - 1))::text || ',"PermissionSetArn":' || to_json(substr(p.parent, strpos(p.parent, '|') + 1))::text
    || ',"PrincipalId":' || to_json(k.key)::text || ',"PrincipalType":"' || case v.principal_type when 1 then 'USER' else 'GROUP' end || '"}', 'UTF8')) end`,
}

function suspectRows({ kind, content, joins, key, salt, disposed }: Shape): string {
  return `select d.name as dataset, l.account_id, l.region, ${key} as key, p.parent, ${content} as content, ${disposed} as disposed, v.digest, ${salt} as salt, v.from_version
    from ${kind}_version v join part p on p.id = v.part_id ${joins} join dataset d on d.id = p.dataset_id join place l on l.id = p.place_id
    where ${usualDigest[kind]} is distinct from v.digest`
}

function problemOf(row: Row, kind: RowKind): string | null {
  const digest = row.digest.toString('hex')
  if (row.content === null && row.disposed !== null) return null
  if (row.content === null) return 'its facts are gone, and no disposal is on record'
  if (kind === 'entity' && row.salt === null) return 'its salt is gone, and no disposal is on record'
  try {
    const facts = canonicalJson(factsOf(row.dataset, row.parent, row.content, kind))
    const computed = factsDigest(facts, row.salt?.toString('hex') ?? null)
    return computed === digest ? null : `its digest is ${digest}, its facts give ${computed}`
  } catch (error) {
    return `its facts cannot be read: ${(error as Error).message}`
  }
}

const suspectBodies = {
  result_version: `select control_id || ' ' || source || ' ' || subject_key as name, body is null as gone from result_version
    where disposed is null and (sha256(coalesce(salt, '') || convert_to(body, 'UTF8')) is distinct from digest or status <> body::json->>'status')`,
  outcome_version: `select control_id || ' ' || source as name, false as gone from outcome_version
    where sha256(convert_to(position::text || ' ' || encode(definition, 'hex') || ' ' || body, 'UTF8')) <> digest`,
  import_row: `select 'import ' || import_id || ' row ' || n as name, body is null as gone from import_row
    where disposed is null and sha256(salt || convert_to(body, 'UTF8')) is distinct from digest`,
  control_definition: `select body::json->>'id' as name, false as gone from control_definition where sha256(convert_to(body, 'UTF8')) <> digest`,
}
