import { streamRows } from './database.ts'
import { type Shape, shapes } from './resource.ts'
import type { Store } from './store.ts'

/**
 * Everything that a snapshot changed among the rows, as sorted lines: `+` begins, `-` ends, `?` is not seen from here on, `!` is seen
 * again or gone; then dataset, account, Region, `[key, parent]` as JSON, and the row's digest.
 * @returns bytes of many lines at a time, each with its line feed
 */
export function changeLines(store: Store, sourceId: number, version: number): AsyncGenerator<Buffer> {
  return streamLines(store, changeLinesOf, [sourceId, version])
}

/** Everything that an evaluation changed among outcomes and results, in the same form. */
export function evaluationLines(store: Store, id: number): AsyncGenerator<Buffer> {
  return streamLines(store, evaluationLinesOf, [id])
}

async function* streamLines(store: Store, select: string, values: readonly number[]): AsyncGenerator<Buffer> {
  for await (const rows of streamRows<{ line: string }>(store.db, select, values, 2000))
    yield Buffer.from(`${rows.map(row => row.line).join('\n')}\n`)
}

const changeLinesOf = `
  select (c.op || ' ' || d.name || ' ' || l.account_id || ' ' || l.region || ' [' || to_json(c.key)::text || ',' || to_json(c.parent)::text || '] '
    || encode(c.digest, 'hex')) collate "C" as line
  from (${shapes.flatMap(changesOf).join(' union all ')}) c
  join dataset d on d.id = c.dataset_id join place l on l.id = c.place_id
  order by line`

function changesOf({ kind, identity, joins, key }: Shape): string[] {
  const row = (op: string, condition: string) => `
    select '${op}' as op, p.dataset_id, p.place_id, ${key} as key, p.parent, v.digest
    from ${kind}_version v join part p on p.id = v.part_id ${joins} where v.source_id = $1 and ${condition}`
  const hidden = (
    column: string,
  ) => `exists (select from ${kind}_unseen u where ${identity.map(each => `u.${each} = v.${each}`).join(' and ')}
      and u.source_id = $1 and u.${column} = $2 and u.from_version < v.to_version and u.to_version > v.from_version)`
  // a table of times not seen is small or empty: asked first, it spares reading the versions
  const any = `(select count(*) > 0 from ${kind}_unseen where source_id = $1)`
  return [
    row('+', 'v.from_version = $2'),
    row('-', 'v.to_version = $2 and v.to_version < 2147483647'),
    row('?', `${any} and ${hidden('from_version')}`),
    row('!', `${any} and ${hidden('to_version')}`),
  ]
}

const evaluationLinesOf = `
  select (c.op || ' ' || c.kind || ' [' || to_json(c.key)::text || ',""] ' || encode(c.digest, 'hex')) collate "C" as line
  from (
    select '+' as op, 'outcome' as kind, control_id || ' ' || source as key, digest from outcome_version where from_evaluation = $1
    union all select '-', 'outcome', control_id || ' ' || source, digest from outcome_version where to_evaluation = $1
    union all select '+', 'result', control_id || ' ' || source || ' ' || subject_kind || ' ' || subject_type || ' ' || subject_key, digest
      from result_version where from_evaluation = $1
    union all select '-', 'result', control_id || ' ' || source || ' ' || subject_kind || ' ' || subject_type || ' ' || subject_key, digest
      from result_version where to_evaluation = $1
  ) c order by line`
