import type { CallRecord } from '../model.ts'
import type { Tally } from './client.ts'
import { checksDataset } from './dataset.ts'
import type { Trouble } from './trouble.ts'

/** One call that ended, before it is written down. */
export interface LedgerEntry
  extends Pick<CallRecord, 'service' | 'operation' | 'place' | 'dataset' | 'parameters' | 'page' | 'items'> {
  readonly answer: { readonly httpStatusCode?: number | undefined; readonly requestId?: string | undefined } | null
  readonly trouble: Trouble | null
  readonly tally: Tally
}

const unwritten = new Set(['NextToken', 'ExternalId'])

/** Every call of one session, answered or not, until somebody takes the records to keep them. */
export class CallLedger {
  readonly #now: () => Date
  #calls: CallRecord[] = []
  #written = 0
  #ofDatasets = 0
  #throttles = 0

  constructor(now: () => Date) {
    this.#now = now
  }

  /** calls since the beginning, taken or not */
  get written(): number {
    return this.#written
  }

  /** those among them that a plan counts: made for a dataset of AWS */
  get ofDatasets(): number {
    return this.#ofDatasets
  }

  /** answers that said that it is too fast, whatever came of their calls */
  get throttles(): number {
    return this.#throttles
  }

  /** Writes one call, without page tokens and secrets. */
  record({ tally, answer, trouble, parameters, ...call }: LedgerEntry): void {
    this.#written++
    if (call.dataset !== undefined && call.dataset !== checksDataset) this.#ofDatasets++
    this.#throttles += tally.throttles
    this.#calls.push({
      ...call,
      at: tally.at ?? this.#now(),
      parameters: Object.fromEntries(Object.entries(parameters).filter(([name]) => !unwritten.has(name))),
      status: trouble === null ? (answer?.httpStatusCode ?? null) : trouble.status,
      errorCode: trouble?.code ?? null,
      requestId: trouble === null ? (answer?.requestId ?? null) : trouble.requestId,
      attempts: tally.attempts,
      throttles: tally.throttles,
      ms: Math.round(tally.ms),
    })
  }

  /** Calls that were made since the last time. */
  take(): readonly CallRecord[] {
    const calls = this.#calls
    this.#calls = []
    return calls
  }
}
