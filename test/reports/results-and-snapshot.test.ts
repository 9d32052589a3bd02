import { expect } from 'chai'
import { canonicalJson, factsDigest, setDigest } from '../../src/digest.ts'
import type { ControlOutcome, Subject } from '../../src/model.ts'
import { ReportsError, resultColumns, resultsArtifact, snapshotArtifact } from '../../src/reports/index.ts'
import { parseCsv, recordsOf, textOf } from './bytes.ts'
import { outcomeOf, place, resource, sampleControl, sampleEvaluation, sampleSnapshot, subjectOf } from './sample.ts'

describe('results.csv', () => {
  const control = sampleControl('IDC-USER-001', 'No user without an access path', 'low', 'user')
  const outcome = outcomeOf(control, 10, 2, 1, 3)
  const population = Array.from({ length: 10 }, (_, n) => subjectOf('user', n))

  it('names every subject with its status, passes included, sorted by key', async () => {
    const records = await resultsOf(outcome, [...population].reverse())
    expect(records.map(row => row.subjectKey)).to.deep.equal(population.map(({ key }) => key).sort())
    const counts = Object.groupBy(records, row => row.status!)
    expect([counts.pass, counts.fail, counts.unknown, counts.not_applicable].map(rows => rows?.length)).to.deep.equal([
      4, 2, 1, 3,
    ])
    expect(counts.unknown![0]).to.include({
      missingActions: 'sso:GetInlinePolicyForPermissionSet',
      control: 'IDC-USER-001',
      severity: 'low',
      source: 'acme',
    })
    expect(JSON.parse(counts.fail![0]!.facts!)).to.have.property('UserStatus', 'ENABLED')
    expect(parseCsv(await textOf(artifactOf(outcome, population).read()))[0]).to.deep.equal(resultColumns.map(({ name }) => name))
  })

  it('says when the population itself could not be listed, in one row of its own', async () => {
    const subject: Subject = {
      kind: 'dataset',
      source: 'acme',
      type: 'dataset',
      key: 'identitystore.users',
      name: 'identitystore.users',
    }
    const unlisted: ControlOutcome = {
      ...outcome,
      population: 11,
      unknown: 2,
      populationIsLowerBound: true,
      results: [...outcome.results, { ...outcome.results[2]!, subject }],
    }
    const [first] = await resultsOf(unlisted, population)
    expect(first).to.include({ subjectType: 'dataset', subjectKey: 'identitystore.users', status: 'unknown' })
  })

  it('is not written when it would not have as many rows as the evaluation counts', async () => {
    for (const subjects of [population.slice(0, 9), [...population, subjectOf('user', 99)]]) {
      const error = await resultsOf(outcome, subjects).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      expect(error).to.be.instanceOf(ReportsError).with.property('code', 'TOTALS_DIFFER')
    }
  })

  function artifactOf(one: ControlOutcome, subjects: readonly Subject[]) {
    return resultsArtifact(sampleEvaluation(sampleSnapshot(), [one]), () => subjects)
  }

  async function resultsOf(one: ControlOutcome, subjects: readonly Subject[]) {
    return recordsOf(await textOf(artifactOf(one, subjects).read()))
  }
})

describe('the snapshot file', () => {
  it('holds what is needed to recompute every digest without this program', async () => {
    const rows = ['a', 'b', 'ü'].map(key =>
      resource('identitystore.users', key, { UserId: key, UserName: `name of ${key}`, Nested: { z: 1, a: [null, true] } }),
    )
    const snapshot = {
      ...sampleSnapshot({ isComplete: true }),
      datasets: [{ ...sampleSnapshot().datasets[2]!, count: 3, digest: setDigest(rows.map(({ digest }) => digest)) }],
    }
    const artifact = snapshotArtifact(snapshot, async function* () {
      yield* rows
    })
    expect(artifact.path).to.equal('snapshots/acme-v7.jsonl')
    const lines = (await textOf(artifact.read())).trimEnd().split('\n')
    const [head, ...resources] = lines.map(line => JSON.parse(line))
    expect(head).to.deep.include({
      kind: 'snapshot',
      version: 7,
      digest: snapshot.digest,
      sealedAt: snapshot.sealedAt.toISOString(),
    })
    expect(head.gaps).to.have.length(snapshot.gaps.length)
    expect(resources).to.have.length(3)
    for (const line of resources) {
      expect(line).to.deep.include({ kind: 'resource', dataset: 'identitystore.users', place })
      expect(factsDigest(canonicalJson(line.facts), line.salt)).to.equal(line.digest)
    }
    expect(setDigest(resources.map(({ digest }) => digest))).to.equal(head.datasets[0].digest)
    for (const line of lines) expect(canonicalJson(JSON.parse(line)), 'each line is canonical').to.equal(line)
  })
})
