/**
 * Collects once, in a process of its own that starts as `evidenced collect` does, so that memory and CPU are the collector's alone.
 * Takes its task as JSON in the first argument and prints one JSON line of figures.
 */
export interface CollectorTask {
  readonly source: object
  readonly environment: Record<string, string>
  /** null: an embedded database in `dataDir`; left out: what is read is thrown away */
  readonly databaseUrl?: string | null
  readonly dataDir: string
  readonly checks: 'none' | 'sampled'
  /** collections in a row, for the cost of a call; more than one only without a database */
  readonly rounds?: number
}

export interface CollectorFigures {
  readonly seconds: number
  /** until the last answer was saved; the rest is sealing */
  readonly readSeconds: number
  readonly cpuSeconds: number
  readonly calls: number
  readonly attempts: number
  readonly throttles: number
  readonly checkCalls: number
  /** calls by service, for Organizations by operation: `organizations.ListTagsForResource` */
  readonly callsByBudget: { readonly [budget: string]: number }
  /** the same of cross-checks alone */
  readonly checkCallsByBudget: { readonly [budget: string]: number }
  /** calls that were throttled to their end */
  readonly lost: number
  readonly rows: number
  /** parts that did not end well */
  readonly open: number
  readonly peakMemoryMb: number
  /** resident memory when 40 % of the calls were made, when all were, and when the snapshot was sealed; null where it was not sampled */
  readonly memoryAt40Mb: number | null
  readonly memoryWhenReadMb: number | null
  readonly memoryAtEndMb: number | null
  /** answered calls of sso by the second in which they were asked first, since the epoch */
  readonly answeredBySecond: readonly (readonly [second: number, calls: number])[]
}

const task: CollectorTask = JSON.parse(process.argv[2]!)
const { smallHeap } = await import('../../src/small-heap.ts')
smallHeap()
const { silent } = await import('../../src/log.ts')
const { runCollection } = await import('../../src/pipeline/index.ts')
const { collect, localBudget, openAws, planCollection } = await import('../../src/sources/index.ts')
const { openStore, readCalls, sharedBudget } = await import('../../src/store/index.ts')
const { peakMiB } = await import('../peak-memory.ts')
type Source = import('../../src/model.ts').Source
type CallRecord = import('../../src/model.ts').CallRecord

const now = () => new Date()
const source = task.source as Source
const way = { log: silent, now, environment: task.environment, softwareVersion: 'bench' }
const samples: { done: number; mb: number }[] = []
let done = 0
const sampling = setInterval(() => samples.push({ done, mb: process.memoryUsage.rss() / 2 ** 20 }), 100)
const figures = task.databaseUrl === undefined ? await readOnly() : await intoStore(task.databaseUrl)
clearInterval(sampling)
process.stdout.write(`${JSON.stringify(figures)}\n`)
process.exit(0)

async function intoStore(url: string | null): Promise<CollectorFigures> {
  await using store = await openStore({ url, dataDir: task.dataDir, log: silent, now, softwareVersion: 'bench' })
  await using aws = openAws({ ...way, budget: sharedBudget(store) })
  const count = counter()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  let readSeconds = 0
  const onProgress = (progress: { readonly done: number }) => {
    done = progress.done
    readSeconds = (performance.now() - startedAt) / 1000
  }
  const snapshot = await runCollection({ aws, store, now, log: silent }, source, { onProgress, checks: task.checks })
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  const memory = memoryOf()
  for await (const call of readCalls(store, snapshot)) count.note(call)
  const rows = snapshot.datasets.reduce((sum, dataset) => sum + dataset.count, 0)
  const open = snapshot.datasets.filter(each => /^(denied|incomplete)/.test(each.coverage)).length
  return { seconds, readSeconds, cpuSeconds: (used.user + used.system) / 1e6, ...count.total(), rows, open, ...memory }
}

async function readOnly(): Promise<CollectorFigures> {
  await using aws = openAws({ ...way, budget: localBudget() })
  const count = counter()
  let rows = 0
  let open = 0
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  for (let round = 0; round < (task.rounds ?? 1); round++) {
    const plan = await planCollection(aws, source, {})
    for await (const { pieces, calls } of collect(aws, source, plan, new Set(), () => {}, task.checks)) {
      for (const call of calls) count.note(call)
      for (const piece of pieces) {
        done++
        rows += piece.rows.length
        if (/^(denied|incomplete)/.test(piece.end?.coverage ?? '')) open++
      }
    }
  }
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - startedAt) / 1000
  return {
    seconds,
    readSeconds: seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    ...count.total(),
    rows,
    open,
    ...memoryOf(),
  }
}

/** Adds calls up as they come: a list of all of them would be what is measured. */
function counter() {
  const all: Record<string, number> = {}
  const checks: Record<string, number> = {}
  const seconds = new Map<number, number>()
  const sum = { calls: 0, attempts: 0, throttles: 0, checkCalls: 0, lost: 0 }
  return {
    note(call: CallRecord) {
      const budget = call.service === 'organizations' ? `organizations.${call.operation}` : call.service
      all[budget] = (all[budget] ?? 0) + 1
      sum.calls++
      sum.attempts += call.attempts
      sum.throttles += call.throttles
      if (/^(Throttling|TooManyRequests)/.test(call.errorCode ?? '')) sum.lost++
      const second = Math.floor(call.at.getTime() / 1000)
      if (call.service === 'sso' && call.errorCode === null) seconds.set(second, (seconds.get(second) ?? 0) + 1)
      if (call.dataset !== 'evidenced.cross_checks') return
      sum.checkCalls++
      checks[budget] = (checks[budget] ?? 0) + 1
    },
    total: () => ({
      ...sum,
      callsByBudget: all,
      checkCallsByBudget: checks,
      answeredBySecond: [...seconds].sort(([a], [b]) => a - b),
    }),
  }
}

function memoryOf() {
  const peakMemoryMb = peakMiB()
  const at = (share: number) => samples.find(sample => sample.done >= done * share)?.mb
  const rounded = (mb: number | undefined) => (mb === undefined || done === 0 ? null : Math.round(mb))
  return {
    peakMemoryMb,
    ...{ memoryAt40Mb: rounded(at(0.4)), memoryWhenReadMb: rounded(at(1)), memoryAtEndMb: rounded(samples.at(-1)?.mb) },
  }
}
