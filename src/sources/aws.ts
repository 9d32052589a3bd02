import type { Log } from '../log.ts'
import type { CollectionPlan } from '../model.ts'
import type { Budget } from './budget.ts'
import { SharedHttpHandler } from './http-handler.ts'
import type { Session } from './session.ts'
import type { Way } from './way.ts'

/** What reading AWS takes from outside. */
export interface AwsOptions {
  /** shared by everybody who reads the same organization */
  readonly budget: Budget
  readonly log: Log
  readonly now: () => Date
  /** proxies, endpoints and keys are read from here; profiles and instance roles by the SDK from its own surroundings */
  readonly environment: NodeJS.ProcessEnv
  /** named in the user agent of every call */
  readonly softwareVersion: string
  /** one attempt, from connecting to the last byte; default 30,000 */
  readonly requestTimeoutMs?: number
  /** how long one throttled or failing call is tried; default 900,000 */
  readonly retryDeadlineMs?: number
}

/** The way to AWS: made by `openAws`, handed to everything else in this room. */
export interface Aws extends Way, AsyncDisposable {
  /** connections that a plan has opened and `collect` goes on with */
  readonly sessions: WeakMap<CollectionPlan, Session>
}

/** Opens the way to AWS. Cheap: no network until a source is planned or diagnosed. Disposing closes every connection. */
export function openAws(options: AwsOptions): Aws {
  const { budget, log, now, environment, softwareVersion, requestTimeoutMs = 30_000, retryDeadlineMs = 900_000 } = options
  const handler = new SharedHttpHandler(environment, requestTimeoutMs)
  const open = new Set<{ close(): void }>()
  return {
    ...{ budget, log, now, environment, softwareVersion, retryDeadlineMs, handler, open },
    sessions: new WeakMap(),
    async [Symbol.asyncDispose]() {
      for (const each of open) each.close()
      await handler.close()
    },
  }
}
