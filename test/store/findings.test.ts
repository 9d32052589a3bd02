import { expect } from 'chai'
import fc from 'fast-check'
import type { ControlOutcome, Evaluation, Finding, Gap, Result, Status } from '../../src/model.ts'
import { trackFailures } from '../../src/reports/failure-episodes.ts'
import {
  approveException,
  assignFinding,
  checkLedger,
  findingFigures,
  noteFinding,
  readFinding,
  readFindings,
  requestException,
  revokeException,
  type Store,
  saveEvaluation,
  saveExceptionFile,
  verifyStore,
} from '../../src/store/index.ts'
import { clockAt, collectOnce, errorOf, part, user } from './collected.ts'
import { evaluationOf, outcomeOf } from './evaluated.ts'
import { asOwner } from './forger.ts'
import { freshStore } from './fresh-store.ts'

const day = (n: number) => new Date(Date.UTC(2026, 2, n))
const gap = (dataset: string, action: string): Gap => ({
  ...{ dataset, place: { accountId: '1', region: 'r' }, parent: '', key: null, member: null },
  ...{ reason: 'access_denied', action, errorCode: 'AccessDeniedException', message: `grant ${action}` },
})

interface Shown {
  readonly key: string
  readonly status: Status
  readonly gaps?: readonly Gap[]
  readonly exceptions?: readonly string[]
}

/** An evaluation of the n-th of March on the snapshot of that number. */
function on(n: number, subjects: readonly Shown[], more: Partial<ControlOutcome> = {}, snapshot = n): Evaluation {
  const outcome = outcomeOf(subjects)
  const results = outcome.results.map((result): Result => {
    const { gaps = [], exceptions } = subjects.find(({ key }) => key === result.subject.key)!
    return { ...result, gaps, ...(exceptions === undefined ? {} : { exceptions }) }
  })
  return evaluationOf([], {
    asOf: day(n),
    snapshots: [{ source: 'acme', version: snapshot, digest: `${snapshot}`.padStart(64, '0') }],
    outcomes: [{ ...outcome, results, ...more }],
  })
}

const fail = (key: string): Shown => ({ key, status: 'fail' })
const pass = (key: string): Shown => ({ key, status: 'pass' })

describe('findings', () => {
  it('are opened, resolved and opened again between two evaluations, with days to be mended by severity', async () => {
    await using store = await freshStore()
    const states: (Finding | undefined)[] = []
    for (const [n, subjects] of [[pass('u1')], [fail('u1')], [fail('u1')], [pass('u1')], [fail('u1')]].entries()) {
      await saveEvaluation(store, on(n + 1, subjects), null, { dueDays: { critical: 1, high: 10, medium: 20, low: 30 } })
      states.push((await readFindings(store))[0])
    }
    expect(states[0]).to.equal(undefined)
    expect(states[1]).to.deep.include({
      ...{ id: 1, control: 'IDC-USER-001', source: 'acme', kind: 'fail', subjectType: 'user', subjectKey: 'u1' },
      ...{ state: 'open', status: 'fail', name: 'name of u1', severity: 'high', reason: 'because', episode: 1 },
      ...{ openedAfter: day(1), openedBy: day(2), resolvedBy: null, dueAt: day(12), raisedBecause: 'opened' },
    })
    expect(states[2]).to.deep.equal(states[1])
    expect(states[3]).to.deep.include({
      state: 'resolved',
      status: 'pass_or_gone',
      resolvedAfter: day(3),
      resolvedBy: day(4),
      dueAt: null,
    })
    expect(states[4]).to.deep.include({
      ...{ id: 1, state: 'open', episode: 2, raisedBecause: 'reopened' },
      ...{ openedAfter: day(4), openedBy: day(5), resolvedBy: null, dueAt: day(15) },
    })
    const { versions } = await readFinding(store, 1)
    expect(versions.map(each => [each.evaluation, each.state, each.episode])).to.deep.equal([
      [2, 'open', 1],
      [4, 'resolved', 1],
      [5, 'open', 2],
    ])
    expect((await findingFigures(store, day(16)))[1]).to.deep.equal({
      ...{ severity: 'high', open: 1, excepted: 0, overdue: 1, unknown: 0, resolved: 1 },
      ...{ meanDaysToResolve: 2, medianDaysToResolve: 2 },
    })
    expect((await readFindings(store, { evaluation: 3 }))[0]).to.deep.equal(states[1])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  })

  it('lie between the seals of two snapshots; of what was always so, or newly judged, nobody knows since when', async () => {
    const clock = clockAt('2026-02-27T00:00:00Z')
    await using store = await freshStore({ now: clock.now })
    const seals: Date[] = []
    const snapshots: Evaluation['snapshots'][number][] = []
    for (const title of ['a', 'b', 'c']) {
      const { source, version, digest, sealedAt } = await collectOnce(store, [
        part({ dataset: 'identitystore.users', rows: [user('u1', { Title: title })] }),
      ])
      seals.push(sealedAt)
      snapshots.push({ source, version, digest })
    }
    const judged = (n: number, subjects: readonly Shown[], more: Partial<ControlOutcome> = {}) =>
      saveEvaluation(store, { ...on(n, subjects, more), snapshots: [snapshots[n - 1]!] })
    await judged(1, [fail('old')])
    await judged(2, [fail('old'), fail('new')])
    await judged(3, [fail('old'), fail('new'), fail('other')], { parametersDigest: 'q'.repeat(64) })
    const found = new Map((await readFindings(store)).map(each => [each.subjectKey, [each.openedAfter, each.openedBy]]))
    expect(found.get('old')).to.deep.equal([null, seals[0]])
    expect(found.get('new')).to.deep.equal([seals[0], seals[1]])
    expect(found.get('other'), 'judged with other parameters').to.deep.equal([null, seals[2]])
  })

  it('stay open when nobody can say: unknown, not listed to the end, broken, no longer judged', async () => {
    await using store = await freshStore()
    const statusOf = async () => (await readFindings(store, { kind: 'fail' })).map(({ state, status }) => `${state} ${status}`)
    await saveEvaluation(store, on(1, [fail('u1')]))
    await saveEvaluation(store, on(2, [{ key: 'u1', status: 'unknown', gaps: [gap('a.b', 'a:B')] }]))
    expect(await statusOf()).to.deep.equal(['open unknown'])
    await saveEvaluation(store, on(3, [], { populationIsLowerBound: true }))
    expect(await statusOf()).to.deep.equal(['open unknown'])
    await saveEvaluation(store, on(4, [], { error: 'broken' }))
    expect(await statusOf()).to.deep.equal(['open unknown'])
    await saveEvaluation(store, { ...on(5, []), outcomes: [] })
    expect(await statusOf()).to.deep.equal(['open not_judged'])
    await saveEvaluation(store, on(6, [{ key: 'u1', status: 'not_applicable' }]))
    expect(await statusOf()).to.deep.equal(['resolved not_applicable'])
    await saveEvaluation(store, on(7, [{ key: 'u1', status: 'unknown', gaps: [gap('a.b', 'a:B')] }]))
    await saveEvaluation(store, on(8, [fail('u1')]))
    const [again] = await readFindings(store, { kind: 'fail' })
    expect(again, 'it was unknown before').to.deep.include({ episode: 2, openedAfter: null, openedBy: day(8) })
  })

  it('are one for each cause of unknowns, however many subjects it leaves undecided', async () => {
    await using store = await freshStore()
    const unknown = (key: string, ...actions: string[]): Shown => ({
      ...{ key, status: 'unknown', gaps: actions.map(action => gap('sso.inline_policies', action)) },
    })
    await saveEvaluation(store, on(1, [unknown('p1', 'sso:A'), unknown('p2', 'sso:A', 'sso:B'), unknown('p3')]))
    const causes = async () =>
      (await readFindings(store)).map(({ subjectKey, subjects, state }) => `${state} ${subjectKey} ${subjects}`).sort()
    expect(await causes()).to.deep.equal([
      'open other 1',
      'open sso.inline_policies|access_denied|sso:A 2',
      'open sso.inline_policies|access_denied|sso:B 1',
    ])
    await saveEvaluation(store, on(2, [unknown('p2', 'sso:B'), pass('p1'), pass('p3')]))
    expect(await causes()).to.deep.equal([
      'open sso.inline_policies|access_denied|sso:B 1',
      'resolved other 1',
      'resolved sso.inline_policies|access_denied|sso:A 2',
    ])
  })

  it('stay open and marked while they are excepted, and are raised again when the exception ends', async () => {
    await using store = await freshStore()
    const excepted: Shown = { ...fail('u1'), exceptions: ['EX-1'] }
    await saveEvaluation(store, on(1, [fail('u1')]))
    await saveEvaluation(store, on(2, [excepted]))
    expect((await readFindings(store, { excepted: true }))[0]).to.deep.include({
      state: 'open',
      exceptions: ['EX-1'],
      dueAt: null,
    })
    expect((await findingFigures(store, day(99)))[1]).to.deep.include({ open: 1, excepted: 1, overdue: 0 })
    await saveEvaluation(store, on(3, [fail('u1')]))
    const [finding] = await readFindings(store)
    expect(finding).to.deep.include({ exceptions: [], raisedBecause: 'exception_ended', raisedBy: day(3), episode: 1 })
    expect(finding).to.deep.include({ openedBy: day(1), dueAt: new Date(day(3).getTime() + 30 * 86_400_000) })
  })

  it('are no longer excepted once the exception ended, before they are judged again', async () => {
    let now = day(1)
    await using store = await freshStore({ now: () => now })
    const scope = { source: null, subjects: null, match: null, when: null }
    const request = { controls: ['C-1'], scope, reason: 'r', ticket: null, requestedBy: 'a', expiresAt: day(9).toISOString() }
    const asked = [await requestException(store, request), await requestException(store, request)]
    for (const { id } of asked) await approveException(store, id, 'b')
    const kept = { ...asked[0]!, id: 'kept', origin: 'file' as const, approvedBy: 'b', approvedAt: day(1).toISOString() }
    await saveExceptionFile(store, { location: 'f', digest: 'd', exceptions: [kept], problems: [] })
    const register = ['EX-1', 'EX-2', 'kept'].map(id => ({ ...kept, id, state: 'approved' as const, covers: 1, problem: null }))
    const excepted = [
      { ...fail('u1'), exceptions: ['EX-1', 'EX-2'] },
      { ...fail('u2'), exceptions: ['kept'] },
    ]
    await saveEvaluation(store, { ...on(1, excepted), exceptions: register })
    const shown = async () =>
      (await readFindings(store)).map(({ exceptions, endedExceptions }) => [exceptions.join(), endedExceptions.join()])
    expect(await shown()).to.deep.equal([
      ['EX-1,EX-2', ''],
      ['kept', ''],
    ])
    now = day(2)
    await revokeException(store, 'EX-2', 'b', 'gone')
    await saveExceptionFile(store, { location: 'f', digest: 'e', exceptions: [], problems: [] })
    expect(await shown()).to.deep.equal([
      ['EX-1', 'EX-2'],
      ['', 'kept'],
    ])
    expect((await readFindings(store, { excepted: true })).map(each => each.id)).to.deep.equal([1])
    expect((await findingFigures(store, now))[1]).to.include({ open: 2, excepted: 1 })
    const then = await readFindings(store, { evaluation: 1 })
    expect(
      then.map(each => each.exceptions.join()),
      'as it was judged',
    ).to.deep.equal(['EX-1,EX-2', 'kept'])
    now = day(10)
    expect(await shown(), 'lapsed').to.deep.equal([
      ['', 'EX-1,EX-2'],
      ['', 'kept'],
    ])
  })

  it('write nothing when nothing changed, and follow no evaluation of an older instant', async () => {
    await using store = await freshStore()
    const subjects = Array.from({ length: 50 }, (_, i) => fail(`u${i}`))
    await saveEvaluation(store, on(2, subjects))
    const before = await rowCounts(store)
    await saveEvaluation(store, on(3, subjects))
    expect(await rowCounts(store)).to.deep.equal(before)
    await saveEvaluation(store, on(1, []))
    expect(await rowCounts(store)).to.deep.equal(before)
    expect(await readFindings(store, { state: 'open' })).to.have.lengthOf(50)
    await saveEvaluation(store, on(4, subjects.slice(1)))
    expect(await rowCounts(store)).to.deep.equal([50, before[1]! + 1])
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  })

  it('have an owner, a ticket and notes, each on record', async () => {
    await using store = await freshStore()
    await saveEvaluation(store, on(1, [fail('u1'), fail('u2')]))
    await assignFinding(store, 1, 'ada', { owner: 'team-iam' })
    await assignFinding(store, 1, 'ada', { ticket: 'SEC-1' })
    await noteFinding(store, 1, 'grace', 'asked the owner')
    expect((await readFindings(store, { owner: 'team-iam' })).map(each => each.id)).to.deep.equal([1])
    expect((await readFindings(store, { id: 1 }))[0]).to.include({ owner: 'team-iam', ticket: 'SEC-1' })
    expect((await readFindings(store, { id: 1, ledgerPosition: 2 }))[0], 'as it was then').to.include({ ticket: null })
    await assignFinding(store, 1, 'ada', { owner: null })
    const { notes } = await readFinding(store, 1)
    expect(notes.map(({ kind, by, owner, ticket, text }) => [kind, by, owner, ticket, text])).to.deep.equal([
      ['assigned', 'ada', 'team-iam', null, null],
      ['assigned', 'ada', 'team-iam', 'SEC-1', null],
      ['note', 'grace', 'team-iam', 'SEC-1', 'asked the owner'],
      ['assigned', 'ada', null, 'SEC-1', null],
    ])
    expect((await errorOf(noteFinding(store, 9, 'ada', 'x'))).code).to.equal('FINDING_NOT_FOUND')
    expect((await checkLedger(store)).entries).to.equal(5)
    expect((await verifyStore(store, null)).problems).to.deep.equal([])
  })

  const forgeries: readonly (readonly [string, string, RegExp])[] = [
    [
      'a changed state',
      `update finding_version set body = replace(body, '"high"', '"low"') where finding_id = 1`,
      /finding F-1: its state/,
    ],
    [
      'a changed state with its digest',
      `update finding_version set body = replace(body, '"high"', '"low"'), digest = sha256(convert_to(replace(body, '"high"', '"low"'), 'UTF8')) where finding_id = 1`,
      /findings of evaluation 1: they are not what the ledger says/,
    ],
    ['a finding taken away', 'delete from finding_version where finding_id = 2', /findings of evaluation 1/],
    ['a finding of another subject', `update finding set subject_key = 'u9' where id = 1`, /findings of evaluation 1/],
    ['a state that ends early', 'update finding_version set to_evaluation = 2 where finding_id = 1', /ends with 2/],
    ['a changed owner', `update finding_note set body = replace(body, 'ada', 'eve')`, /note of finding F-1 1/],
    ['a note taken away', 'delete from finding_note', /note of finding F-1 1: the ledger names it/],
  ]
  for (const [name, statement, message] of forgeries) {
    it(`show ${name}`, async () => {
      await using store = await freshStore()
      await saveEvaluation(store, on(1, [fail('u1'), fail('u2')]))
      await assignFinding(store, 1, 'ada', { owner: 'x' })
      await asOwner(store, statement)
      const { problems } = await verifyStore(store, null)
      expect(problems.map(each => `${each.name}: ${each.message}`).join('\n')).to.match(message)
    })
  }

  it('agree with failures as a period report follows them, in any sequence of evaluations', async function () {
    this.timeout(120_000)
    const subjects = fc.uniqueArray(
      fc.record({
        key: fc.constantFrom('a', 'b', 'ü'),
        status: fc.constantFrom<Status>('pass', 'fail', 'unknown', 'not_applicable'),
      }),
      { selector: ({ key }) => key },
    )
    const evaluations = fc.array(fc.record({ subjects, populationIsLowerBound: fc.boolean() }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(evaluations, async history => {
        await using store = await freshStore()
        const tracker = trackFailures(() => true)
        for (const [n, { subjects: shown, populationIsLowerBound }] of history.entries())
          tracker.add(await saveEvaluation(store, on(n + 1, shown, { populationIsLowerBound })))
        const expected = tracker.end().map(({ key, openedBy, resolvedBy }) => `${key} ${openedBy} ${resolvedBy}`)
        const found: string[] = []
        for (const { id } of await readFindings(store, { kind: 'fail' })) {
          const { finding, versions } = await readFinding(store, id)
          for (const [, episode] of Map.groupBy(versions, each => each.episode)) {
            const { openedBy, resolvedBy } = episode.at(-1)!
            found.push(`${finding.subjectKey} ${openedBy.toISOString()} ${resolvedBy?.toISOString() ?? null}`)
          }
        }
        expect(found.sort()).to.deep.equal(expected.sort())
        expect((await verifyStore(store, null)).problems).to.deep.equal([])
      }),
      { numRuns: 15 },
    )
  })
})

async function rowCounts(store: Store): Promise<number[]> {
  const counts = await Promise.all(
    ['finding', 'finding_version'].map(table => store.db.pool.query(`select count(*)::int as count from ${table}`)),
  )
  return counts.map(({ rows }) => rows[0].count)
}
