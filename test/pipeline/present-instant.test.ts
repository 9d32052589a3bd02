import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadCatalog } from '../../src/controls/index.ts'
import { openSigner, verifyBundle } from '../../src/evidence/index.ts'
import { silent } from '../../src/log.ts'
import type { SavedEvaluation } from '../../src/model.ts'
import { explainSubject, issueEvidence, presentInstant, reperform, runEvaluation } from '../../src/pipeline/index.ts'
import { collectOnce, part, user } from '../store/collected.ts'
import { freshStore } from '../store/fresh-store.ts'

describe('judging when a clock was ahead and was set back', () => {
  it('judges the last snapshot all the same, and moves findings', async () => {
    let now = new Date('2026-11-01T00:00:00Z')
    await using store = await freshStore({ now: () => now })
    const parts = { store, catalog: loadCatalog(), log: silent }
    const collected = async (day: string) => {
      now = new Date(day)
      await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user(day.slice(0, 10))] })])
      return runEvaluation(parts, await presentInstant(store, now))
    }
    expect((await collected('2026-11-01T00:00:00Z')).asOf).to.deep.equal(new Date('2026-11-01T00:00:00Z'))
    await collected('2027-11-01T00:00:00Z')
    const back = await collected('2026-11-02T00:00:00Z')
    expect([back.snapshots[0]!.version, back.asOf]).to.deep.equal([3, new Date('2027-11-01T00:00:00Z')])
    const { rows } = await store.db.pool.query('select findings is not null as moved from evaluation order by id')
    expect(rows.map(row => row.moved)).to.deep.equal([true, true, true])
  })
  it('does not call evidence fresh whose age nobody knows, and a bundle of it is judged again the same', async () => {
    let now = new Date('2026-11-01T00:00:00Z')
    await using store = await freshStore({ now: () => now })
    const parts = { store, catalog: loadCatalog(), log: silent, now: () => now }
    const judged = async () => runEvaluation(parts, await presentInstant(store, now))
    const fresh = ({ outcomes }: SavedEvaluation) => outcomes.find(each => each.control.id === 'EVD-001')!
    const users = ({ subject }: { subject: { key: string } }) => subject.key.startsWith('identitystore.users')
    now = new Date('2027-11-01T00:00:00Z')
    await collectOnce(store, [part({ dataset: 'identitystore.users', rows: [user('ann')], at: now })])
    const ahead = fresh(await judged())
    expect([ahead.pass, ahead.results.filter(users)], 'as nobody knew better').to.deep.equal([1, []])
    now = new Date('2026-11-02T00:00:00Z')
    const behind = await judged()
    const said = fresh(behind).results.find(users)!
    expect([behind.asOf.getUTCFullYear(), fresh(behind).pass, said.status]).to.deep.equal([2027, 0, 'unknown'])
    expect(JSON.stringify(said)).to.contain(
      'it is dated 2027-11-01T00:00:00.000Z, which lies ahead of the clock at its judgement',
    )
    const [why] = await explainSubject(parts, behind.asOf, 'EVD-001', said.subject.key)
    expect(JSON.stringify(why)).to.contain('unknown')

    const folder = mkdtempSync(join(tmpdir(), 'evidenced-clock-'))
    try {
      const path = join(folder, 'bundle.zip')
      const signer = await openSigner({ dataDir: folder })
      await issueEvidence({ ...parts, signer }, { framework: 'soc2', asOf: null, path, formats: [] })
      const { manifest } = await verifyBundle(path)
      expect(manifest!.predicate.clock).to.equal('2026-11-02T00:00:00.000Z')
      now = new Date('2028-01-01T00:00:00Z')
      expect((await reperform(path, manifest!)).different).to.deep.equal([])
      const { clock: _, ...without } = manifest!.predicate
      expect((await reperform(path, { ...manifest!, predicate: without })).differences, 'the clock decides').to.equal(1)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
