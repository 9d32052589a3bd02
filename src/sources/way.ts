import type { Log } from '../log.ts'
import type { Budget } from './budget.ts'
import type { SharedHttpHandler } from './http-handler.ts'

/** What every connection to AWS is made with. */
export interface Way {
  readonly budget: Budget
  readonly log: Log
  readonly now: () => Date
  readonly environment: NodeJS.ProcessEnv
  readonly softwareVersion: string
  readonly retryDeadlineMs: number
  readonly handler: SharedHttpHandler
  /** what is to be closed with it */
  readonly open: Set<{ close(): void }>
}
