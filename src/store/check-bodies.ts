import { streamRows } from './database.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'

/**
 * Computes the digests of results, outcomes, definitions of controls and rows of imports again.
 * @returns those whose words and digest differ
 */
export async function* checkBodies(store: Store): AsyncGenerator<StoreProblem> {
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

const suspectBodies = {
  result_version: `select control_id || ' ' || source || ' ' || subject_key as name, body is null as gone from result_version
    where disposed is null and case when sha256(coalesce(salt, '') || convert_to(body, 'UTF8')) is distinct from digest then true
      else status <> body::json->>'status' end`,
  outcome_version: `select control_id || ' ' || source as name, false as gone from outcome_version
    where case when sha256(convert_to(position::text || ' ' || encode(definition, 'hex') || ' ' || body, 'UTF8')) <> digest then true
      else source <> body::json->>'source' or control_id <> (select d.body::json->>'id' from control_definition d
        where d.digest = definition and sha256(convert_to(d.body, 'UTF8')) = d.digest) end`,
  import_row: `select 'import ' || import_id || ' row ' || n as name, body is null as gone from import_row
    where disposed is null and sha256(salt || convert_to(body, 'UTF8')) is distinct from digest`,
  control_definition: `select coalesce((select min(control_id) from outcome_version o where o.definition = d.digest), encode(d.digest, 'hex')) as name, false as gone from control_definition d where sha256(convert_to(body, 'UTF8')) <> digest`,
}
