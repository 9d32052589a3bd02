import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

/**
 * What `npm test` runs: the tests of whole programs (`test/cli`, `test/pipeline`) beside those of the rooms, in two processes, since the first
 * mostly wait for programs that they started. Words after `npm test --` go to both, e.g. `--grep inventory`.
 * The first process prints as it goes, the second when the first is through. Exit code 1 when a test of either fails.
 */
const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js')
const whole = ['test/cli/**/*.test.ts', 'test/pipeline/**/*.test.ts']

interface Suite {
  readonly ended: Promise<number>
  /** prints what was kept back, and what comes from now on */
  show(): void
}

function run(words: readonly string[]): Suite {
  const child = spawn(process.execPath, [mocha, '--color', ...words, ...process.argv.slice(2)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let isShown = false
  const kept: [NodeJS.WriteStream, Buffer][] = []
  const take = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
    if (isShown) to.write(chunk)
    else kept.push([to, chunk])
  }
  child.stdout.on('data', take(process.stdout))
  child.stderr.on('data', take(process.stderr))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return {
    ended: new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', code => resolve(code ?? 1))
    }),
    show: () => {
      isShown = true
      for (const [to, chunk] of kept.splice(0)) to.write(chunk)
    },
  }
}

const programs = run(whole)
const rooms = run(['test/**/*.test.ts', ...whole.flatMap(spec => ['--ignore', spec])])
rooms.show()
const first = await rooms.ended
programs.show()
const second = await programs.ended
process.exitCode = first === 0 && second === 0 ? 0 : 1
