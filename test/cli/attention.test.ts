import { expect } from 'chai'
import { attentionOf, type Known, overdueSince } from '../../src/cli/attention.ts'
import type { RunRecord } from '../../src/model.ts'
import { sampleSnapshot } from '../reports/sample.ts'

const snapshot = {
  ...sampleSnapshot(),
  ...{ source: 'acme', version: 4, startedAt: new Date('2026-06-30T02:00:00Z'), sealedAt: new Date('2026-06-30T02:10:00Z') },
}
const schedule = { collect: '0 2 * * *', verify: '0 4 * * 0', timeZone: 'UTC' }
const at = (now: string, more: Partial<Known> = {}): readonly string[] =>
  attentionOf(
    {
      now: new Date(now),
      sources: [{ label: 'acme', snapshot, lastRun: null }],
      evaluation: { asOf: snapshot.sealedAt, snapshots: [{ source: 'acme', version: 4, digest: snapshot.digest }] },
      catalog: { problems: [] },
      headFailure: null,
      ...more,
    },
    schedule,
  )

describe('what needs attention', () => {
  it('is nothing while the last slot brought a snapshot that was judged', () => {
    expect([at('2026-06-30T02:20:00Z'), at('2026-07-01T02:30:00Z')]).to.deep.equal([[], []])
  })

  it('is a source without a snapshot an hour after its slot, with why', () => {
    const failed = { outcome: 'failed', error: 'the role was refused' } as RunRecord
    expect(at('2026-07-01T03:00:00Z', { sources: [{ label: 'acme', snapshot, lastRun: failed }] })).to.deep.equal([
      'acme is overdue: a collection was due at 2026-07-01T02:00:00.000Z, and its last snapshot is of 2026-06-30T02:10:00.000Z; the last run failed: the role was refused',
    ])
    expect(at('2026-07-08T01:00:00Z')[0]).to.contain('due at 2026-07-07T02:00:00.000Z')
    const never = at('2026-07-01T03:00:00Z', { sources: [{ label: 'new', snapshot: null, lastRun: null }], evaluation: null })
    expect(never.join()).to.contain('it was never collected')
    expect(overdueSince(schedule, snapshot, new Date('2026-07-01T02:59:00Z'))).to.equal(null)
  })

  it('is a snapshot that nobody judged, and a source that is judged and configured no more', () => {
    const other = { source: 'globex', version: 9, digest: snapshot.digest }
    expect(at('2026-06-30T12:00:00Z', { evaluation: { asOf: snapshot.sealedAt, snapshots: [other] } })).to.deep.equal([
      'version 4 of acme was not judged',
      'globex is judged and is not configured any more: what is said of it is as old as its last snapshot',
    ])
  })

  it('is a head that nobody outside holds', () => {
    expect(at('2026-06-30T12:00:00Z', { headFailure: 'the bucket is away' })).to.deep.equal([
      'nobody outside the database holds what was sealed last: the bucket is away',
    ])
  })

  it('is a clock that is behind what is on record, and what is broken in the catalog', () => {
    expect(at('2026-06-29T12:00:00Z')).to.deep.equal([
      'acme is overdue: a collection was due at 2026-06-29T02:00:00.000Z, and its last snapshot is of 2026-06-30T02:10:00.000Z',
      'the clock says 2026-06-29T12:00:00.000Z, and something on record is of 2026-06-30T02:10:00.000Z: set the clock by NTP',
    ])
    const broke = { id: 'SOD-001', source: 'acme', error: 'a conflicting pair is written A|B, found Admin' }
    expect(at('2026-06-30T12:00:00Z', { broken: [broke] })).to.deep.equal([
      'not judged, since it broke: SOD-001 of acme: a conflicting pair is written A|B, found Admin',
    ])
    const broken = { file: 'own.yaml', line: 3, column: 1, path: 'severity', message: 'is no severity', hint: null }
    expect(at('2026-06-30T12:00:00Z', { catalog: { problems: [broken] } })).to.deep.equal([
      'not judged, since it is broken: own.yaml:3:1: severity: is no severity',
    ])
  })

  it('is a source whose snapshot a clock dated that was ahead, until one was made since', () => {
    const ahead = { ...snapshot, startedAt: new Date('2027-06-30T02:00:00Z'), sealedAt: new Date('2027-06-30T02:10:00Z') }
    const now = new Date('2027-03-01T12:00:00Z')
    expect(overdueSince(schedule, ahead, now)).to.deep.equal(new Date('2027-03-01T02:00:00Z'))
    expect(overdueSince(schedule, { ...ahead, startedAt: new Date('2027-03-01T02:00:05Z') }, now)).to.equal(null)
    expect(overdueSince(schedule, { ...ahead, startedAt: new Date('2027-02-28T02:00:05Z') }, now)).to.not.equal(null)
  })

  it('is no source whose collection began at the slot and goes on, for a day', () => {
    const run = (startedAt: string, outcome = 'running') =>
      ({ outcome, error: null, startedAt: new Date(startedAt) }) as RunRecord
    const since = (now: string, lastRun: RunRecord) => overdueSince(schedule, snapshot, new Date(now), lastRun)
    expect(since('2026-07-01T05:00:00Z', run('2026-07-01T02:00:01Z'))).to.equal(null)
    for (const [now, lastRun] of [
      ['2026-07-01T05:00:00Z', run('2026-07-01T02:00:01Z', 'interrupted')],
      ['2026-07-01T05:00:00Z', run('2026-07-01T01:59:00Z')],
      ['2026-07-02T02:30:00Z', run('2026-07-01T02:00:01Z')],
    ] as const)
      expect(since(now, lastRun), now).to.not.equal(null)
  })

  it('is a store that was found changed, or that was not verified at its slot', () => {
    const last = { at: new Date('2026-06-28T04:00:10Z'), problems: 0, headsMissing: 0 }
    const said = (now: string, more: object, failure: string | null = null) =>
      at(now, { verification: { last: { ...last, ...more }, failure } }).join()
    expect(said('2026-06-30T12:00:00Z', {})).to.equal('')
    expect(said('2026-06-30T12:00:00Z', { problems: 2 })).to.contain('the store is not as it was sealed: 2 problems')
    expect(said('2026-06-30T12:00:00Z', { headsMissing: 1 })).to.contain('1 heads were not held outside')
    expect(said('2026-06-30T12:00:00Z', {}, 'no bucket')).to.equal('the store could not be verified: no bucket')
    expect(said('2026-07-06T05:00:00Z', {})).to.contain('was to be verified at 2026-07-05T04:00:00.000Z')
  })
})
