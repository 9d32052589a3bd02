import { compareBytes } from '../digest.ts'
import type { CallRecord } from '../model.ts'

/** Calls of one operation in one place, added up from the call ledger: the tie-out sheet. */
export interface OperationCalls {
  readonly source: string
  readonly service: string
  readonly operation: string
  readonly accountId: string
  readonly region: string
  readonly calls: number
  readonly items: number
  /** requests on the wire: one call may take several */
  readonly attempts: number
  readonly throttles: number
  /** calls that ended in an error, by error code */
  readonly errors: { readonly [code: string]: number }
  readonly firstAt: string
  readonly lastAt: string
}

/** Adds up a call ledger by operation and place, sorted by service, operation and place. Streams: memory grows with operations, not with calls. */
export async function countCalls(
  source: string,
  records: AsyncIterable<CallRecord> | Iterable<CallRecord>,
): Promise<OperationCalls[]> {
  const sums = new Map<string, OperationCalls>()
  for await (const record of records) {
    const { accountId, region } = record.place
    const key = `${record.service} ${record.operation} ${accountId} ${region}`
    const at = record.at.toISOString()
    const sum = sums.get(key)
    sums.set(key, {
      source,
      service: record.service,
      operation: record.operation,
      accountId,
      region,
      calls: (sum?.calls ?? 0) + 1,
      items: (sum?.items ?? 0) + record.items,
      attempts: (sum?.attempts ?? 0) + record.attempts,
      throttles: (sum?.throttles ?? 0) + record.throttles,
      errors: record.errorCode === null ? (sum?.errors ?? {}) : addError(sum?.errors ?? {}, record.errorCode),
      firstAt: sum === undefined || at < sum.firstAt ? at : sum.firstAt,
      lastAt: sum === undefined || at > sum.lastAt ? at : sum.lastAt,
    })
  }
  return [...sums].sort(([a], [b]) => compareBytes(a, b)).map(([, sum]) => sum)
}

function addError(errors: OperationCalls['errors'], code: string): OperationCalls['errors'] {
  return { ...errors, [code]: (errors[code] ?? 0) + 1 }
}
