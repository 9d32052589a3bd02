import { spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { verifyBundle } from '../../src/evidence/index.ts'
import { type SampleBundle, sampleBundle } from './sample-bundle.ts'
import { entriesOf } from './zip-by-hand.ts'

/** The commands of README.txt, run with the system's tools on an unpacked bundle. */
describe('an auditor without this tool', () => {
  for (const isEcdsa of [false, true])
    it(`finds the commands to run in README.txt, and they all succeed (${isEcdsa ? 'ECDSA P-256' : 'Ed25519'})`, async function () {
      need(this, 'openssl', 'sha256sum')
      await using bundle = await sampleBundle({ isEcdsa })
      const folder = await unpack(bundle)
      const commands = commandsIn(await readFile(join(folder, 'README.txt'), 'utf8'))
      expect(commands).to.have.length(6)
      for (const command of commands) expect(shell(folder, command).status, command).to.equal(0)
      const outputs = commands.map(command => shell(folder, command).stdout)
      expect(outputs.join('\n'))
        .to.include('Signature Verified Successfully')
        .and.include('\nsame\n')
        .and.include('reports/soc2.html: OK')
      const [sums, listed] = [outputs[3]!.split(' ')[0]!, outputs[3]!.split('\n').slice(1).join('\n')]
      expect(listed).to.include(sums)
      expect(outputs[4]!.split(' ')[0]).to.equal(bundle.signer.fingerprint)
      const seal = ['SHA256SUMS', 'key.pem', 'manifest.dsse.json', 'manifest.json', 'manifest.pae', 'manifest.sig']
      expect(outputs[5]!.trim().split('\n').sort()).to.deep.equal(seal)
      const beside = ['.*', 'README.txt ', 'READMEStxt', 'reports/final.html']
      for (const path of beside) await writeFile(join(folder, path), 'all is well')
      expect(shell(folder, commands[5]!).stdout.trimEnd().split('\n').sort()).to.deep.equal([...seal, ...beside].sort())
    })

  it('sees a changed file with sha256sum, and a changed manifest with openssl', async function () {
    need(this, 'openssl', 'sha256sum')
    await using bundle = await sampleBundle()
    const folder = await unpack(bundle)
    const [sha256sum, openssl, compare] = commandsIn(await readFile(join(folder, 'README.txt'), 'utf8'))
    await change(join(folder, 'zero.csv'))
    const sums = shell(folder, sha256sum!)
    expect(sums.status).to.not.equal(0)
    expect(sums.stdout).to.include('zero.csv: FAILED').and.include('empty: OK')
    await change(join(folder, 'manifest.json'))
    expect(shell(folder, compare!).status).to.not.equal(0)
    await change(join(folder, 'manifest.pae'))
    expect(shell(folder, openssl!).status).to.not.equal(0)
  })

  it('unpacks it with unzip, which finds nothing to complain of', async function () {
    need(this, 'unzip')
    await using bundle = await sampleBundle()
    const tested = shell(bundle.folder, 'unzip -t bundle.zip')
    expect(tested.status, tested.stdout + tested.stderr).to.equal(0)
    expect(shell(bundle.folder, 'unzip -q bundle.zip -d out').status).to.equal(0)
    for (const { path, data } of entriesOf(bundle.bytes))
      expect((await readFile(join(bundle.folder, 'out', path))).equals(data), path).to.equal(true)
  })
})

describe('a full disk', () => {
  it('is a clear error, and leaves neither half a bundle nor its parts', async function () {
    await using bundle = await sampleBundle()
    const disk = join(bundle.folder, 'disk')
    await mkdir(disk)
    if (shell(bundle.folder, 'mount -t tmpfs -o size=64k tmpfs disk').status !== 0) return this.skip() // mounting needs root
    try {
      // in a process of its own, so that nothing of this one holds the mount
      const program = `
        import { readdir } from 'node:fs/promises'
        import { openSigner, sealBundle } from '${new URL('../../src/evidence/index.ts', import.meta.url).href}'
        import { artifact, subject } from '${new URL('./sample-bundle.ts', import.meta.url).href}'
        const signer = await openSigner({ dataDir: '.' })
        const seal = bytes => sealBundle({ artifacts: [artifact('big.bin', Buffer.alloc(bytes, 1))], subject, signer, path: 'disk/bundle.zip' })
        for (const bytes of [200_000, 36_000]) {
          const error = await seal(bytes).then(() => ({ code: 'none' }), thrown => thrown)
          console.log(error.code, JSON.stringify(await readdir('disk')))
        }
        await seal(1000)
        console.log(JSON.stringify(await readdir('disk')))`
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: bundle.folder, encoding: 'utf8' })
      expect(run.stdout.trim().split('\n'), run.stderr).to.deep.equal(['DISK_FULL []', 'DISK_FULL []', '["bundle.zip"]'])
      expect((await verifyBundle(join(disk, 'bundle.zip'))).ok).to.equal(true)
    } finally {
      shell(bundle.folder, 'umount disk')
    }
  })
})

function commandsIn(readme: string): string[] {
  return readme
    .split('\n')
    .filter(line => /^ {5}\S/.test(line) && !line.includes('npx'))
    .map(line => line.trim())
}

async function unpack(bundle: SampleBundle): Promise<string> {
  const folder = join(bundle.folder, 'unpacked')
  for (const { path, data } of entriesOf(bundle.bytes)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), data)
  }
  return folder
}

async function change(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path, bytes)
}

function shell(cwd: string, command: string) {
  return spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' })
}

/** Skips visibly where a tool is absent; in CI its absence is a failure. */
function need(test: Mocha.Context, ...tools: readonly string[]): void {
  for (const tool of tools) if (shell('.', `command -v ${tool}`).status !== 0) skip(test, `${tool} is not installed`)
}

function skip(test: Mocha.Context, why: string): void {
  if (process.env.CI === 'true') expect.fail(why)
  test.skip()
}
