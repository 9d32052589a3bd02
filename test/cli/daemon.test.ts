import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { logged, until, workplace } from './program.ts'

describe('the daemon, as a process', function () {
  this.timeout(120_000)

  it('catches up, evaluates, serves page and health, logs JSON, and drains at SIGTERM with exit code 0', async () => {
    await using place = await workplace()
    place.configure({ more: { server: { port: 0 } } })
    const daemon = place.start('run')
    const { address } = await logged(daemon, 'listening')
    await logged(daemon, 'evaluated')
    // biome-ignore lint/suspicious/noExplicitAny: read by its documented shape
    const health = (await (await fetch(`${address}/healthz`)).json()) as any
    expect(health.ok).to.equal(true)
    expect(health.sources[0]).to.include({ label: 'acme', complete: true })
    expect(health.nextRunAt).to.be.a('string')
    expect([health.attention, (await fetch(`${address}/healthz/evidence`)).status]).to.deep.equal([[], 200])
    const page = await (await fetch(address)).text()
    expect(page).to.contain('acme').and.to.contain('IDC-USER-001')
    // whoever takes its log goes away
    daemon.child.stderr!.destroy()
    for (const path of ['/nothing', '/reports/soc2/html']) await fetch(`${address}${path}`)
    await fetch(`${address}/%`, { headers: { host: 'localhost' } })
    const report = await fetch(`${address}/reports/soc2/html`)
    expect(report.status).to.equal(200)
    daemon.child.kill('SIGTERM')
    const ended = await daemon.ended
    expect(ended.code, ended.stderr).to.equal(0)
    for (const line of ended.stderr.trim().split('\n')) expect(() => JSON.parse(line), line).not.to.throw()
  })

  it('stops at once at SIGTERM while a call hangs or backs off, in planning and in reading', async () => {
    const throttled = { kind: 'error', code: 'ThrottlingException' } as const
    for (const [operation, fault, calls] of [
      ['sso:ListInstances', throttled, 4],
      ['sso:ListPermissionSets', { kind: 'hang' }, 1],
    ] as const) {
      await using place = await workplace()
      place.configure({ more: { server: { port: 0 } } })
      place.aws.fault(operation, fault, 1000)
      const daemon = place.start('run')
      await until(() => (place.aws.counts.get(operation) ?? 0) >= calls)
      const toldAt = performance.now()
      daemon.child.kill('SIGTERM')
      const ended = await daemon.ended
      expect(ended.code, ended.stderr).to.equal(0)
      expect(ended.stderr).to.contain('collection stopped early').and.not.to.contain('collection failed')
      expect(performance.now() - toldAt).to.be.lessThan(10_000)
    }
  })

  it('is one on an embedded database: the second says who it is and ends, commands go on, and a killed one leaves no trace', async () => {
    await using place = await workplace()
    place.configure({ more: { server: { port: 0 } } })
    const first = place.start('run')
    await until(() => first.stderr().includes('"listening"'))
    const second = await place.run('run')
    expect(second.code, second.stderr).to.equal(1)
    expect(second.stderr).to.match(
      new RegExp(`process ${first.child.pid} on ${hostname()}, since \\d{4}-\\d\\d-\\d\\dT[^ ]*Z, is the daemon`),
    )
    expect(second.stderr).to.not.contain('"listening"')
    const list = await place.run('snapshots', 'list', '--json')
    expect(list.code, list.stderr).to.equal(0)
    first.child.kill('SIGKILL')
    await first.ended
    const third = place.start('run')
    await until(() => third.stderr().includes('"listening"'))
    third.child.kill('SIGTERM')
    expect((await third.ended).code).to.equal(0)
  })

  it('judges at start what was collected before it was killed, and says on its page what is broken and was not judged', async () => {
    await using place = await workplace()
    mkdirSync(join(place.folder, 'own'))
    writeFileSync(join(place.folder, 'own', 'mfa.yaml'), 'id: OWN-001\ntitle: [')
    place.configure({
      more: { server: { port: 0 }, controls: { folders: ['./own'], parameters: { 'SOD-001': { conflictPairs: ['Admin'] } } } },
    })
    expect((await place.run('collect')).code).to.equal(0)
    const daemon = place.start('run')
    await until(() => daemon.stderr().includes('"evaluated"'))
    const address = /"address":"([^"]+)"/.exec(daemon.stderr())![1]!
    expect(await (await fetch(address)).text())
      .to.match(/Needs attention.*not judged, since it is broken: [^<]*mfa\.yaml/s)
      .and.match(/not judged, since it broke: SOD-001 of acme: a conflicting pair is written A\|B/)
    const health = await fetch(`${address}/healthz/evidence`)
    expect([health.status, (await fetch(`${address}/healthz`)).status]).to.deep.equal([503, 200])
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended).code).to.equal(0)
    expect((await place.run('snapshots', 'list', '--json')).json.snapshots).to.have.lengthOf(1)
  })

  it('stops a collection under way at SIGTERM, and the next run goes on from there', async () => {
    await using place = await workplace({ latencyMs: 30 })
    place.configure({ more: { server: { port: 0 } } })
    const daemon = place.start('run')
    await until(() => (place.aws.counts.get('sso:ListAccountAssignments') ?? 0) >= 3)
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended).code).to.equal(0)
    const list = await place.run('snapshots', 'list', '--json')
    expect(list.json.snapshots).to.deep.equal([])
    const again = place.start('run')
    await until(() => again.stderr().includes('"evaluated"'))
    again.child.kill('SIGTERM')
    expect((await again.ended).code).to.equal(0)
    expect((await place.run('snapshots', 'list', '--json')).json.snapshots[0]).to.include({ version: 1, complete: true })
    // what was read before the signal was kept, and not asked for again
    expect(place.aws.counts.get('sso:DescribePermissionSet')).to.be.lessThan(2 * place.aws.organization.permissionSets.length)
  })
})
