import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from './collected.ts'

export interface Child {
  readonly process: ChildProcess
  /** what it said so far */
  output(): string
  says(text: string): Promise<void>
  /** exit code, or the signal's name */
  readonly ended: Promise<number | string>
}

/** Starts `child.ts` with a task. */
export function startChild(
  task: string,
  url: string,
  dataDir = '',
  as: { readonly uid?: number; readonly gid?: number } = {},
): Child {
  const script = fileURLToPath(new URL('child.ts', import.meta.url))
  const child = spawn(process.execPath, [script, task, url, dataDir], { stdio: ['pipe', 'pipe', 'pipe'], ...as })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  child.stdin.on('error', () => {})
  const ended = new Promise<number | string>(done => child.on('close', (code, signal) => done(code ?? signal!)))
  let isOver = false
  void ended.then(() => (isOver = true))
  return {
    process: child,
    output: () => output,
    says: async text => {
      await until(() => output.includes(text) || isOver, `the child says ${text}`)
      if (!output.includes(text)) throw new Error(`the child ended without saying ${text}: ${output}`)
    },
    ended,
  }
}
