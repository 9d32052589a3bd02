import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { read } from 'hucre'
import { type BundleSubject, openSigner, readBundleFile, sealBundle, verifyBundle } from '../../src/evidence/index.ts'
import type { Artifact } from '../../src/model.ts'
import { testAuthority } from '../evidence/time-stamp-authority.ts'
import { until, type Workplace, workplace } from './program.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('evidence that an auditor can check alone', function () {
  this.timeout(180_000)
  let place: Workplace

  before(async () => {
    place = await workplace()
    for (const command of ['collect', 'evaluate']) expect((await place.run(command)).code).to.equal(0)
    const bundle = await place.run('bundle', '--framework', 'soc2', '--out', 'evidence.zip', '--json')
    expect(bundle.code, bundle.stderr).to.equal(0)
  })

  after(() => place[Symbol.asyncDispose]())

  it('holds the report in every default format, the populations, the results, the controls and the page that verifies', async () => {
    const { files } = await verifyBundle(join(place.folder, 'evidence.zip'))
    const paths = files.map(({ path }) => path)
    expect(paths).to.include.members([
      ...['html', 'pdf', 'xlsx', 'oscal.json', 'ocsf.jsonl'].map(ending => `reports/soc2.${ending}`),
      ...['results.csv', 'results.jsonl', 'controls.json', 'controls/IDC-PS-001.yaml', 'verify.html', 'README.txt', 'SHA256SUMS'],
      ...['populations/acme/users.csv', 'populations/acme/populations.xlsx', 'snapshots/acme-v1.jsonl', 'calls/acme-v1.jsonl'],
    ])
    expect(paths).not.to.include('reports/soc2.json')
  })

  it('holds only the formats that were asked for', async () => {
    const bundle = await place.run('bundle', '--framework', 'soc2', '--format', 'json,asff', '--out', 'small.zip', '--json')
    const paths = bundle.json.files.map((each: { path: string }) => each.path)
    expect(paths.filter((path: string) => path.startsWith('reports/'))).to.deep.equal([
      'reports/soc2.asff.jsonl',
      'reports/soc2.json',
    ])
    const refused = await place.run('bundle', '--framework', 'soc2', '--format', 'docx')
    expect(refused.code).to.equal(2)
    expect(refused.stderr).to.contain('docx').and.to.contain('oscal')
  })

  it('gives a trusted copy of the page that verifies, without a configuration', async () => {
    const written = await place.run('verify', '--write-page', 'trusted.html', '--json')
    expect(written.code, written.stderr).to.equal(0)
    const page = readFileSync(join(place.folder, 'trusted.html'))
    const inside = Buffer.concat(await Array.fromAsync(readBundleFile(join(place.folder, 'evidence.zip'), 'verify.html')))
    expect(page.equals(inside)).to.equal(true)
    expect((await place.run('verify')).code).to.equal(2)
  })

  it('is judged again from its own snapshot and controls, with the same results', async () => {
    const again = await place.run('reperform', 'evidence.zip', '--json')
    expect(again.code, again.stdout).to.equal(0)
    expect(again.json).to.include({ ok: true, differences: 0 })
    expect(again.json.same).to.be.greaterThan(100)
    expect(again.json.notReperformed).to.deep.equal([])
    expect(again.json.takenFromHere.join()).to.contain('AWS managed policies')
  })

  it('does not pass when it was signed with a result that its own snapshot does not give', async () => {
    const path = join(place.folder, 'evidence.zip')
    const { manifest, files } = await verifyBundle(path)
    const lie = (name: string, text: string) =>
      name === 'results.jsonl' ? text.replace('"status":"fail"', '"status":"pass"') : text
    const artifacts = files
      .filter(file => !['README.txt', 'SHA256SUMS'].includes(file.path))
      .map(
        (file): Artifact => ({
          ...file,
          async *read() {
            const bytes = Buffer.concat(await Array.fromAsync(readBundleFile(path, file.path)))
            yield file.path === 'results.jsonl' ? Buffer.from(lie(file.path, bytes.toString('utf8'))) : bytes
          },
        }),
      )
    const said = manifest!.predicate
    const subject: BundleSubject = { ...said, asOf: new Date(said.asOf), evaluation: null }
    await sealBundle({
      artifacts,
      subject,
      signer: await openSigner({ dataDir: join(place.folder, 'liar') }),
      path: join(place.folder, 'lie.zip'),
    })
    expect((await place.run('verify', 'lie.zip')).code).to.equal(0)
    const again = await place.run('reperform', 'lie.zip', '--json')
    expect(again.code).to.equal(4)
    expect(again.json.differences).to.equal(1)
    expect(again.json.different[0].bundle).to.contain('"status":"pass"')
    expect(again.json.different[0].again).to.contain('"status":"fail"')
  })

  it('is shown to one auditor at an address of its own, with every look in the ledger, and to nobody afterwards', async () => {
    const refused = await place.run('share', 'evidence.zip', '--to', 'Ann Auditor', '--until', '2020-01-01')
    expect(refused.code).to.equal(2)
    copyFileSync(join(place.folder, 'evidence.zip'), join(place.folder, 'shared.zip'))
    const sharing = place.start('share', 'shared.zip', '--to', 'Ann Auditor', '--until', '2099-12-31')
    const address = /http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}\//
    await until(() => address.test(sharing.stderr()) || sharing.child.exitCode !== null)
    const [url] = address.exec(sharing.stderr())!
    // another bundle under its name is not what was verified, nor what the ledger says
    writeFileSync(join(place.folder, 'shared.zip'), 'another')
    const page = await (await fetch(url)).text()
    expect(page)
      .to.contain('Ann Auditor')
      .and.to.contain('COMPLETE')
      .and.to.contain(`href="${new URL(url).pathname}files/reports/soc2.html"`)
    const zip = Buffer.from(await (await fetch(`${url}bundle.zip`)).arrayBuffer())
    expect(zip.equals(readFileSync(join(place.folder, 'evidence.zip')))).to.equal(true)
    expect(await (await fetch(`${url}files/results.csv`)).text()).to.match(/^control,/)
    expect((await fetch(new URL('/', url))).status).to.equal(404)
    sharing.child.kill('SIGTERM')
    expect((await sharing.ended).code).to.equal(0)
    const ledger = await place.run('ledger', 'list', '--kind', 'download', '--json')
    const looks = ledger.json.entries.map((each: { payload: { to: string; path: string } }) => [
      each.payload.to,
      each.payload.path,
    ])
    expect(looks).to.deep.equal(['shared', '/', '/bundle.zip', '/files/results.csv'].map(path => ['Ann Auditor', path]))
    expect(ledger.stdout).not.to.contain(new URL(url).pathname.slice(1, -1))
  })

  it('draws a sample that anybody can draw again by the rule in its cover sheet', async () => {
    const args = ['sample', '--population', 'users', '--seed', 'Q2 2026', '--size', '5', '--json']
    const drawn = await place.run(...args, '--out', 'one.xlsx')
    expect(drawn.code, drawn.stderr).to.equal(0)
    const shown = await place.run('snapshots', 'show', 'acme', '--json')
    const users = shown.json.datasets.find((each: { name: string }) => each.name === 'identitystore.users')
    const keys: string[] = users.resources.map((each: { key: string }) => each.key).sort()
    expect(drawn.json.rows).to.equal(keys.length)
    expect(drawn.json.populationDigest).to.equal(sha256(keys.map(key => `${key}\n`).join('')))
    const expected = keys
      .map(key => ({ key, rank: sha256(`Q2 2026\n${key}`) }))
      .sort((a, b) => (a.rank < b.rank ? -1 : 1))
      .slice(0, 5)
    expect(drawn.json.items).to.deep.equal(expected)
    const { sheets } = await read(readFileSync(join(place.folder, 'one.xlsx')))
    const [header, ...rows] = sheets[1]!.rows
    expect(header).to.include.members(['testedBy', 'result', 'userName', 'rank'])
    expect(rows.map(row => row[header!.indexOf('key')])).to.deep.equal(expected.map(({ key }) => key))
    expect(rows.every(row => (row[header!.indexOf('testedBy')] ?? '') === '')).to.equal(true)
    await place.run(...args, '--out', 'two.xlsx')
    expect(readFileSync(join(place.folder, 'one.xlsx')).equals(readFileSync(join(place.folder, 'two.xlsx')))).to.equal(true)
    const stratum = await place.run(
      'sample',
      '--population',
      'users',
      '--seed',
      '1',
      '--size',
      '1000',
      '--where',
      'status=DISABLED',
      '--json',
    )
    expect(stratum.json.rows).to.be.within(0, keys.length - 1)
    expect(
      (await place.run('sample', '--population', 'users', '--seed', '1', '--size', '1', '--where', 'colour=red')).code,
    ).to.equal(2)
  })

  it('reports on a period, and names a day without a snapshot', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const before = new Date(Date.parse(today) - 86_400_000).toISOString().slice(0, 10)
    const report = await place.run('report', '--framework', 'soc2', '--from', before, '--out', 'period', '--json')
    expect(report.code, report.stderr).to.equal(3)
    const formats = new Set(report.json.files.map((each: { format: string }) => each.format))
    expect([...formats]).to.deep.equal(['html', 'pdf', 'xlsx', 'csv', 'json'])
    const view = JSON.parse(readFileSync(report.json.files.at(-1).path, 'utf8'))
    expect(view.sources[0].calendar.map((each: { coverage: string }) => each.coverage)).to.deep.equal(['missing', 'complete'])
    expect(view.controls.some((each: { openAtEnd: number }) => each.openAtEnd > 0)).to.equal(true)
    const empty = await place.run('report', '--framework', 'soc2', '--from', '2020-01-01', '--to', '2020-03-31', '--json')
    expect(empty.code).to.equal(1)
    expect(empty.json.error.code).to.equal('NOTHING_COLLECTED')
    expect((await place.run('report', '--to', today)).code).to.equal(2)
    expect((await place.run('report', '--from', '2026-02-01', '--to', '2026-01-01')).code).to.equal(2)
  })

  it('is issued for a period, and made again byte by byte from what stood in the ledger then', async () => {
    const now = new Date().toISOString()
    const before = new Date(Date.parse(now) - 86_400_000).toISOString().slice(0, 10)
    const period = ['bundle', '--framework', 'soc2', '--from', before, '--to', now, '--format', 'html,pdf', '--json']
    const first = await place.run(...period, '--out', 'period.zip')
    expect(first.code, first.stderr).to.equal(3)
    const { manifest, files } = await verifyBundle(join(place.folder, 'period.zip'))
    expect(manifest!.predicate.scope).to.include({ to: now, from: `${before}T00:00:00.000Z` })
    expect(manifest!.predicate.missing.join()).to.contain('1 missing')
    const names = files.map(({ path }) => path).filter(path => path.startsWith(`reports/soc2-${before}`))
    expect(names.map(name => name.slice(name.indexOf(now.slice(0, 10)) + 10))).to.include.members([
      ...['.html', '.pdf', '-calendar.csv', '-evaluations.csv', '-failures.csv', '-joiners.csv', '-changes.csv'],
    ])
    await place.run('evaluate', '--as-of', new Date(Date.parse(now) - 1).toISOString())
    const again = await place.run(...period, '--out', 'again.zip', '--ledger-position', String(first.json.ledgerPosition))
    expect(again.json.manifestDigest).to.equal(first.json.manifestDigest)
    expect(again.json.ledgerPosition).to.equal(first.json.ledgerPosition)
    const later = await place.run(...period, '--out', 'later.zip')
    expect(later.json.manifestDigest).to.not.equal(first.json.manifestDigest)
    expect((await place.run('bundle', '--framework', 'soc2', '--from', '2020-01-01', '--to', '2020-03-31')).code).to.equal(1)
    expect((await place.run('bundle', '--framework', 'soc2', '--ledger-position', 'x')).code).to.equal(2)
  })

  it('is judged again with the same unknowns when AWS refused a part', async () => {
    place.aws.deny('sso:GetInlinePolicyForPermissionSet')
    expect((await place.run('collect')).code).to.equal(3)
    place.aws.allow('sso:GetInlinePolicyForPermissionSet')
    await place.run('evaluate')
    expect((await place.run('bundle', '--framework', 'soc2', '--out', 'refused.zip')).code).to.equal(3)
    const again = await place.run('reperform', 'refused.zip', '--json')
    expect(again.code, again.stdout).to.equal(0)
    const lines = Buffer.concat(
      await Array.fromAsync(readBundleFile(join(place.folder, 'refused.zip'), 'results.jsonl')),
    ).toString('utf8')
    expect(lines).to.contain('"status":"unknown"').and.to.contain('sso:GetInlinePolicyForPermissionSet')
    const pdf = Buffer.concat(await Array.fromAsync(readBundleFile(join(place.folder, 'refused.zip'), 'reports/soc2.pdf')))
    expect(pdf.subarray(0, 5).toString()).to.equal('%PDF-')
  })

  it('is stamped by a configured authority, and says so when it cannot be', async () => {
    await using authority = await testAuthority(place.folder)
    place.configure({ more: { evidence: { timestampUrl: authority.url } } })
    const stamped = await place.run('bundle', '--framework', 'soc2', '--format', 'json', '--out', 'stamped.zip', '--json')
    expect(stamped.code, stamped.stderr).to.equal(3)
    expect(stamped.json.timestamp.authority).to.contain('Test Authority')
    const verified = await place.run('verify', 'stamped.zip', '--authority', authority.caFile, '--json')
    expect(verified.json.timestamp).to.include({ isTrusted: true })
    expect((await place.run('verify', 'stamped.zip')).stdout).to.contain('nobody vouched for this authority')
    place.configure({ more: { evidence: { timestampUrl: 'http://127.0.0.1:9/' } } })
    const failed = await place.run('bundle', '--framework', 'soc2', '--format', 'json', '--out', 'unstamped.zip', '--json')
    expect(failed.code).to.equal(1)
    expect(failed.json.error).to.include({ code: 'UNREACHABLE' })
    const without = await place.run('bundle', '--format', 'json', '--out', 'unstamped.zip', '--no-timestamp', '--json')
    expect([without.code, without.json.timestamp]).to.deep.equal([3, null])
    place.configure()
  })

  it('is signed by a new key after the old one was revoked, which the export names', async () => {
    const before = await place.run('keys', 'list', '--json')
    const [{ fingerprint }] = before.json.keys
    const revoked = await place.run('keys', 'revoke', fingerprint, '--reason', 'leaked', '--json')
    expect(revoked.code, revoked.stderr).to.equal(0)
    const bundle = await place.run('bundle', '--framework', 'soc2', '--format', 'json', '--out', 'new.zip', '--json')
    expect(bundle.json.keyFingerprint).to.equal(revoked.json.replacedBy).and.not.to.equal(fingerprint)
    await place.run('evaluate')
    await place.run('bundle', '--framework', 'soc2', '--format', 'json', '--out', 'later.zip', '--force')
    const history = await Array.fromAsync(readBundleFile(join(place.folder, 'later.zip'), 'keys.json'))
    expect(JSON.parse(Buffer.concat(history).toString('utf8')).events.map((each: { event: string }) => each.event)).to.deep.equal(
      ['rotated', 'revoked'],
    )
    const exported = await place.run('keys', 'export', '--out', 'published', '--json')
    expect(exported.code, exported.stderr).to.equal(0)
    const { keys } = JSON.parse(readFileSync(join(place.folder, 'published', 'keys.json'), 'utf8'))
    expect(keys.map((each: { state: string }) => each.state)).to.deep.equal(['current', 'revoked'])
    expect((await place.run('verify', 'new.zip', '--key', `published/${revoked.json.replacedBy}.pem`)).code).to.equal(0)
    expect((await place.run('verify', 'new.zip', '--key', `published/${fingerprint}.pem`)).code).to.equal(4)
    const list = ['--keys', 'published/keys.json', '--json']
    expect((await place.run('verify', 'new.zip', ...list)).json).to.include({ ok: true, signedBy: 'published key' })
    const old = await place.run('verify', 'evidence.zip', ...list)
    expect(old.code).to.equal(4)
    expect(old.json.problems).to.have.lengthOf(1)
    expect(old.json.problems[0]).to.include({ code: 'KEY_REVOKED', file: 'key.pem' })
    expect(old.json.problems[0].message).to.contain('leaked').and.to.contain('nothing proves that it signed before')
    const rotated = await place.run('keys', 'rotate', '--json')
    expect(rotated.code, rotated.stderr).to.equal(0)
    await place.run('keys', 'export', '--out', 'published')
    expect((await place.run('verify', 'new.zip', ...list)).code, 'a retired key is good').to.equal(0)
    expect((await place.run('verify', 'new.zip', '--keys', 'config.yaml')).code).to.equal(2)
    expect((await place.run('keys', 'revoke', 'f'.repeat(64), '--reason', 'x')).code).to.equal(2)
  })
})
