import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { readBundleFile } from '../../src/evidence/index.ts'
import { workplace } from './program.ts'

const control = 'IDC-USER-001'

const days = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10)

describe('findings and exceptions, from the command line', function () {
  this.timeout(240_000)

  it('are opened by an evaluation, assigned, excepted, and carried into the bundle that knew them', async () => {
    await using place = await workplace()
    const stricter = { tag: { environment: 'prod' }, parameters: { 'IDC-ASG-003': { maxAdminsPerAccount: 1 } } }
    place.configure({ more: { findings: { dueDays: { low: 3 } }, controls: { overrides: [stricter] } } })
    expect((await place.run('collect')).code).to.equal(0)
    expect((await place.run('evaluate')).code).to.equal(0)
    const list = await place.run('findings', 'list', '--control', control, '--kind', 'fail', '--json')
    const [finding] = list.json.findings
    expect(finding).to.include({ state: 'open', control, openedAfter: null, owner: null })
    expect(list.json.figures[0]).to.include({ severity: 'critical', resolved: 0, meanDaysToResolve: null })

    const assigned = await place.run('findings', 'assign', finding.id, '--owner', 'team-iam', '--ticket', 'SEC-9', '--by', 'ada')
    expect(assigned.stdout).to.match(/ada: owner team-iam, ticket SEC-9/)
    const bundle = await place.run('bundle', '--framework', 'soc2', '--out', 'a.zip', '--format', 'json', '--json')
    const csv = Buffer.concat(await Array.fromAsync(readBundleFile(join(place.folder, 'a.zip'), 'findings.csv'))).toString()
    expect(csv.split('\r\n').filter(line => line.startsWith(`${finding.id},open,fail`))).to.have.lengthOf(1)
    expect(csv, 'said after the evaluation').not.to.include('team-iam')
    await place.run('report', '--kind', 'findings', '--format', 'csv', '--out', 'out')
    expect(readFileSync(join(place.folder, 'out', 'findings.csv'), 'utf8'), 'the report and the bundle say the same').to.equal(
      csv,
    )
    const report = Buffer.concat(
      await Array.fromAsync(readBundleFile(join(place.folder, 'a.zip'), 'reports/soc2.json')),
    ).toString()
    expect(report).to.contain('maxAdminsPerAccount = 1 in accounts tagged environment=prod')
    expect(bundle.json.files.map((file: { path: string }) => file.path)).to.include('exceptions.csv')
    const shown = await place.run('findings', 'show', finding.id.toLowerCase())
    expect(shown.stdout)
      .to.match(/owner +team-iam/)
      .and.to.match(/open +fail +1/)
    for (const [args, message] of [
      [['show', 'F-99999'], /no finding F-99999/],
      [['list', '--state', 'closed'], /--state closed is not known/],
      [['assign', finding.id, '--by', 'ada'], /nothing to assign/],
    ] as const) {
      const refused = await place.run('findings', ...args)
      expect(refused.code).to.equal(2)
      expect(refused.stderr).to.match(message)
    }
    writeFileSync(
      join(place.folder, 'exceptions.yaml'),
      `exceptions: [{ id: x, controls: [${control}], subjects: ["${finding.subjectKey}"], reason: r, requestedBy: a, approvedBy: b, approvedAt: ${days(-1)}, expires: ${days(30)} }]`,
    )
    place.configure({ more: { exceptions: { file: './exceptions.yaml' } } })
    expect((await place.run('evaluate')).code).to.equal(0)
    const excepted = await place.run('findings', 'list', '--excepted', '--json')
    expect(excepted.json.findings).to.have.lengthOf(1)
    expect(excepted.json.findings[0]).to.deep.include({ id: finding.id, exceptions: ['x'], dueAt: null, owner: 'team-iam' })
    place.configure({ more: { exceptions: { file: './gone.yaml' } } })
    const unread = await place.run('evaluate')
    expect([unread.code, /gone\.yaml cannot be read/.test(unread.stderr)], 'an input is missing').to.deep.equal([3, true])
    expect((await place.run('verify-store')).code).to.equal(0)
  })
})
