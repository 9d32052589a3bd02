#!/usr/bin/env node
import { main } from './main.ts'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130) // a second one means now
    interrupted.abort(signal)
  })
}
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0) // the reader (head, less) has seen enough
  throw error
})
process.exitCode = await main(process.argv.slice(2), process.env, process, interrupted.signal)
