/** Errors are for callers who must stop; expected trouble is data. Each room extends this with a closed list of codes. */
export class AppError<Code extends string = string> extends Error {
  readonly code: Code
  /** the way out, as a sentence in the imperative */
  readonly hint: string | null

  constructor(code: Code, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.hint = options.hint ?? null
  }
}

/** One line for a person: what was found, and the way out. */
export function explain(error: unknown): string {
  if (error instanceof AppError) {
    const stop = /[.?!]$/.test(error.message) ? '' : '.'
    return error.hint === null ? error.message : `${error.message}${stop} ${capitalised(error.hint)}`
  }
  return error instanceof Error ? error.message : String(error)
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
