import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readBundleFile } from '../../src/evidence/index.ts'
import { start, until } from './program.ts'

describe('the demo', function () {
  this.timeout(180_000)
  let folder: string
  let running: ChildProcess | null = null

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-demo-test-'))
  })

  afterEach(() => {
    running?.kill('SIGKILL') // one that a failing test left
    rmSync(folder, { recursive: true, force: true })
  })

  it('writes evidence that verifies into a folder and ends', async () => {
    const demo = await start(['demo', '--once', '--out', 'out'], { cwd: folder }).ended
    expect(demo.code, demo.stderr).to.equal(0)
    const files = readdirSync(join(folder, 'out'))
    const bundles = files.filter(name => name.endsWith('.zip'))
    expect(bundles).to.have.length.of.at.least(2)
    expect(files.some(name => name.endsWith('.html'))).to.equal(true)
    for (const bundle of bundles) {
      const verified = await start(['verify', join('out', bundle), '--json', '--key', 'out/key.pem'], { cwd: folder }).ended
      expect(verified.code, verified.stdout).to.equal(0)
      const text = async (path: string) =>
        Buffer.concat(await Array.fromAsync(readBundleFile(join(folder, 'out', bundle), path))).toString()
      expect(await text('exceptions.csv')).to.match(/^EX-1,database,approved,/m)
      const findings = await text('findings.csv')
      expect(findings, 'mended').to.match(/^F-\d+,resolved,/m)
      expect(findings, 'excepted').to.match(/^F-\d+,open,fail,.*,EX-1,1,/m)
      expect(findings, 'opened again').to.match(/^F-\d+,open,fail,[a-z]+,IDC-ASG-001,.*,reopened,/m)
    }
  })

  it('serves the first page until it is told to stop, then leaves nothing behind', async () => {
    const demo = start(['demo', '--port', '0'], { cwd: folder })
    running = demo.child
    const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(demo.stdout())?.[0]
    await until(() => address() !== undefined)
    const page = await (await fetch(address()!)).text()
    expect(page).to.contain('IDC-PS-001')
    const findings = await (await fetch(`${address()}/findings`)).text()
    expect(findings).to.contain('excepted by EX-1').and.to.contain('identity-team')
    const row = findings.split('<tr>').find(each => each.includes('identity-team'))!
    const assigned = /href="(\/findings\/\d+)"/.exec(row)?.[1]
    expect(await (await fetch(`${address()}${assigned}`)).text()).to.contain('asked the owner of the account')
    expect(await (await fetch(`${address()}/exceptions`)).text()).to.contain('approved by grace@acme.example')
    expect(await (await fetch(`${address()}/controls/IDC-PS-001`)).text()).to.contain('Excepted by EX-1')
    expect((await fetch(`${address()}/findings/999999`)).status).to.equal(404)
    const bundle = /href="(\/bundles\/[^"]+)"/.exec(page)?.[1]
    const download = await fetch(`${address()}${bundle}`)
    expect(download.status).to.equal(200)
    expect(
      Buffer.from(await download.arrayBuffer())
        .subarray(0, 2)
        .toString(),
    ).to.equal('PK')
    demo.child.kill('SIGINT')
    demo.child.kill('SIGINT') // as Ctrl-C under npm does: once from the terminal, once passed on
    const ended = await demo.ended
    expect(ended.code, ended.stderr).to.equal(0)
    expect(readdirSync(folder)).to.deep.equal([])
  })
})
