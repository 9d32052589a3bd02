import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { start, until } from './program.ts'

describe('the demo', function () {
  this.timeout(180_000)
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-demo-test-'))
  })

  afterEach(() => {
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
    }
  })

  it('serves the first page until it is told to stop, then leaves nothing behind', async () => {
    const demo = start(['demo', '--port', '0'], { cwd: folder })
    const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(demo.stdout())?.[0]
    await until(() => address() !== undefined)
    const page = await (await fetch(address()!)).text()
    expect(page).to.contain('IDC-PS-001')
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
