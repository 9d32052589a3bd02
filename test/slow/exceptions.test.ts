import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { readBundleFile } from '../../src/evidence/index.ts'
import { workplace } from '../cli/program.ts'

const control = 'IDC-USER-001'

describe('exceptions, from the command line', function () {
  this.timeout(240_000)

  it('are asked for by one and approved by another, stand beside the fail everywhere, and change no count', async () => {
    await using place = await workplace()
    const file = join(place.folder, 'exceptions.yaml')
    writeFileSync(file, 'exceptions: []\n')
    const overrides = [
      { source: 'acme', parameters: { [control]: { graceDays: 13 } } },
      { tag: { environment: 'prod' }, parameters: { 'IDC-ASG-001': { includeApplications: false } } },
    ]
    place.configure({ more: { exceptions: { file: './exceptions.yaml' }, controls: { overrides } } })
    expect((await place.run('collect')).code).to.equal(0)
    const plain = await place.run('evaluate', '--json')
    const countsOf = (run: { json: { controls: { id: string; fail: number; excepted: number }[] } }) =>
      run.json.controls.find(({ id }) => id === control)!
    const before = countsOf(plain)
    expect(before.fail).to.be.greaterThan(0)
    expect(before.excepted).to.equal(0)
    const results = async () =>
      (await place.run('results', '--control', control, '--status', 'fail', '--json')).json.results as {
        subject: string
        exceptions: string[]
      }[]
    const [first] = await results()

    const ask = ['exceptions', 'request', '--control', control, '--subject', first!.subject, '--by', 'Ada', '--json']
    const soon = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)
    const wrong = await place.run(...ask, '--reason', 'r', '--expires', soon, '--when', 'user.Nmae == "x"')
    expect(wrong.code).to.equal(2)
    expect(wrong.stderr).to.match(/User has no member Nmae.*did you mean/)
    const asked = await place.run(...ask, '--reason', 'sensor account', '--ticket', 'SEC-7', '--expires', soon)
    expect(asked.json).to.include({ id: 'EX-1', state: 'requested', fitsNothing: null })
    expect(asked.stderr).to.equal('')
    const mistyped = await place.run(
      ...ask.filter(each => each !== '--json'),
      '--subject',
      'nobody',
      '--reason',
      'r',
      '--expires',
      soon,
    )
    expect(mistyped.stderr, 'one of two fits').to.equal('')
    const nobody = ['exceptions', 'request', '--control', control, '--subject', 'nobody', '--by', 'Ada', '--reason', 'r']
    const fitless = await place.run(...nobody, '--expires', soon)
    expect(fitless.code).to.equal(0)
    expect(fitless.stderr)
      .to.match(/EX-3: it fits none of the \d+ subjects of IDC-USER-001 that evaluation 1 of .* judged/)
      .and.to.contain('evidenced results --control IDC-USER-001')
    expect((await place.run('exceptions', 'show', 'EX-3', '--json')).json.fitsNothing).to.match(/fits none/)
    const listed = (await place.run('exceptions', 'list', '--json')).json.exceptions as {
      id: string
      fitsNothing: string | null
    }[]
    expect(listed.filter(each => each.fitsNothing !== null).map(each => each.id)).to.deep.equal(['EX-3'])
    expect((await place.run('exceptions', 'list')).stderr).to.match(/^evidenced: EX-3: it fits none of the \d+ subjects/)
    for (const id of ['EX-2', 'EX-3'])
      expect((await place.run('exceptions', 'revoke', id, '--by', 'Ada', '--reason', 'typed wrongly')).code).to.equal(0)
    const self = await place.run('exceptions', 'approve', 'EX-1', '--by', ' ada ')
    expect(self.code).to.equal(2)
    expect(self.stderr).to.match(/requested EX-1 and may not approve it/)
    expect((await place.run('exceptions', 'approve', 'EX-1', '--by', 'Grace', '--json')).json.state).to.equal('approved')

    writeFileSync(
      file,
      `exceptions:
  - { id: kept-1, controls: [${control}], match: { name: "*" }, reason: all of them, requestedBy: a, approvedBy: b, approvedAt: 2026-01-01, expires: 2026-03-01 }
  - { id: kept-2, controls: [NO-SUCH-1], reason: r, requestedBy: a, expires: ${soon} }
  - { id: kept-3, controls: [${control}], reason: r, requestedBy: a, approvedBy: "A ", approvedAt: 2026-01-01, expires: 2026-03-01 }
  - { id: kept-4, controls: [${control}], match: { colour: red }, reason: r, requestedBy: a, expires: ${soon} }
  - { id: kept-5, controls: [${control}], reason: r, expires: ${soon} }
`,
    )
    const after = await place.run('evaluate', '--json')
    expect(countsOf(after)).to.deep.equal({ ...before, excepted: 1 })
    expect(after.stderr).to.match(/exceptions\.yaml:3:\d+: exceptions\[1\]: there is no control NO-SUCH-1/)
    expect(after.stderr)
      .to.match(/exceptions\[2\].*may not approve/)
      .and.to.match(/no attribute colour/)
      .and.to.match(/requestedBy/)
    expect((await results()).filter(each => each.exceptions.length > 0)).to.deep.equal([{ ...first, exceptions: ['EX-1'] }])
    const explained = await place.run('evaluate', '--explain', '--control', control, '--subject', first!.subject)
    expect(explained.stdout).to.match(/: fail\n.*\n {2}excepted by EX-1, which changes no status/)

    const list = await place.run('exceptions', 'list', '--json')
    expect(
      list.json.exceptions.map((each: { id: string; state: string; covers: number }) => [each.id, each.state, each.covers]),
    ).to.deep.equal([
      ['EX-1', 'approved', 1],
      ['EX-2', 'revoked', 0],
      ['EX-3', 'revoked', 0],
      ['kept-1', 'lapsed', 0],
    ])
    expect((await place.run('exceptions', 'report', '--out', 'register')).code).to.equal(0)
    expect(readdirSync(join(place.folder, 'register')).map(name => name.replace(/.*\./, ''))).to.have.members([
      'html',
      'pdf',
      'xlsx',
      'csv',
      'json',
    ])

    const bundle = await place.run(
      'bundle',
      '--framework',
      'soc2',
      '--out',
      'a.zip',
      '--format',
      'html,json,oscal,ocsf,asff',
      '--json',
    )
    expect(bundle.code).to.equal(0)
    const read = async (path: string) =>
      Buffer.concat(await Array.fromAsync(readBundleFile(join(place.folder, 'a.zip'), path))).toString()
    expect(await read('exceptions.csv')).to.match(/^EX-1,database,approved,IDC-USER-001,subject/m)
    expect(await read('results.csv')).to.match(/,fail,.*,EX-1,[0-9a-f]{64},[0-9a-f]{64},[0-9a-f]{64},.*\r\n/)
    expect(await read('reports/soc2.html')).to.match(/Excepted by EX-1 until/)
    expect(await read('reports/soc2.oscal.json')).to.include('deviation-approved')
    expect(await read('reports/soc2.ocsf.jsonl')).to.include('"exceptions":["EX-1"]')
    expect(await read('reports/soc2.asff.jsonl')).to.include('Excepted by EX-1')
    const again = await place.run('reperform', 'a.zip', '--json')
    expect(again.json, again.stdout).to.include({ ok: true, differences: 0 })

    expect((await place.run('exceptions', 'revoke', 'EX-1', '--by', 'Grace', '--reason', 'gone')).code).to.equal(0)
    const revoked = await place.run('findings', 'list', '--control', control)
    expect(revoked.stdout, 'before it is judged again').to.match(/open, no longer excepted by EX-1 .*evaluate again/)
    expect((await place.run('findings', 'list', '--excepted', '--json')).json.findings).to.deep.equal([])
    // the bundle of the evaluation that knew it is made again, byte for byte
    const asOf = after.json.asOf as string
    const remade = await place.run(
      'bundle',
      '--framework',
      'soc2',
      '--out',
      'b.zip',
      '--format',
      'html,json,oscal,ocsf,asff',
      '--as-of',
      asOf,
      '--json',
    )
    expect(remade.json.manifestDigest).to.equal(bundle.json.manifestDigest)
    const checked = await place.run('verify-store', '--json')
    expect(checked.code, checked.stdout).to.equal(0)
  })
})
