import { expect } from 'chai'
import { type Store, saveImport } from '../../src/store/index.ts'
import { type Workplace, workplace } from '../cli/program.ts'
import { oldHistory } from './old-history.ts'

describe('the life of what is kept, as a user has it', function () {
  this.timeout(180_000)
  let place: Workplace
  /** open all the time, so that no command has to start the server */
  let store: Store

  before(async () => {
    place = await workplace()
    store = await oldHistory(place, async (into, email) => {
      await saveImport(into, { kind: 'roster', location: 'hr.csv', digest: 'a'.repeat(64), rows: [{ personId: 'p1', email }] })
    })
  })

  after(async () => {
    await store[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  it('keeps everything for ever without a rule, and as long as a framework asks for with one', async () => {
    place.configure()
    const forEver = await place.run('retention', 'preview', '--json')
    expect(forEver.code, forEver.stderr).to.equal(0)
    expect(forEver.json.steps[0]).to.include({ source: 'acme', cutoff: null, resources: 0 })
    expect(forEver.json.steps[0].rule).to.deep.equal({ days: null, because: 'no retention is configured' })
    place.configure({ more: { retention: { sources: { acme: 90 } }, frameworks: ['soc2', 'sox-itgc'] } })
    const sox = await place.run('retention', 'preview', '--json')
    expect(sox.json.steps[0].rule).to.deep.equal({ days: 2557, because: 'retention.frameworks.sox-itgc' })
    place.configure({ more: { retention: { sources: { other: 90 } } } })
    const wrong = await place.run('retention', 'preview')
    expect(wrong.code).to.equal(2)
    expect(wrong.stderr).to.contain('no source is labelled other')
  })

  it('holds, previews, removes, and says so in the ledger; verify-store stays green', async () => {
    place.configure({ more: { retention: { days: 90 } } })
    const hold = await place.run('hold', 'add', '--user', 'jane@example.com', '--reason', 'case 7', '--by', 'counsel', '--json')
    expect(hold.json).to.deep.include({
      scope: { kind: 'person', source: 'acme', user: 'u-jane' },
      released: null,
      by: 'counsel',
    })
    const refused = await place.run('privacy', 'pseudonymise', '--user', 'u-jane')
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.contain('case 7').and.to.contain(`hold release ${hold.json.id}`)
    const held = await place.run('retention', 'preview')
    expect(held.stdout).to.contain(`kept by hold ${hold.json.id} on user u-jane of acme`)
    expect(
      (await place.run('hold', 'release', String(hold.json.id), '--reason', 'closed', '--json')).json.released.reason,
    ).to.equal('closed')
    expect((await place.run('hold', 'release', String(hold.json.id), '--reason', 'closed')).code).to.equal(1)
    expect((await place.run('hold', 'list', '--json')).json.holds).to.have.lengthOf(1)
    expect((await place.run('hold', 'add', '--reason', 'x')).code).to.equal(2)

    const dry = await place.run('privacy', 'pseudonymise', '--user', 'jane@example.com', '--dry-run', '--json')
    expect(dry.json).to.include({
      user: 'u-jane',
      resources: 2,
      results: 2,
      importRows: 2,
      isStillThere: false,
      ledgerPosition: null,
      sweep: null,
    })
    const preview = await place.run('retention', 'preview', '--json')
    expect(preview.json.disposed).to.equal(false)
    const done = await place.run('retention', 'run', '--json')
    expect(done.code, done.stderr).to.equal(0)
    expect(done.json.sweep.left).to.deep.equal([])
    expect(
      done.json.steps.map((step: { resources: number; results: number; importRows: number }) => [
        step.resources,
        step.results,
        step.importRows,
      ]),
    ).to.deep.equal([
      [2, 2, 0],
      [0, 0, 2],
    ])
    const verified = await place.run('verify-store', '--json')
    expect(verified.json.problems.filter((each: { kind: string }) => each.kind !== 'head_missing')).to.deep.equal([])
    expect(verified.json.disposals).to.have.lengthOf(2)
    expect((await place.run('verify-store')).stdout).to.match(
      /[1-9] rows disposed of under retention on \d{4}-\d\d-\d\d \(ledger entry \d+\)/,
    )

    const ledger = await place.run('ledger', 'list', '--kind', 'hold', 'disposal', '--json')
    expect(ledger.json.entries.map((entry: { kind: string }) => entry.kind)).to.deep.equal([
      'hold',
      'hold',
      'disposal',
      'disposal',
    ])
    const newest = await place.run('ledger', 'list', '--limit', '2')
    expect(newest.stdout.trim().split('\n')).to.have.lengthOf(3)
    expect(newest.stderr).to.contain('there are older entries')
    const diff = await place.run('snapshots', 'diff', 'acme', '--from', '2024-02-01', '--to', '2024-07-01', '--format', 'csv')
    expect(diff.stdout).to.match(/changed,identitystore\.users,.*,u-jane,.*disposed of under retention/)
    const show = await place.run('snapshots', 'show', 'acme', '--version', '1', '--json')
    expect(JSON.stringify(show.json)).to.contain('disposed of under retention').and.not.to.contain('jane@')
    const gone = await place.run('privacy', 'pseudonymise', '--user', 'u-jane', '--json')
    expect(gone.json).to.include({ resources: 0, ledgerPosition: null })
  })

  it('measures the database, exports it and imports it elsewhere', async () => {
    place.configure({ more: { retention: { days: 90 } } })
    const stats = await place.run('db', 'stats', '--json')
    expect(stats.code, stats.stderr).to.equal(0)
    expect(stats.json.tables[0].sizeBytes).to.be.greaterThan(0)
    expect(stats.json).to.include.keys('days', 'bytesPerDay', 'retentionFreesBytes', 'retentionFreesBytesOfCalls')
    const exported = await place.run('db', 'export', 'all.tar.gz', '--json')
    expect(exported.code, exported.stderr).to.equal(0)
    expect((await place.run('db', 'export', 'all.tar.gz')).code).to.equal(2)
    const refused = await place.run('db', 'import', 'all.tar.gz')
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.contain('cannot take an import')
    place.configure({ more: { dataDir: './elsewhere' } })
    const imported = await place.run('db', 'import', 'all.tar.gz', '--json')
    expect(imported.code, imported.stderr).to.equal(0)
    expect(imported.json).to.deep.include({ snapshots: 3, problems: [], ledgerHead: exported.json.ledgerHead })
  })

  it('puts a changed configuration and catalog into the ledger, once', async () => {
    const kinds = async () =>
      (await place.run('ledger', 'list', '--kind', 'config', 'catalog', '--json')).json.entries.map(
        ({ kind, payload }: { kind: string; payload: { digest: string; before: string | null } }) => [kind, payload],
      )
    place.configure({ more: { log: { level: 'warn' } } })
    expect(await kinds()).to.deep.equal([])
    expect((await place.run('collect', '--json')).code).to.equal(1) // the demo's instance is not the one of this history
    for (let i = 0; i < 2; i++) expect((await place.run('evaluate', '--json')).code).to.be.oneOf([0, 3])
    const first = await kinds()
    expect(first.map(([kind]: [string]) => kind)).to.deep.equal(['config', 'catalog'])
    expect(JSON.stringify(first)).not.to.contain('an-external-id-of-128-bits')
    place.configure({ more: { frameworks: ['soc2'] } })
    expect((await place.run('evaluate', '--json')).code).to.be.oneOf([0, 3])
    const second = await kinds()
    expect(second).to.have.lengthOf(3)
    expect(second[2][1].before).to.equal(second[0][1].digest)
  })
})
