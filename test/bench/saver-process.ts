/**
 * Saves the organization of one day, in a process of its own that starts as `evidenced collect` does, so that memory is that of a save.
 * Takes its task as JSON in the first argument and prints one JSON line of figures.
 */
export interface SaverTask {
  readonly size: 'S' | 'M' | 'L'
  readonly day: number
  /** of the embedded database */
  readonly dataDir: string
  /** the clock of the store stands there */
  readonly at: string
}

export interface SaverFigures {
  readonly peakMemoryMb: number
  /** the most until every part was saved; what is more comes from the seal */
  readonly peakBeforeSealMb: number
}

const task: SaverTask = JSON.parse(process.argv[2]!)
const { smallHeap } = await import('../../src/small-heap.ts')
smallHeap()
const { silent } = await import('../../src/log.ts')
const { openStore, sealRun } = await import('../../src/store/index.ts')
const { peakMiB } = await import('../peak-memory.ts')
const { openRunOfBench, saveDay } = await import('./store-days.ts')

await using store = await openStore({
  url: null,
  dataDir: task.dataDir,
  log: silent,
  now: () => new Date(task.at),
  softwareVersion: 'bench',
})
await using run = await openRunOfBench(store)
await saveDay(run, task.size, task.day)
const peakBeforeSealMb = peakMiB()
await sealRun(run)
const figures: SaverFigures = { peakMemoryMb: peakMiB(), peakBeforeSealMb }
process.stdout.write(`${JSON.stringify(figures)}\n`)
