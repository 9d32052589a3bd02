import { createHash, type Hash } from 'node:crypto'
import { canonicalJson, digestOf, sha256 } from '../digest.ts'
import type { Evaluation, Json, SavedEvaluation } from '../model.ts'
import { type Connection, query } from './database.ts'
import { outside } from './outside.ts'
import type { Store } from './store.ts'

/**
 * Digest of an evaluation since its register of exceptions has a salt: as `saltedDigest`, with `exceptionsDigest`, the salted digest of the
 * register, in the place of its exceptions. So names in it can be redacted.
 */
export function registeredDigest(
  { exceptions: _, ...evaluation }: Evaluation,
  digests: ReadonlyMap<string, string>,
  register: Buffer | null,
): string {
  const said = register === null ? {} : { exceptionsDigest: register.toString('hex') }
  return saltedDigest({ ...evaluation, ...said }, digests)
}

/**
 * Digest of an evaluation as its rows give it, by the version of digest that it was made with.
 * @returns null when it was made over bodies of which one was disposed of or redacted since: then nobody can compute it
 */
export async function computedDigest(
  store: Store,
  { id, evaluatedAt: _, digest: __, ...evaluation }: SavedEvaluation,
): Promise<string | null> {
  const [kept] = await query<{ version: number; exceptions: Buffer | null; redacted: boolean; disposed: boolean }>(
    store.db,
    `select e.digest_version as version, e.exceptions, coalesce(r.redacted is not null, false) as redacted,
       exists (select from result_version v where v.from_evaluation <= e.id and v.to_evaluation > e.id and v.disposed is not null) as disposed
     from evaluation e left join exception_register r on r.digest = e.exceptions where e.id = $1`,
    [id],
  )
  const { version, exceptions, redacted, disposed } = kept!
  if (version === 1) return disposed || redacted ? null : unsaltedDigest(evaluation)
  const digests = await resultsDigests({ query: (text, values) => query(store.db, text, values) }, id)
  if (version > 2) return registeredDigest(evaluation, digests, exceptions)
  return redacted ? null : saltedDigest(evaluation, digests)
}

/**
 * Digest of an evaluation since its results have salts: SHA-256 of the canonical JSON of everything it says, where each outcome has
 * `resultsDigest` in the place of its results. So it can be computed again when bodies were disposed of.
 * @param digests of `resultsDigests`
 */
export function saltedDigest(evaluation: Evaluation, digests: ReadonlyMap<string, string>): string {
  const outcomes = evaluation.outcomes.map(({ results: _, ...outcome }) => ({
    ...outcome,
    resultsDigest: digests.get(seriesKey(outcome.control.id, outcome.source)) ?? sha256(''),
  }))
  return digestOf(outside({ ...evaluation, outcomes }))
}

/**
 * Of each outcome of an evaluation, by `seriesKey`: SHA-256 over one line per result, in the order of the results,
 * `[kind, type, key, status, digest of the salted result]` as canonical JSON and a line feed.
 */
export async function resultsDigests(on: Pick<Connection, 'query'>, id: number): Promise<ReadonlyMap<string, string>> {
  const rows = await on.query<{ control_id: string; source: string; digest: string }>(
    `select control_id, source, encode(sha256(convert_to(string_agg('["' || subject_kind || '",' || to_json(subject_type)::text || ','
       || to_json(subject_key)::text || ',"' || status || '","' || encode(digest, 'hex') || '"]' || E'\n', ''
       order by subject_key, subject_kind, subject_type), 'UTF8')), 'hex') as digest
     from result_version where from_evaluation <= $1 and to_evaluation > $1 group by control_id, source`,
    [id],
  )
  return new Map(rows.map(row => [seriesKey(row.control_id, row.source), row.digest]))
}

/** Digest of an evaluation whose results have no salts yet: SHA-256 of the canonical JSON of a whole evaluation, put together piece by piece: as one string it could be longer than a string may be. */
export function unsaltedDigest(evaluation: Evaluation): string {
  const sum = createHash('sha256')
  addCanonical(sum, outside({ ...evaluation, outcomes: [] }) as { [member: string]: Json }, 'outcomes', () => {
    for (const [i, outcome] of evaluation.outcomes.entries()) {
      if (i > 0) sum.update(',')
      addCanonical(sum, outside({ ...outcome, results: [] }) as { [member: string]: Json }, 'results', () => {
        for (const [j, result] of outcome.results.entries()) sum.update(`${j > 0 ? ',' : ''}${canonicalJson(outside(result))}`)
      })
    }
  })
  return sum.digest('hex')
}

/** Adds a record's canonical JSON, with one member's list written by `addItems`. Member names here are ASCII, so any order of theirs is one. */
function addCanonical(sum: Hash, record: { readonly [member: string]: Json }, list: string, addItems: () => void): void {
  for (const [i, name] of Object.keys(record).sort().entries()) {
    sum.update(`${i === 0 ? '{' : ','}${canonicalJson(name)}:`)
    if (name !== list) sum.update(canonicalJson(record[name]!))
    else {
      sum.update('[')
      addItems()
      sum.update(']')
    }
  }
  sum.update('}')
}

/** Names one outcome of an evaluation. */
export function seriesKey(controlId: string, source: string): string {
  return `${controlId} ${source}`
}
