import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { read } from 'hucre'
import { sha256 } from '../../src/digest.ts'
import type {
  DatasetSummary,
  Facts,
  Framework,
  Gap,
  RegisteredException,
  SavedEvaluation,
  Snapshot,
  Status,
  StoredResource,
} from '../../src/model.ts'
import { periodArtifacts, periodChanges, periodReportView } from '../../src/reports/index.ts'
import { bytesOf, recordsOf, textOf } from './bytes.ts'
import { sampleException } from './finding-sample.ts'
import {
  framework,
  notInView,
  outcomeOf,
  place,
  refusedGap,
  resource,
  sampleControl,
  sampleEvaluation,
  sampleSnapshot,
  subjectOf,
} from './sample.ts'

const day = (n: number) => new Date(Date.UTC(2026, 5, n, 3))
const users = 'identitystore.users'
type Row = readonly [string, Facts]

/** A snapshot of users alone, one a day. */
function snapshotOf(
  n: number,
  rows: readonly Row[],
  coverage: DatasetSummary['coverage'] = 'complete',
  gaps: readonly Gap[] = [],
): Snapshot {
  const [summary] = sampleSnapshot({ isComplete: true }).datasets.filter(({ name }) => name === users)
  const datasets = [
    {
      ...summary!,
      coverage,
      count: rows.length,
      digest: sha256(JSON.stringify(rows)),
      reason: coverage === 'complete' ? null : 'refused',
    },
  ]
  return { ...sampleSnapshot({ isComplete: true }), version: n, sealedAt: day(n), datasets, gaps }
}

function reader(states: ReadonlyMap<Snapshot, readonly Row[]>) {
  return async function* (snapshot: Snapshot, dataset: string): AsyncGenerator<StoredResource> {
    for (const [key, facts] of states.get(snapshot)!) {
      const row = resource(dataset, key, facts)
      yield { ...row, digest: sha256(JSON.stringify(facts)) }
    }
  }
}

const user = (name: string, status = 'ENABLED'): Row => [`u-${name}`, { UserName: name, UserStatus: status }]

function evaluationOf(n: number, statuses: { [name: string]: Status }, more: { isLowerBound?: boolean } = {}): SavedEvaluation {
  const snapshot = { ...sampleSnapshot(), sealedAt: day(n) }
  const outcome = outcomeOf(sampleControl('IDC-USER-001', 'No idle user', 'low', 'user'), 3, 0, 0, 0)
  const results = Object.entries(statuses).map(([name, status]) => ({
    subject: { ...subjectOf('user', 1), key: name, name },
    status,
    reason: 'is idle',
    facts: {},
    gaps: [],
  }))
  const count = (status: Status) => results.filter(each => each.status === status).length
  const counts = { fail: count('fail'), unknown: count('unknown'), pass: 3 - results.length }
  return {
    ...sampleEvaluation(snapshot, [{ ...outcome, ...counts, results, populationIsLowerBound: more.isLowerBound ?? false }]),
    id: n,
    asOf: day(n),
  }
}

const soc2: Framework = {
  ...framework,
  requirements: [
    {
      id: 'CC6.2',
      label: 'Users',
      controls: [
        { id: 'IDC-USER-001', basis: 'public' },
        { id: 'HR-001', basis: 'judgement' },
      ],
    },
  ],
}

describe('exceptions in a period report', () => {
  it('are all that an evaluation of the period knew of its controls, as the last one that knew them shows them', async () => {
    const known = (n: number, ...exceptions: RegisteredException[]) => ({ ...evaluationOf(n, { ann: 'fail' }), exceptions })
    const mine = { ...sampleException, controls: ['IDC-USER-001'] }
    const view = await viewOf([
      known(1, { ...mine, id: 'before' }),
      known(3, mine, { ...mine, id: 'other', controls: ['NOT-HERE-1'] }),
      known(4, { ...mine, state: 'lapsed', covers: 0 }, { ...mine, id: 'gone' }),
      known(5, { ...mine, state: 'lapsed', covers: 0 }),
    ])
    expect(view.exceptions.map(({ id, state, covers }) => [id, state, covers])).to.deep.equal([
      ['EX-1', 'lapsed', 0],
      ['gone', 'approved', 1],
    ])
    expect(await textOf(periodArtifacts(view, 'html')[0]!.read())).to.include('Exceptions 1 to 2 of 2')
  })

  it('say when each was in force, which fails it stood beside, and what fails uncovered after it lapsed', async () => {
    const beside = (n: number, covered: string, state: RegisteredException['state']) => {
      const evaluation = evaluationOf(n, { ann: 'fail', bob: 'fail' })
      const covers = covered === '' ? 0 : 1
      return {
        ...evaluation,
        exceptions: [{ ...sampleException, controls: ['IDC-USER-001'], state, covers }],
        outcomes: evaluation.outcomes.map(outcome => ({
          ...outcome,
          results: outcome.results.map(result => (result.subject.key === covered ? { ...result, exceptions: ['EX-1'] } : result)),
        })),
      }
    }
    const view = await viewOf([
      beside(2, '', 'requested'),
      beside(3, 'ann', 'approved'),
      beside(4, 'ann', 'approved'),
      beside(5, '', 'lapsed'),
    ])
    const [exception] = view.exceptions
    expect(exception!.stretches.map(each => [each.state, each.from, each.to, each.evaluations, each.covers])).to.deep.equal([
      ['requested', day(2).toISOString(), day(2).toISOString(), 1, 0],
      ['approved', day(3).toISOString(), day(4).toISOString(), 2, 1],
      ['lapsed', day(5).toISOString(), day(5).toISOString(), 1, 0],
    ])
    expect(exception).to.deep.include({ inForceFrom: day(3).toISOString(), inForceTo: day(4).toISOString() })
    expect(exception).to.deep.include({ ended: 'lapsed', endedBy: day(5).toISOString(), failingUncovered: 1 })
    expect(exception!.covered.map(({ key, from, to, evaluations }) => [key, from, to, evaluations])).to.deep.equal([
      ['ann', day(3).toISOString(), day(4).toISOString(), 2],
    ])
    const html = await textOf(periodArtifacts(view, 'html')[0]!.read())
    expect(html).to.contain('EX-1: fails 1 to 1 of 1').and.to.contain('<strong>1</strong> fail at the end')
    const files = periodArtifacts(view, 'csv')
    const csv = async (name: string) => recordsOf(await textOf(files.find(({ path }) => path.endsWith(name))!.read()))
    expect((await csv('-exceptions.csv'))[0]).to.include({ exception: 'EX-1', approvedBy: 'grace', state: 'lapsed' })
    expect((await csv('-exceptions-over-time.csv')).map(({ state }) => state)).to.deep.equal(['requested', 'approved', 'lapsed'])
    expect((await csv('-excepted-fails.csv'))[0]).to.include({ exception: 'EX-1', key: 'ann', evaluations: '2' })
    if (spawnSync('pdftotext', ['-v']).error !== undefined) return
    const pdf = await bytesOf(periodArtifacts(view, 'pdf')[0]!.read())
    const { stdout } = spawnSync('pdftotext', ['-raw', '-', '-'], { input: pdf, encoding: 'utf8' })
    const flat = stdout.replaceAll(/\s+/g, ' ')
    expect(flat).to.contain('approved by grace').and.to.contain('EX-1: lapsed by 2026-06-05 03:00:00Z')
    expect(flat).to.contain('1 fail at the end of the period with no exception beside them')
  })

  it('name one that was taken out of its file while it was in force', async () => {
    const known = (n: number, ...exceptions: RegisteredException[]) => ({ ...evaluationOf(n, {}), exceptions })
    const mine = { ...sampleException, controls: ['IDC-USER-001'], covers: 0 }
    const [exception] = (await viewOf([known(3, mine), known(4)])).exceptions
    expect(exception).to.include({ ended: 'taken_out', endedBy: day(4).toISOString(), state: 'approved' })
  })
})

async function viewOf(evaluations: readonly SavedEvaluation[], snapshots: readonly Snapshot[] = [snapshotOf(2, [])]) {
  return periodReportView({
    framework: soc2,
    from: new Date('2026-06-02T00:00:00Z'),
    to: new Date('2026-06-06T23:59:59.999Z'),
    sources: ['acme'],
    snapshots,
    failedRuns: [
      {
        id: 'r',
        source: 'acme',
        startedAt: day(4),
        endedAt: day(4),
        outcome: 'failed',
        snapshotVersion: null,
        error: 'no credentials',
        errorCode: 'X',
      },
    ],
    evaluations: (async function* () {
      yield* evaluations
    })(),
    changes: [],
    notCompared: [],
    softwareVersion: '0.1.0',
    notInView,
  })
}

describe('a period report', () => {
  it('shows every day as complete, partial or missing, and is complete only when all are', async () => {
    const view = await viewOf([], [snapshotOf(2, []), snapshotOf(3, [], 'denied', [refusedGap]), snapshotOf(6, [])])
    const [source] = view.sources
    expect(source!.calendar.map(each => `${each.day} ${each.coverage} ${each.failedRuns}`)).to.deep.equal([
      '2026-06-02 complete 0',
      '2026-06-03 partial 0',
      '2026-06-04 missing 1',
      '2026-06-05 missing 0',
      '2026-06-06 complete 0',
    ])
    expect(view.isComplete).to.equal(false)
    const everyDay = [2, 3, 4, 5, 6].map(n => snapshotOf(n, []))
    expect((await viewOf([evaluationOf(6, {})], everyDay)).isComplete).to.equal(true)
    const unjudged = await viewOf([], everyDay)
    expect(unjudged.isComplete).to.equal(false)
    expect(await textOf(periodArtifacts(unjudged, 'html')[0]!.read())).to.contain('Nothing was judged in the period')
  })

  it('follows each failing subject from the evaluation that first saw it to the one that proved it mended', async () => {
    const view = await viewOf([
      evaluationOf(1, { ada: 'fail' }),
      evaluationOf(3, { ada: 'fail', bob: 'fail' }),
      evaluationOf(5, { bob: 'fail' }),
    ])
    const control = view.controls.find(({ id }) => id === 'IDC-USER-001')!
    expect(
      control.episodes.map(({ key, openedBy, resolvedBy, daysOpen }) => [key, openedBy, resolvedBy, daysOpen]),
    ).to.deep.equal([
      ['ada', day(1).toISOString(), day(5).toISOString(), 4],
      ['bob', day(3).toISOString(), null, null],
    ])
    expect(control).to.include({
      openedInPeriod: 1,
      resolvedInPeriod: 1,
      openAtEnd: 1,
      populationAtStart: 3,
      longestDaysToResolve: 4,
    })
    expect(view.evaluations.map(({ id }) => id)).to.deep.equal([3, 5])
  })

  it('resolves nothing by not knowing: neither an unknown nor a population that was not read to its end', async () => {
    const unknown = await viewOf([evaluationOf(2, { ada: 'fail' }), evaluationOf(3, { ada: 'unknown' })])
    expect(unknown.controls.find(({ id }) => id === 'IDC-USER-001')!.openAtEnd).to.equal(1)
    const unread = await viewOf([evaluationOf(2, { ada: 'fail' }), evaluationOf(3, {}, { isLowerBound: true })])
    expect(unread.controls.find(({ id }) => id === 'IDC-USER-001')!.openAtEnd).to.equal(1)
    const mended = await viewOf([evaluationOf(2, { ada: 'fail' }), evaluationOf(3, { ada: 'unknown' }), evaluationOf(4, {})])
    expect(mended.controls.find(({ id }) => id === 'IDC-USER-001')!.episodes[0]).to.include({
      resolvedAfter: day(3).toISOString(),
      resolvedBy: day(4).toISOString(),
    })
  })

  it('names a control that was never evaluated in the period', async () => {
    const view = await viewOf([evaluationOf(3, {})])
    const control = view.controls.find(({ id }) => id === 'HR-001')!
    expect(control.standings.not_evaluated).to.equal(1)
    expect(control.severity).to.equal(null)
  })

  it('does not say of the end what an earlier evaluation found of a control that was not judged any more', async () => {
    const view = await viewOf([evaluationOf(3, {}), { ...evaluationOf(4, {}), outcomes: [] }])
    const control = view.controls.find(({ id }) => id === 'IDC-USER-001')!
    expect(control.counts.map(({ standing }) => standing)).to.deep.equal(['pass'])
    expect(control).to.include({ standingAtEnd: 'not_evaluated', populationAtEnd: null })
    expect(view.totals.controlsBy).to.include({ pass: 0, not_evaluated: 2 })
  })

  it('puts evaluations that count the same on one line, and shows the population at each', async () => {
    const view = await viewOf([2, 3, 4].map(n => evaluationOf(n, n === 4 ? { ada: 'fail' } : {})))
    const { stretches, counts, standingAtEnd } = view.controls.find(({ id }) => id === 'IDC-USER-001')!
    expect(counts).to.have.lengthOf(3)
    expect(stretches.map(each => [each.evaluations, each.from, each.to, each.standing, each.population])).to.deep.equal([
      [2, day(2).toISOString(), day(3).toISOString(), 'pass', 3],
      [1, day(4).toISOString(), day(4).toISOString(), 'fail', 3],
    ])
    expect(standingAtEnd).to.equal('fail')
    expect(view.totals).to.deep.include({ controls: 2, openAtEnd: 1, openedInPeriod: 1, resolvedInPeriod: 0 })
    expect(view.totals.controlsBy).to.include({ fail: 1, not_evaluated: 1 })
    expect(view.failing.map(({ id }) => id)).to.deep.equal(['IDC-USER-001'])
  })

  it('is a PDF whose first page says which period, from where, whether it is complete and what failed', async function () {
    if (spawnSync('pdftotext', ['-v']).error !== undefined) {
      if (process.env.CI === 'true') expect.fail('poppler-utils is not installed')
      this.skip()
    }
    const view = await viewOf([evaluationOf(3, { ada: 'fail' }), evaluationOf(5, { ada: 'fail' })])
    const bytes = await bytesOf(periodArtifacts(view, 'pdf')[0]!.read())
    expect(bytes.equals(await bytesOf(periodArtifacts(view, 'pdf')[0]!.read()))).to.equal(true)
    const { stdout } = spawnSync('pdftotext', ['-layout', '-', '-'], { input: bytes, encoding: 'utf8' })
    const pages = stdout.split('\f').slice(0, -1)
    for (const part of [
      'INCOMPLETE',
      '2026-06-02 00:00:00Z',
      'o-a1b2c3d4e5',
      'EvidencedReader',
      'IDC-USER-001',
      '1 open',
      '4 missing',
    ])
      expect(pages[0]).to.contain(part)
    expect(stdout).to.contain('03 MISSING').and.to.contain('2026-06-01').and.to.contain('Never evaluated in the period')
    for (const [i, text] of pages.entries())
      expect(text)
        .to.contain(`page ${i + 1} of ${pages.length}`)
        .and.to.contain(view.evaluations.at(-1)!.digest)
  })

  it('is one CSV for each of its tables', async () => {
    const view = await viewOf([evaluationOf(3, { '=ada': 'fail' })])
    const files = periodArtifacts(view, 'csv')
    expect(files.map(({ path }) => path.slice(path.lastIndexOf('06-06-') + 6))).to.include.members([
      ...['calendar.csv', 'controls.csv', 'failures.csv', 'joiners.csv', 'movers.csv', 'leavers.csv', 'changes.csv'],
    ])
    const [row] = recordsOf(await textOf(files.find(({ path }) => path.endsWith('failures.csv'))!.read()))
    expect(row).to.include({ key: "'=ada", resolution: 'open' })
  })

  it('is a page and a workbook that say the same', async () => {
    const view = await viewOf([evaluationOf(1, {}), evaluationOf(3, { '=ada': 'fail' })])
    const html = await textOf(periodArtifacts(view, 'html')[0]!.read())
    expect(html).to.contain('INCOMPLETE').and.to.contain('2026-06-04').and.to.contain('&#x3D;ada')
    const { sheets } = await read(await bytesOf(periodArtifacts(view, 'xlsx')[0]!.read()))
    const failures = sheets.find(({ name }) => name === 'Failures')!
    expect(failures.rows[1]).to.include('=ada')
    expect(sheets.find(({ name }) => name === 'Calendar')!.rows).to.have.lengthOf(6)
  })
})

describe('changes between snapshots', () => {
  async function changesOf(states: readonly (readonly [Snapshot, readonly Row[]])[]) {
    return periodChanges(
      states.map(([snapshot]) => snapshot),
      reader(new Map(states)),
    )
  }
  const state = (n: number, rows: readonly Row[], coverage?: DatasetSummary['coverage'], gaps?: readonly Gap[]) =>
    [snapshotOf(n, rows, coverage, gaps), rows] as const

  it('names who came, was disabled and left, each between two snapshots', async () => {
    const { changes } = await changesOf([
      state(1, [user('ada'), user('bob')]),
      state(2, [user('ada', 'DISABLED'), user('bob'), user('cy')]),
      state(3, [user('ada', 'DISABLED'), user('cy')]),
    ])
    expect(changes.map(({ kind, name, after, by }) => [kind, name, after, by])).to.deep.equal([
      ['changed', 'ada', day(1).toISOString(), day(2).toISOString()],
      ['added', 'cy', day(1).toISOString(), day(2).toISOString()],
      ['removed', 'bob', day(2).toISOString(), day(3).toISOString()],
    ])
    expect(changes[0]!.members).to.deep.equal([{ member: 'UserStatus', before: 'ENABLED', now: 'DISABLED' }])
  })

  it('does not call refused removed: who was not seen is carried on until the list is read again', async () => {
    const gap: Gap = { ...refusedGap, dataset: users, place, parent: '' }
    const refused = state(2, [user('ada')], 'denied', [gap])
    const { changes, notCompared } = await changesOf([
      state(1, [user('ada'), user('bob')]),
      refused,
      state(3, [user('ada'), user('bob')]),
    ])
    expect(changes).to.deep.equal([])
    expect(notCompared.map(({ version }) => version)).to.deep.equal([2])
    const came = await changesOf([state(1, [user('ada')]), refused, state(3, [user('ada'), user('cy')])])
    expect(came.changes.map(({ kind, name, after }) => [kind, name, after])).to.deep.equal([
      ['added', 'cy', day(1).toISOString()],
    ])
    const gone = await changesOf([state(1, [user('ada'), user('bob')]), refused, state(3, [user('ada')])])
    expect(gone.changes.map(({ kind, name, after }) => [kind, name, after])).to.deep.equal([
      ['removed', 'bob', day(1).toISOString()],
    ])
  })
})
