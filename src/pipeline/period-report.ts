import type { SavedEvaluation } from '../model.ts'
import { type Mask, notInViewOf, type PeriodReportView, periodChanges, periodReportView } from '../reports/index.ts'
import { type EvaluationHead, listEvaluations, listRuns, listSnapshots, readEvaluation, type Store } from '../store/index.ts'
import { softwareVersion } from '../version.ts'
import { frameworkOf } from './framework.ts'
import { type OnRecord, onRecord } from './on-record.ts'
import { type Parts, PipelineError } from './parts.ts'
import { plainReading, type Reading } from './reading.ts'

/**
 * The report of one framework over a period: every evaluation in it, what failed and was mended, who came, moved and left, and which days
 * have a snapshot. The state before the period is read too, since it says what was open when it began.
 * @param request.record what stood in the ledger; left out: all of it
 * @throws {PipelineError} UNKNOWN_FRAMEWORK; NOTHING_COLLECTED when no snapshot was sealed in the period
 */
export async function periodReport(
  parts: Pick<Parts, 'store' | 'catalog'>,
  request: {
    readonly framework: string
    readonly from: Date
    readonly to: Date
    readonly record?: OnRecord
    readonly reading?: Reading
  },
): Promise<PeriodReportView> {
  const { from, to } = request
  const { store } = parts
  const framework = frameworkOf(parts.catalog, request.framework)
  const reading = request.reading ?? plainReading(store)
  const record = request.record ?? (await onRecord(store))
  const all = (await listSnapshots(store, { limit: noLimit })).filter(
    ({ sealedAt, digest }) => sealedAt <= to && record.snapshots.has(digest),
  )
  const snapshots = all.filter(({ sealedAt }) => sealedAt >= from)
  if (snapshots.length === 0) {
    throw new PipelineError('NOTHING_COLLECTED', `no snapshot was sealed from ${from.toISOString()} to ${to.toISOString()}`, {
      hint: 'see `evidenced snapshots list`, and name a period that holds some',
    })
  }
  const sources = [...new Set(all.map(({ source }) => source))]
  const compared = await Promise.all(
    sources.map(source => {
      const own = all.filter(each => each.source === source).reverse()
      const before = own.filter(({ sealedAt }) => sealedAt < from).slice(-1)
      const chain = [...before, ...own.filter(({ sealedAt }) => sealedAt >= from)]
      return periodChanges(chain, reading.resources)
    }),
  )
  const runs = await listRuns(store, { limit: noLimit })
  return periodReportView({
    framework,
    from,
    to,
    sources,
    snapshots: reading.mask === null ? snapshots : snapshots.map(reading.mask.snapshot),
    failedRuns: runs.filter(
      ({ id, outcome, startedAt }) =>
        // one that died without a word is in no ledger, and shown all the same
        (record.failedRuns.has(id) || outcome === 'interrupted') && startedAt >= from && startedAt <= to,
    ),
    evaluations: evaluationsOf(store, from, to, record, reading.mask),
    changes: compared.flatMap(({ changes }) => changes),
    notCompared: compared.flatMap(({ notCompared }) => notCompared),
    softwareVersion,
    notInView: notInViewOf(snapshots),
  })
}

const noLimit = 1_000_000

/** Evaluations by the instant they judged, the last one made of each instant; the first is the last before the period. */
async function* evaluationsOf(
  store: Store,
  from: Date,
  to: Date,
  record: OnRecord,
  mask: Mask | null,
): AsyncGenerator<SavedEvaluation> {
  const byInstant = new Map<number, EvaluationHead>()
  for (const head of await listEvaluations(store, { limit: noLimit })) {
    const at = head.asOf.getTime()
    if (!record.evaluations.has(head.digest)) continue
    if (at <= to.getTime() && (byInstant.get(at)?.id ?? 0) < head.id) byInstant.set(at, head)
  }
  const sorted = [...byInstant.values()].sort((a, b) => a.asOf.getTime() - b.asOf.getTime())
  const first = sorted.findIndex(({ asOf }) => asOf >= from)
  for (const { id } of first === -1 ? [] : sorted.slice(Math.max(0, first - 1))) {
    const evaluation = await readEvaluation(store, id)
    if (evaluation !== null) yield mask === null ? evaluation : mask.evaluation(evaluation)
  }
}
