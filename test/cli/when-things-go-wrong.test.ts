import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { emptyOrganization, unlimited } from '../../src/simulator/index.ts'
import { start, until, workplace } from './program.ts'

describe('when things go wrong, the program', function () {
  this.timeout(120_000)

  it('answers unknown, not fail and not pass, where an action was refused, and names it everywhere', async () => {
    await using place = await workplace()
    const action = 'sso:GetInlinePolicyForPermissionSet'
    place.aws.deny(action)
    const unread = place.start('collect')
    unread.child.stdout!.destroy()
    unread.child.stderr!.destroy()
    expect((await unread.ended).code, 'although nobody reads what it says').to.equal(3)
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(3)
    const dataset = collected.json.snapshots[0].datasets.find((each: { name: string }) => each.name === 'sso.inline_policies')
    expect(dataset.coverage).to.equal('denied')
    expect(dataset.reason).to.contain(action)
    const evaluated = await place.run('evaluate', '--json')
    expect(evaluated.code).to.equal(3)
    const results = await place.run('results', '--control', 'IDC-PS-002', '--json')
    const unknowns = results.json.results.filter((each: { status: string }) => each.status === 'unknown')
    expect(unknowns).to.have.length.of.at.least(1)
    for (const each of unknowns)
      expect(
        each.gaps.map((gap: { action: string }) => gap.action),
        each.reason,
      ).to.satisfy((actions: string[]) => actions.some(name => name === action || name === 'iam:GetPolicyVersion'))
    expect(unknowns.some((each: { gaps: { action: string }[] }) => each.gaps.some(gap => gap.action === action))).to.equal(true)
    const report = await place.run('report', '--framework', 'soc2', '--out', 'reports', '--json')
    expect(report.code).to.equal(3)
    const html = readFileSync(report.json.files.find((each: { path: string }) => each.path.endsWith('.html')).path, 'utf8')
    expect(html.indexOf(action)).to.be.within(1, html.indexOf('<h2') + 6000)
  })

  it('keeps the snapshot before when the external id is wrong, and says where to look', async () => {
    await using place = await workplace()
    expect((await place.run('collect', '--json')).code).to.equal(0)
    place.configure({ auth: { roleArn: place.roleArn, externalId: 'another-id-altogether' } })
    const refused = await place.run('collect', '--json')
    expect(refused.code).to.equal(1)
    expect(refused.json.errors[0].code).to.equal('ROLE_REFUSED')
    expect(refused.stderr).to.match(/external id/)
    expect(refused.stderr).not.to.contain('another-id-altogether')
    const list = await place.run('snapshots', 'list', '--json')
    expect(list.json.snapshots).to.have.lengthOf(1)
  })

  it('refuses a role that anybody may assume without the external id', async () => {
    await using place = await workplace()
    const open = `${place.roleArn}Open`
    await using other = await workplace({ trust: [{ roleArn: open, externalId: null }] })
    other.configure({ auth: { roleArn: open, externalId: 'demanded-by-nobody' } })
    const refused = await other.run('collect', '--json')
    expect(refused.code).to.equal(1)
    expect(refused.json.errors[0].code).to.equal('EXTERNAL_ID_NOT_DEMANDED')
  })

  it('names the right Region when the configured one is wrong', async () => {
    await using place = await workplace()
    place.configure({ region: 'us-west-2' })
    const refused = await place.run('collect', '--json')
    expect(refused.code).to.equal(1)
    expect(refused.json.errors[0]).to.include({ code: 'WRONG_REGION' })
    expect(refused.json.errors[0].message).to.contain('eu-west-1')
  })

  it('never calls an account without Identity Center an empty one', async () => {
    const organization = emptyOrganization()
    organization.instance = null
    await using place = await workplace({ organization })
    const refused = await place.run('collect', '--json')
    expect(refused.code).to.equal(1)
    expect(refused.json.errors[0].code).to.equal('NO_INSTANCE')
    expect(refused.json.snapshots).to.deep.equal([])
  })

  it('collects nothing by a clock that is ahead, and has the failure on record', async () => {
    await using place = await workplace({ now: () => new Date(Date.now() - 86_400_000) })
    const refused = await place.run('collect', '--json')
    expect(refused.code).to.equal(1)
    expect(refused.json.errors[0]).to.include({ code: 'CLOCK_SKEW' })
    expect(refused.json.errors[0].message).to.contain('1440 minutes ahead of AWS')
    expect(refused.json.snapshots).to.deep.equal([])
    const { json } = await place.run('ledger', 'list', '--kind', 'run_failed', '--json')
    expect(json.entries.map((each: { payload: object }) => each.payload)[0]).to.include({ source: 'acme', code: 'CLOCK_SKEW' })
  })

  it('says that AWS cannot be reached', async () => {
    await using place = await workplace()
    const env = { ...place.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }
    const refused = await start(['collect', '--json'], { cwd: place.folder, env }).ended
    expect(refused.code).to.equal(1)
    expect(refused.json.errors[0].code).to.equal('UNREACHABLE')
  })

  it('says that the database cannot be reached, without showing its password', async () => {
    await using place = await workplace()
    place.configure({ more: { database: { url: 'postgres://u:hunter2@127.0.0.1:9/x' } } })
    const refused = await place.run('collect', '--json')
    expect(refused.code).to.equal(1)
    expect(refused.json.error.code).to.equal('DATABASE_UNREACHABLE')
    expect(refused.stderr + refused.stdout).not.to.contain('hunter2')
  })

  it('lists what is wrong in the configuration and exits with 2', async () => {
    await using place = await workplace()
    place.configure({ region: 'nowhere', source: { labell: 'x' } })
    const refused = await place.run('collect', '--json')
    expect(refused.code).to.equal(2)
    expect(refused.stderr).to.match(/config\.yaml:\d+:\d+: sources\[0\]\.region/)
    expect(refused.stderr).to.contain('did you mean label?')
    expect((await place.run('collect', '--config', 'none.yaml')).code).to.equal(2)
    expect((await place.run('collect', '--nonsense')).code).to.equal(2)
    expect((await place.run('nonsense')).code).to.equal(2)
  })

  it('says that the data folder cannot be written', async () => {
    await using place = await workplace()
    for (const dataDir of ['./config.yaml/data', '/proc/evidenced/data']) {
      place.configure({ more: { dataDir } })
      const refused = await place.run('collect', '--json')
      expect(refused.code).to.equal(1)
      expect(refused.json.error.code, dataDir).to.equal('DATA_DIR_NOT_WRITABLE')
    }
  })

  it('says what is wrong in the configuration beyond its schema: schedules, frameworks, controls and their parameters', async () => {
    await using place = await workplace()
    const parameters = { 'IDC-PS-001': { approvedAdminPermissionSet: ['x'] }, 'IDC-PS-005': { maxSessionHours: '8' } }
    for (const [more, path] of [
      [{ schedule: { collect: '99 * * * *' } }, 'schedule.collect'],
      [{ frameworks: ['soc9'] }, 'frameworks[0]'],
      [{ controls: { parameters } }, 'controls.parameters.IDC-PS-001.approvedAdminPermissionSet'],
    ] as const) {
      place.configure({ more })
      for (const command of [['config', 'show'], ['evaluate'], ['bundle'], ['run']]) {
        const refused = await place.run(...command, '--json')
        expect(refused.code, `${command.join(' ')}: ${refused.stderr}`).to.equal(2)
        expect(refused.stderr)
          .to.match(/config\.yaml:[1-9]\d*:[1-9]/)
          .and.to.contain(path)
      }
    }
  })

  it('refuses to keep evidence for a framework that there is not, and says when one has no effect', async () => {
    await using place = await workplace()
    place.configure({ more: { retention: { days: 500, frameworks: { sox2: 3000 } }, frameworks: ['soc2'] } })
    const refused = await place.run('retention', 'preview', '--json')
    expect(refused.code, refused.stderr).to.equal(2)
    expect(refused.stderr).to.match(
      /config\.yaml:[1-9]\d*:[1-9]\d*: retention\.frameworks\.sox2: there is no framework sox2 \(did you mean/,
    )
    place.configure({ more: { retention: { days: 500, frameworks: { 'pci-dss': 3000 } }, frameworks: ['soc2'] } })
    const warned = await place.run('retention', 'preview', '--json')
    expect(warned.code, warned.stderr).to.equal(0)
    expect(warned.stderr).to.contain('retention.frameworks.pci-dss has no effect until pci-dss stands in frameworks')
  })

  it('takes no reason or note of spaces alone', async () => {
    await using place = await workplace()
    const exception = ['exceptions', 'request', '--control', 'IDC-PS-001', '--by', 'ada', '--expires', '2999-01-01']
    for (const words of [
      [...exception, '--reason', ' '],
      ['exceptions', 'revoke', 'EX-1', '--by', 'ada', '--reason', ' \t'],
      ['hold', 'add', '--all', '--reason', ' '],
      ['hold', 'release', '1', '--reason', ''],
      ['keys', 'revoke', 'f', '--reason', ' '],
      ['findings', 'note', '1', ' ', '--by', 'ada'],
    ]) {
      const refused = await place.run(...words, '--json')
      expect(refused.code, words.join(' ')).to.equal(2)
      expect(refused.json.error.message, words.join(' ')).to.match(
        /^(--reason|the note) is empty$|^(--reason|the note) is empty\./,
      )
    }
  })

  it('says that a file to import is not there, and how to ask for access', async () => {
    await using place = await workplace()
    const missing = await place.run('db', 'import', 'nothere.tgz')
    expect(missing.stderr).to.match(/there is no file \S*nothere\.tgz/)
    expect(missing.stderr).not.to.contain('no export')
    const asked = await place.run('access', '--as-of', '2026-01-01')
    expect(asked.code).to.equal(2)
    expect(asked.stderr).to.contain('whose access? Name --account').and.not.contain('?.')
  })

  it('answers every wrong command line with one JSON document when asked for JSON', async () => {
    await using place = await workplace()
    for (const words of [
      ['nonsense'],
      ['collect', '--nonsense'],
      ['results'],
      ['verify'],
      ['snapshots', 'show'],
      ['verify', 'none.zip'],
      ['evaluate', '--as-of', '2999-01-01'],
    ]) {
      const refused = await place.run(...words, '--json')
      expect(refused.code, words.join(' ')).to.equal(2)
      expect(refused.json.error.code, words.join(' ')).to.be.a('string')
    }
  })

  it('takes a report or bundle whose control is broken for incomplete', async () => {
    await using place = await workplace()
    mkdirSync(join(place.folder, 'own'))
    writeFileSync(join(place.folder, 'own', 'broken.yaml'), 'id: OWN-001\ntitle: 5\n')
    place.configure({ more: { controls: { folders: ['./own'] } } })
    await place.run('collect')
    expect((await place.run('evaluate', '--json')).code).to.equal(3)
    const report = await place.run('report', '--framework', 'soc2', '--format', 'html', '--out', 'reports', '--json')
    expect(report.code).to.equal(3)
    expect(readFileSync(report.json.files[0].path, 'utf8')).to.contain('broken.yaml').and.to.contain('INCOMPLETE')
    expect((await place.run('bundle', '--out', 'a.zip', '--json')).code).to.equal(3)

    // a control that breaks while it judges, by a value that it cannot use
    place.configure({ more: { controls: { parameters: { 'SOD-001': { conflictPairs: ['Admin'] } } } } })
    expect((await place.run('evaluate', '--json')).code).to.equal(3)
    const second = await place.run('report', '--framework', 'soc2', '--format', 'html', '--out', 'again', '--json')
    expect(second.code).to.equal(3)
    expect(readFileSync(second.json.files[0].path, 'utf8')).to.match(
      /INCOMPLETE.*SOD-001 of acme: a conflicting pair is written A\|B/s,
    )
    expect((await place.run('bundle', '--out', 'b.zip', '--json')).code).to.equal(3)

    place.configure({ more: { controls: { folders: ['./own'] } } })
    rmSync(join(place.folder, 'own'), { recursive: true })
    const lost = await place.run('run', '--json')
    expect(lost.code).to.equal(2)
    expect(lost.stderr).to.match(/config\.yaml:[1-9]\d*:[1-9].*controls\.folders\[0\].*own cannot be read: ENOENT/)
  })

  it('does not call a collection or an evaluation done whose head nobody outside the database holds', async () => {
    await using place = await workplace()
    place.configure({ more: { heads: { folder: './config.yaml/heads' } } })
    const collected = await place.run('collect', '--json')
    expect(collected.code, collected.stderr).to.equal(3)
    expect(collected.json.snapshots[0]).to.include({ version: 1, complete: true })
    expect(collected.json.headsMissing[0]).to.include({ source: 'acme', version: 1 })
    expect(collected.stderr).to.contain('nobody outside the database holds the head of snapshot 1')
    const evaluated = await place.run('evaluate', '--json')
    expect(evaluated.code, evaluated.stderr).to.equal(3)
    expect(evaluated.json.headMissing).to.contain('heads')
    place.configure()
    expect((await place.run('evaluate', '--json')).code).to.equal(0)
    renameSync(join(place.folder, 'config.yaml'), join(place.folder, 'our config.yaml'))
    const elsewhere = await place.run('snapshots', 'show', 'acme', '--version', '9', '--config', 'our config.yaml', '--json')
    expect(elsewhere.json.error.hint).to.contain("`evidenced snapshots list --config 'our config.yaml'`")
    expect(elsewhere.stderr).to.contain("--config 'our config.yaml'`")
  })

  it('writes over no evidence that is there, and hangs on no folder that cannot be made', async () => {
    await using place = await workplace()
    await place.run('collect')
    await place.run('evaluate')
    expect((await place.run('bundle', '--out', 'a.zip')).code).to.equal(0)
    const before = readFileSync(join(place.folder, 'a.zip'))
    expect((await place.run('bundle', '--out', 'a.zip', '--json')).json.error.code).to.equal('FILE_EXISTS')
    expect(readFileSync(join(place.folder, 'a.zip')).equals(before)).to.equal(true)
    expect((await place.run('bundle', '--out', 'a.zip', '--force')).code).to.equal(0)
    expect((await place.run('report', '--out', '/proc/x', '--json')).json.error.code).to.equal('FILE_NOT_WRITABLE')
    expect((await place.run('bundle', '--out', '/proc/x/y.zip', '--json')).json.error.code).to.equal('FILE_NOT_WRITABLE')
  })

  it('does not start when its port is taken', async () => {
    await using place = await workplace()
    const rival = createServer()
    await new Promise<void>(resolve => rival.listen(0, '127.0.0.1', resolve))
    place.configure({ more: { server: { port: (rival.address() as { port: number }).port } } })
    const refused = await place.run('run', '--json')
    rival.close()
    expect(refused.code).to.equal(1)
    expect(refused.json.error.code).to.equal('PORT_IN_USE')
  })

  it('takes up a collection that was killed, and ends with what an undisturbed one gives', async () => {
    await using place = await workplace({ rates: unlimited, latencyMs: 10 })
    expect((await place.run('collect', '--json')).code).to.equal(0)
    const before = await place.run('snapshots', 'show', 'acme', '--json')
    place.aws.fault('ListAccountAssignments', { kind: 'hang' }, 1, () => place.aws.counts.get('sso:ListAccountAssignments')! > 30)
    const killed = place.start('collect', '--json')
    await until(() => (place.aws.counts.get('sso:ListAccountAssignments') ?? 0) > 31)
    killed.child.kill('SIGKILL')
    await killed.ended
    const between = await place.run('snapshots', 'show', 'acme', '--json')
    expect(between.json.version).to.equal(1)
    expect(between.json.digest).to.equal(before.json.digest)
    const again = await place.run('collect', '--json')
    expect(again.code, again.stderr).to.equal(0)
    const after = await place.run('snapshots', 'show', 'acme', '--json')
    expect(after.json.version).to.equal(2)
    const held = (shown: typeof after) =>
      shown.json.datasets.map(({ name, resources }: { name: string; resources: object[] }) => ({ name, resources }))
    expect(held(after)).to.deep.equal(held(before))
  })
})
