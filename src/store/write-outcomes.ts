import { createHash, randomFillSync } from 'node:crypto'
import { canonicalJson, compareBytes, digestOf, sha256 } from '../digest.ts'
import type { ControlOutcome } from '../model.ts'
import type { CopyValue } from './copy.ts'
import type { Connection } from './database.ts'
import { StoreError } from './error.ts'
import { outside } from './outside.ts'
import { stillHolds } from './versions.ts'

/** Keeps the outcomes of an evaluation with their controls and results, as far as they differ from those of the one before. @param outcomes of `inKeyOrder` */
export async function writeOutcomes(on: Connection, id: number, outcomes: readonly ControlOutcome[]): Promise<void> {
  await writeDefinitions(on, outcomes)
  await writeOutcomeVersions(on, id, outcomes)
  await writeResults(on, id, outcomes)
}

/**
 * With its results in the order of their subjects' keys (UTF-8 bytes, then kind and type).
 * @throws {StoreError} NOT_STORABLE when one subject has two of them
 */
export function inKeyOrder(outcome: ControlOutcome): ControlOutcome {
  const results = [...outcome.results].sort(
    ({ subject: a }, { subject: b }) =>
      compareBytes(a.key, b.key) || compareBytes(a.kind, b.kind) || compareBytes(a.type, b.type),
  )
  for (const [i, { subject }] of results.entries()) {
    const before = results[i - 1]?.subject
    if (before?.key === subject.key && before.kind === subject.kind && before.type === subject.type) {
      throw new StoreError(
        'NOT_STORABLE',
        `${outcome.control.id} has two results for ${subject.type} ${subject.key} of ${outcome.source}`,
      )
    }
  }
  return { ...outcome, results }
}

async function writeDefinitions(on: Connection, outcomes: readonly ControlOutcome[]): Promise<void> {
  const bodies = [...new Set(outcomes.map(outcome => canonicalJson(outside(outcome.control))))]
  await on.execute(
    `insert into control_definition (digest, body) select n.digest, n.body from unnest($1::bytea[], $2::text[]) as n (digest, body)
     on conflict do nothing`,
    [bodies.map(body => `\\x${sha256(body)}`), bodies],
  )
}

async function writeOutcomeVersions(on: Connection, id: number, outcomes: readonly ControlOutcome[]): Promise<void> {
  const rows = outcomes.map(({ results: _, control, ...body }, position) => {
    const definition = digestOf(outside(control))
    const text = canonicalJson(outside(body))
    return {
      id: control.id,
      source: body.source,
      position,
      definition,
      text,
      digest: sha256(`${position} ${definition} ${text}`),
    }
  })
  const values = [
    ...[id, rows.map(row => row.id), rows.map(row => row.source), rows.map(row => row.position)],
    ...[rows.map(row => `\\x${row.definition}`), rows.map(row => row.text), rows.map(row => `\\x${row.digest}`)],
  ]
  await on.execute(
    `create temporary table new_outcome on commit drop as
     select $1::int as evaluation, n.* from unnest($2::text[], $3::text[], $4::int[], $5::bytea[], $6::text[], $7::bytea[])
       as n (control_id, source, position, definition, body, digest)`,
    values,
  )
  await mergeVersions(on, id, 'outcome', ['control_id', 'source'], ['position', 'definition', 'body', 'digest'])
}

async function writeResults(on: Connection, id: number, outcomes: readonly ControlOutcome[]): Promise<void> {
  const columns = ['control_id', 'source', 'subject_key', 'subject_kind', 'subject_type', 'digest', 'salt', 'status', 'body']
  await on.execute(
    `create temporary table new_result (control_id text, source text, subject_key text, subject_kind text, subject_type text, digest bytea, salt bytea,
       status text, body text) on commit drop`,
  )
  await on.copy('new_result', columns, resultRows(outcomes))
  await on.execute('analyze new_result')
  // a salt is the row's own: equal bodies are one result that still holds; one without a salt gets it with its next version
  await mergeVersions(on, id, 'result', columns.slice(0, 5), columns.slice(5), 'n.body = v.body and v.salt is not null')
}

function* resultRows(outcomes: readonly ControlOutcome[]): Generator<CopyValue[]> {
  for (const { control, source, results } of outcomes) {
    for (const result of results) {
      const body = canonicalJson(outside(result))
      const { key, kind, type } = result.subject
      const salt = randomFillSync(Buffer.allocUnsafe(16))
      const digest = createHash('sha256').update(salt).update(body).digest()
      yield [control.id, source, key, kind, type, digest, salt, result.status, body]
    }
  }
}

/**
 * Ends the versions that no longer hold and begins those that are new, from the temporary table `new_…`. Without nested loops: what is
 * known of the versions may be older than the last evaluation, and to look among all that hold for each of many thousand takes hours.
 */
async function mergeVersions(
  on: Connection,
  id: number,
  kind: 'outcome' | 'result',
  identity: readonly string[],
  content: readonly string[],
  sameContent = 'n.digest = v.digest',
): Promise<void> {
  const same = [...identity.map(column => `n.${column} = v.${column}`), sameContent].join(' and ')
  await on.execute('set local enable_nestloop = off')
  await on.execute(
    `update ${kind}_version v set to_evaluation = $1
     where v.to_evaluation = ${stillHolds} and not exists (select from new_${kind} n where ${same})`,
    [id],
  )
  const columns = [...identity, ...content].join(', ')
  await on.execute(
    `insert into ${kind}_version (from_evaluation, ${columns}) select $1, ${columns} from new_${kind} n
     where not exists (select from ${kind}_version v where v.to_evaluation = ${stillHolds} and ${same})`,
    [id],
  )
  await on.execute('set local enable_nestloop = on')
}
