import { sha256 } from '../digest.ts'
import { type Connection, transaction } from './database.ts'
import { lockForDisposal } from './disposal.ts'
import { standingHolds } from './hold.ts'
import { appendTo } from './ledger.ts'
import { sourcesByLabel } from './source-labels.ts'
import type { Store } from './store.ts'

/** What retention removes of the ledger of calls, or would remove. */
export interface CallDisposal {
  readonly cutoff: Date
  readonly collections: number
  readonly calls: number
  readonly sizeBytes: number
  /** null for a preview, and when there was nothing to remove */
  readonly ledgerPosition: number | null
}

/** What `disposeCalls` would do now; nothing is removed. */
export async function previewCallDisposal(store: Store, keptDays: number): Promise<CallDisposal> {
  const cutoff = cutoffOf(store, keptDays)
  return transaction(store.db, async on => summaryOf(cutoff, await chosen(on, cutoff), null))
}

/**
 * Removes the calls of collections that ended more than so many days ago; the entry of the ledger comes first. Those of the newest snapshot of
 * a source stay, and those of a source that a hold keeps. Their root stays in the snapshot.
 */
export async function disposeCalls(store: Store, keptDays: number): Promise<CallDisposal> {
  const cutoff = cutoffOf(store, keptDays)
  return transaction(store.db, async on => {
    await lockForDisposal(on)
    const rows = await chosen(on, cutoff)
    const summary = summaryOf(cutoff, rows, null)
    if (rows.length === 0) return summary
    // no row names the entry: the chunks are gone as a whole
    const noRows = { rows: 0, resources: 0, results: 0, importRows: 0, digest: sha256('') }
    const entry = await appendTo(on, store.now(), 'disposal', {
      ...{ reason: 'retention', keptDays, because: 'retention.callLedgerDays', cutoff: cutoff.toISOString() },
      ...{ ...noRows, calls: summary.calls, callsOf: rows.map(row => row.id) },
    })
    await on.query('select dispose_calls($1)', [entry.position])
    return { ...summary, ledgerPosition: entry.position }
  })
}

function cutoffOf(store: Store, keptDays: number): Date {
  return new Date(store.now().getTime() - keptDays * 86_400_000)
}

interface Chosen {
  readonly id: number
  readonly source_id: number
  readonly calls: number
  readonly bytes: number
}

async function chosen(on: Pick<Connection, 'query'>, cutoff: Date): Promise<Chosen[]> {
  const rows = await on.query<Chosen>(
    `select c.id, c.source_id, sum(k.lines)::int as calls, sum(pg_column_size(k.body))::float8 as bytes
     from collection c join call_chunk k on k.collection_id = c.id
     left join snapshot s on s.collection_id = c.id
     where c.state <> 'open' and coalesce(s.sealed_at, c.started_at) < $1
       and (s.version is null or s.version < (select max(version) from snapshot n where n.source_id = c.source_id))
     group by c.id, c.source_id order by c.id`,
    [cutoff],
  )
  const holds = await standingHolds(on)
  const named = await sourcesByLabel(on)
  const isHeld = (id: number) => holds.some(({ scope }) => scope.kind === 'all' || named(scope.source).has(id))
  return rows.filter(row => !isHeld(row.source_id))
}

function summaryOf(cutoff: Date, rows: readonly Chosen[], ledgerPosition: number | null): CallDisposal {
  const sum = (value: (row: Chosen) => number) => rows.reduce((total, row) => total + value(row), 0)
  return { cutoff, collections: rows.length, calls: sum(row => row.calls), sizeBytes: sum(row => row.bytes), ledgerPosition }
}
