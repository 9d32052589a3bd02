import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalJson, digestOf, sha256 } from '../../src/digest.ts'
import type { Evaluation, Json, SavedEvaluation, Status } from '../../src/model.ts'
import {
  checkLedger,
  latestEvaluation,
  listEvaluations,
  openStore,
  readEvaluation,
  readLedger,
  type Store,
  saveEvaluation,
} from '../../src/store/index.ts'
import { clockAt, errorOf } from './collected.ts'
import { evaluationOf, outcomeOf } from './evaluated.ts'
import { freshStore } from './fresh-store.ts'
import { optionsFor } from './store-options.ts'

describe('an evaluation', () => {
  it('is read back as it was saved, with its control, its counts and every result that is not implied', async () => {
    const clock = clockAt('2026-03-01T06:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const given = evaluationOf([
      { key: 'u2', status: 'unknown' },
      { key: 'u1', status: 'fail' },
      { key: 'u3', status: 'pass' },
    ])
    const saved = await saveEvaluation(store, given)
    expect(saved).to.deep.include({ id: 1, evaluatedAt: new Date('2026-03-01T06:00:00Z'), asOf: given.asOf })
    expect(saved.outcomes[0]!.results.map(result => result.subject.key)).to.deep.equal(['u1', 'u2'])
    expect(await readEvaluation(store, 1)).to.deep.equal(saved)
    expect(await latestEvaluation(store)).to.deep.equal(saved)
    expect(await readEvaluation(store, 2)).to.equal(null)
    const { outcomes: _, ...head } = saved
    expect(await listEvaluations(store)).to.deep.equal([head])
  })

  it('has a digest that anybody can compute again, and an entry in the ledger', async () => {
    await using store = await freshStore()
    const saved = await saveEvaluation(
      store,
      evaluationOf([
        { key: 'u1', status: 'fail' },
        { key: 'ü', status: 'unknown' },
      ]),
    )
    const { id, evaluatedAt, digest, ...said } = saved
    const salts = await saltsOf(store)
    const lines = saved.outcomes[0]!.results.map(({ subject, ...result }) => {
      const salted = Buffer.concat([
        salts.get(subject.key)!,
        Buffer.from(canonicalJson({ subject, ...result } as unknown as Json)),
      ])
      return `${canonicalJson([subject.kind, subject.type, subject.key, result.status, sha256(salted)])}\n`
    })
    const outcomes = said.outcomes.map(({ results: _, ...outcome }) => ({ ...outcome, resultsDigest: sha256(lines.join('')) }))
    expect(digestOf(JSON.parse(JSON.stringify({ ...said, outcomes })) as Json)).to.equal(digest)
    const entries = await Array.fromAsync(readLedger(store))
    expect(entries.map(entry => [entry.kind, entry.payload.digest, entry.payload.evaluation])).to.deep.equal([
      ['evaluation', digest, id],
    ])
    expect(evaluatedAt).to.be.instanceOf(Date)
    expect((await checkLedger(store)).problems).to.deep.equal([])
  })

  it('writes no result and no outcome when nothing changed, and one when one did', async () => {
    await using store = await freshStore()
    const subjects = Array.from({ length: 50 }, (_, i) => ({ key: `u${i}`, status: 'fail' as Status }))
    await saveEvaluation(store, evaluationOf(subjects))
    const before = await rowCounts(store)
    await saveEvaluation(store, evaluationOf(subjects, { asOf: new Date('2026-03-02T00:00:00Z') }))
    expect(await rowCounts(store)).to.deep.equal(before)
    await saveEvaluation(store, evaluationOf([{ key: 'u0', status: 'fail', reason: 'another' }, ...subjects.slice(1)]))
    expect(await rowCounts(store)).to.deep.equal([before[0], before[1]! + 1, before[2]])
  })

  it('compares with what holds in a few scans, although nothing is known yet of how much that is', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({ key: `u${i}`, status: 'fail' as const }))
    await using asked = await freshStore()
    {
      await using store = await openStore(optionsFor(asked.url))
      await store.db.pool.query('vacuum analyze result_version')
      await saveEvaluation(store, evaluationOf(many))
      await saveEvaluation(store, evaluationOf([{ key: 'u0', status: 'unknown' }, ...many.slice(1)]))
    }
    const read = `select pg_stat_clear_snapshot(), (seq_scan + idx_scan)::float8 as scans, n_tup_ins::float8 as inserted from pg_stat_user_tables where relname = 'result_version'`
    let [scans, inserted] = [0, 0]
    // a connection that ends tells what it did a little later
    while (inserted < 3001)
      [{ scans, inserted }] = (await asked.db.pool.query(read)).rows as [{ scans: number; inserted: number }]
    expect(scans).to.be.lessThan(100)
  })

  it('is found by the instant that it judged', async () => {
    await using store = await freshStore()
    for (const asOf of ['2026-03-03', '2026-03-01', '2026-03-01', '2026-03-05'])
      await saveEvaluation(store, evaluationOf([], { asOf: new Date(asOf) }))
    const idAsOf = async (asOf: string) => (await latestEvaluation(store, { asOf: new Date(asOf) }))?.id ?? null
    expect(await idAsOf('2026-02-28')).to.equal(null)
    expect(await idAsOf('2026-03-02')).to.equal(3)
    expect(await idAsOf('2026-03-04')).to.equal(1)
    expect(await idAsOf('2026-03-09')).to.equal(4)
  })

  it('refuses two results for one subject', async () => {
    await using store = await freshStore()
    const twice = evaluationOf([
      { key: 'u1', status: 'fail' },
      { key: 'u1', status: 'unknown' },
    ])
    expect((await errorOf(saveEvaluation(store, twice))).code).to.equal('NOT_STORABLE')
    expect(await latestEvaluation(store)).to.equal(null)
  })

  it('has its own number when several processes save at once', async () => {
    await using store = await freshStore()
    const saved = await Promise.all(
      Array.from({ length: 6 }, (_, i) => saveEvaluation(store, evaluationOf([{ key: `u${i}`, status: 'fail' }]))),
    )
    expect(saved.map(each => each.id).sort()).to.deep.equal([1, 2, 3, 4, 5, 6])
    for (const each of saved) expect(await readEvaluation(store, each.id)).to.deep.equal(each)
    expect((await checkLedger(store)).problems).to.deep.equal([])
  })

  it('is read back exactly in any sequence of evaluations', async function () {
    this.timeout(120_000)
    const statuses = fc.constantFrom<Status>('pass', 'fail', 'unknown', 'not_applicable')
    const subjects = fc.uniqueArray(
      fc.record({ key: fc.constantFrom('a', 'b', 'ü', '\u{1f600}', 'z'), status: statuses, reason: fc.constantFrom('x', 'y') }),
      {
        selector: subject => subject.key,
      },
    )
    const controls = fc.uniqueArray(
      fc.record({ id: fc.constantFrom('C-1', 'C-2', 'C-3'), title: fc.constantFrom('t', 'u'), subjects }),
      { selector: control => control.id },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(controls, { minLength: 1, maxLength: 6 }), async history => {
        await using store = await freshStore()
        const saved: SavedEvaluation[] = []
        for (const controls of history) {
          const outcomes = controls.map(({ id, title, subjects }) => outcomeOf(subjects, { id, title }))
          const given: Evaluation = { ...evaluationOf([]), outcomes }
          saved.push(await saveEvaluation(store, given))
        }
        for (const each of saved) expect(await readEvaluation(store, each.id)).to.deep.equal(each)
      }),
      { numRuns: 10 },
    )
  })
})

async function saltsOf(store: Store): Promise<ReadonlyMap<string, Buffer>> {
  const { rows } = await store.db.pool.query<{ key: string; salt: Buffer }>('select subject_key as key, salt from result_version')
  expect(rows.every(row => row.salt.length === 16)).to.equal(true)
  return new Map(rows.map(row => [row.key, row.salt]))
}

async function rowCounts(store: Store): Promise<number[]> {
  const counts = await Promise.all(
    ['outcome_version', 'result_version', 'control_definition'].map(table =>
      store.db.pool.query(`select count(*)::int as count from ${table}`),
    ),
  )
  return counts.map(({ rows }) => rows[0].count)
}
