import { AppError } from '../errors.ts'

/** Exit codes, for scripts. Over several sources `failed` beats `incomplete` beats `done`. */
export const exit = { done: 0, failed: 1, usage: 2, incomplete: 3, wrong: 4 } as const

export type ExitCode = (typeof exit)[keyof typeof exit]

/** The words of the command line make no sense together. */
export class UsageError extends AppError<'USAGE'> {
  constructor(message: string, hint?: string) {
    super('USAGE', message, hint === undefined ? {} : { hint })
  }
}
