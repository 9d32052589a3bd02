import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Workplace, workplace } from './program.ts'

describe('from AWS to a verified bundle, as a user does it', function () {
  this.timeout(120_000)
  let place: Workplace

  before(async () => {
    place = await workplace()
  })

  after(async () => {
    await place[Symbol.asyncDispose]()
  })

  it('says what works before anything is collected', async () => {
    const doctor = await place.run('doctor', '--json')
    expect(doctor.code, doctor.stderr).to.equal(0)
    expect(doctor.json.database.result).to.equal('ok')
    expect(doctor.json.sources[0].checks.map((each: { result: string }) => each.result))
      .to.include('ok')
      .and.not.include('failed')
  })

  it('says that nothing was collected when asked to evaluate too early', async () => {
    const early = await place.run('evaluate', '--json')
    expect(early.code).to.equal(1)
    expect(early.json.error.code).to.equal('NOTHING_COLLECTED')
    expect(early.json.error.hint).to.contain('evidenced collect')
  })

  it('collects every dataset completely, with exactly what the organization holds', async () => {
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(0)
    const [snapshot] = collected.json.snapshots
    expect(snapshot).to.include({ source: 'acme', version: 1 })
    expect(snapshot.digest).to.match(/^[0-9a-f]{64}$/)
    const counts = Object.fromEntries(snapshot.datasets.map((each: { name: string; count: number }) => [each.name, each.count]))
    const { organization } = place.aws
    expect(counts).to.deep.include({
      'identitystore.users': organization.users.length,
      'identitystore.groups': organization.groups.length,
      'identitystore.group_memberships': organization.memberships.length,
      'sso.permission_sets': organization.permissionSets.length,
      'sso.account_assignments': organization.assignments.length,
      'organizations.accounts': organization.accounts.length,
      'organizations.organizational_units': organization.ous.length,
      'sso.applications': organization.applications.length,
      'sso.application_assignments': organization.applicationAssignments.length,
    })
    for (const dataset of snapshot.datasets) {
      expect(dataset).to.have.all.keys('name', 'coverage', 'count', 'calls', 'reason')
      const isUncollected = /^(account-access|sso-directory)\./.test(dataset.name)
      const isOff = dataset.name === 'sso.access_control_attributes'
      const expected = isUncollected ? 'not_collectable' : isOff ? 'not_enabled' : 'complete'
      expect(dataset.coverage, dataset.name).to.equal(expected)
    }
  })

  it('keeps a second, unchanged state as a snapshot of its own, chained to the first', async () => {
    const again = await place.run('collect', '--json')
    expect(again.code, again.stderr).to.equal(0)
    expect(again.json.snapshots[0].version).to.equal(2)
    const list = await place.run('snapshots', 'list', '--json')
    expect(list.json.snapshots.map((each: { version: number }) => each.version)).to.deep.equal([2, 1])
  })

  it('shows every fact as AWS sent it', async () => {
    const shown = await place.run('snapshots', 'show', 'acme', '--json')
    expect(shown.code, shown.stderr).to.equal(0)
    const users = shown.json.datasets.find((each: { name: string }) => each.name === 'identitystore.users').resources
    const names = place.aws.organization.users.map(user => user.UserName).sort()
    expect(users.map((each: { facts: { UserName: string } }) => each.facts.UserName).sort()).to.deep.equal(names)
    expect(users[0].facts.CreatedAt).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)
  })

  it('shows an earlier snapshot by its number', async () => {
    const first = await place.run('snapshots', 'show', 'acme', '--version', '1', '--json')
    expect(first.code, first.stderr).to.equal(0)
    expect(first.json.version).to.equal(1)
    expect((await place.run('snapshots', 'show', 'acme', '--version', '99', '--json')).code).to.equal(2)
  })

  it('judges each control, and its arithmetic closes', async () => {
    const evaluated = await place.run('evaluate', '--json')
    expect(evaluated.code, evaluated.stderr).to.equal(0)
    expect(evaluated.json.controls).to.have.length.of.at.least(10)
    for (const { id, population, pass, fail, unknown, notApplicable } of evaluated.json.controls) {
      expect(pass + fail + unknown + notApplicable, id).to.equal(population)
    }
    for (const defect of place.aws.organization.defects) {
      const found = await place.run('results', '--control', defect.control, '--status', 'fail', '--json')
      expect(found.code, found.stderr).to.equal(0)
      const keys = found.json.results.map((each: { subject: string }) => each.subject)
      // a control on the management account speaks of the account, not of each assignment on it
      const key = defect.control === 'IDC-ASG-002' ? defect.key.split('|')[0] : defect.key
      expect(keys, `${defect.control} on ${defect.name}`).to.include(key)
    }
  })

  it('lists every subject of a control, those that pass too', async () => {
    const results = await place.run('results', '--control', 'IDC-PS-001', '--json')
    expect(results.json.results).to.have.lengthOf(place.aws.organization.permissionSets.length)
    expect(results.json.results[0]).to.include.all.keys('subject', 'name', 'status', 'reason', 'gaps')
  })

  it('writes a report per framework', async () => {
    const report = await place.run('report', '--framework', 'soc2', '--out', 'reports', '--json')
    expect(report.code, report.stderr).to.equal(0)
    const html = report.json.files.find((each: { path: string }) => each.path.endsWith('.html'))
    expect(readFileSync(html.path, 'utf8')).to.contain('SOC 2')
    expect(readFileSync(html.path, 'utf8')).not.to.match(/(src|href)="https?:/)
  })

  it('seals a bundle that verifies, and tells it from one with a changed byte, by name', async () => {
    const bundle = await place.run('bundle', '--framework', 'soc2', '--out', 'evidence.zip', '--json')
    expect(bundle.code, bundle.stderr).to.equal(0)
    const good = await place.run('verify', 'evidence.zip', '--json')
    expect(good.code, good.stdout).to.equal(0)
    expect(good.json.fingerprint).to.equal(bundle.json.keyFingerprint)
    const bytes = readFileSync(join(place.folder, 'evidence.zip'))
    const at = bytes.indexOf('UserName')
    bytes[at]! ^= 1
    writeFileSync(join(place.folder, 'forged.zip'), bytes)
    const forged = await place.run('verify', 'forged.zip', '--json')
    expect(forged.code).to.equal(4)
    expect(forged.json.problems[0].file).to.be.a('string')
    expect(bundle.json.files.map((each: { path: string }) => each.path)).to.include(forged.json.problems[0].file)
  })

  it('makes the same bundle again from the same evaluation', async () => {
    const first = await place.run('bundle', '--framework', 'iso27001', '--out', 'one.zip', '--json')
    const second = await place.run('bundle', '--framework', 'iso27001', '--out', 'two.zip', '--json')
    expect(second.code, second.stderr).to.equal(0)
    expect(second.json.manifestDigest).to.equal(first.json.manifestDigest)
    expect(readFileSync(join(place.folder, 'one.zip')).equals(readFileSync(join(place.folder, 'two.zip')))).to.equal(true)
  })

  it('leaves no server behind', () => {
    expect(existsSync(join(place.folder, 'data', 'postgres', 'postmaster.pid'))).to.equal(false)
  })
})
