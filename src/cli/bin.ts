#!/usr/bin/env node
import { smallHeap } from '../small-heap.ts'

// before the program is loaded, since a nursery that has grown stays: these may read a large organization
if (['collect', 'evaluate', 'run'].includes(process.argv[2] ?? '')) smallHeap()
const { main } = await import('./main.ts')

const interrupted = new AbortController()
let interruptedAt = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Ctrl-C under `npm run` arrives twice at once: from the terminal and passed on by npm. A later one means now.
    if (interrupted.signal.aborted && Date.now() - interruptedAt > 1000) process.exit(130)
    if (interrupted.signal.aborted) return
    interruptedAt = Date.now()
    interrupted.abort(signal)
  })
}
// a log that nobody can take must not end the work that it tells of
process.stderr.on('error', () => {})
let isOutputLost = false
process.stdout.on('error', error => {
  // the reader (head, less) has seen enough: the work goes on all the same, and the exit code says how it ended
  if ((error as NodeJS.ErrnoException).code === 'EPIPE' || isOutputLost) return
  isOutputLost = true
  process.stderr.write(`evidenced: standard output cannot be written: ${error.message}. Free space, or send it elsewhere\n`)
})
const code = await main(process.argv.slice(2), process.env, process, interrupted.signal)
process.exitCode = isOutputLost && code === 0 ? 1 : code
// everything is closed; a call that backs off for seconds still holds a timer, and nobody waits for its answer
if (interrupted.signal.aborted) process.exit()
