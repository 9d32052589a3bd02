#!/usr/bin/env node
import { smallHeap } from '../small-heap.ts'

// before the program is loaded, since a nursery that has grown stays: these two may read a large organization
if (['collect', 'run'].includes(process.argv[2] ?? '')) smallHeap()
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
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0) // the reader (head, less) has seen enough
  throw error
})
process.exitCode = await main(process.argv.slice(2), process.env, process, interrupted.signal)
// everything is closed; a call that backs off for seconds still holds a timer, and nobody waits for its answer
if (interrupted.signal.aborted) process.exit()
