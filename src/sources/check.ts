/** One row of a diagnosis. */
export interface Check {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'failed' | 'skipped'
  /** what was found */
  readonly cause: string
  /** what to do, with the statement or policy to paste; null when there is nothing to do */
  readonly remedy: string | null
  /** it was not tried, or is short of something, and every control can be judged all the same */
  readonly losesNothing?: true
}

/**
 * Why a question was not asked.
 * @param refused the action without which nobody knows what to ask about; left out: there is nothing
 */
export function nothingToAsk(refused?: string): string {
  return refused === undefined ? 'there is nothing to ask it about' : `what to ask it about is not known: ${refused} failed`
}
