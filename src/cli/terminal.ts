import type { Json, Progress } from '../model.ts'
import { progressText } from '../progress.ts'
import { defaultConfig, withConfig } from './named-commands.ts'

/** The outside of one invocation: handed in, so that a test can run a command without a process. */
export interface Streams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
}

/** Where a command writes. With `--json`, standard output is exactly one JSON document and everything else goes to standard error. */
export interface Terminal {
  readonly json: boolean
  /** the result, for people: standard output, or nothing with --json */
  line(text: string): void
  /** the result, for programs: printed with --json only, once */
  document(value: Json): void
  /** what happens meanwhile: standard error */
  note(text: string): void
  /** one line that is rewritten on a terminal, and written at most every two seconds elsewhere */
  progress(progress: Progress): void
}

/** @param config the file that commands in what is printed for people are about */
export function openTerminal(streams: Streams, json: boolean, config = defaultConfig): Terminal {
  let shown = false
  let lastPhase = ''
  let lastAt = 0
  const clear = () => {
    if (shown && streams.stderr.isTTY === true) streams.stderr.write('\r\u001b[2K')
    shown = false
  }
  return {
    json,
    line(text) {
      clear()
      if (!json) streams.stdout.write(`${withConfig(text, config)}\n`)
    },
    document(value) {
      if (json) streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    },
    note(text) {
      clear()
      streams.stderr.write(`${withConfig(text, config)}\n`)
    },
    progress(progress) {
      const text = progressText(progress)
      if (streams.stderr.isTTY === true) {
        streams.stderr.write(`\r\u001b[2K${text.slice(0, (streams.stderr.columns ?? 80) - 1)}`)
        shown = true
        return
      }
      const now = performance.now()
      if (progress.phase === lastPhase && now - lastAt < 2000) return
      lastPhase = progress.phase
      lastAt = now
      streams.stderr.write(`${text}\n`)
    },
  }
}

const longestCell = 200

/**
 * Text that came from elsewhere, on one line: a name with a line break or an escape sequence must not be able to write lines of its own.
 * What is longer than 200 characters is cut; `--json` has it whole.
 */
function onOneLine(text: string): string {
  const plain = text.replaceAll(
    /\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/gu,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return plain.length > longestCell ? `${plain.slice(0, longestCell - 1)}…` : plain
}

/** Columns aligned by their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map(row => row.map(cell => onOneLine(String(cell))))]
  const widths = head.map((_, i) => Math.max(...cells.map(row => (row[i] ?? '').length)))
  const right = head.map((_, i) => rows.length > 0 && rows.every(row => typeof row[i] === 'number'))
  return cells
    .map(row =>
      row
        .map((cell, i) => (right[i] === true ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
