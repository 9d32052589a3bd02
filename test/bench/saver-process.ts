import { generateKeyPairSync, sign } from 'node:crypto'

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
  /** folder for the head of what is saved; null: none is made */
  readonly headsFolder: string | null
}

export interface SaverFigures {
  readonly peakMemoryMb: number
  /** the most until every part was saved; what is more comes from the seal */
  readonly peakBeforeSealMb: number
  readonly sealMs: number
  readonly heads: HeadFigures | null
}

export interface HeadFigures {
  /** both readings of memory are the most so far */
  readonly peakBeforeMb: number
  readonly peakMb: number
  readonly ms: number
  readonly publicKeyPem: string
}

const task: SaverTask = JSON.parse(process.argv[2]!)
const { smallHeap } = await import('../../src/small-heap.ts')
smallHeap()
const { silent } = await import('../../src/log.ts')
const { openStore, publishHeads, sealRun } = await import('../../src/store/index.ts')
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
const began = performance.now()
await sealRun(run)
const sealMs = performance.now() - began
const peakMemoryMb = peakMiB()
const heads = task.headsFolder === null ? null : await leaveHead(task.headsFolder)
const figures: SaverFigures = { peakMemoryMb, peakBeforeSealMb, sealMs, heads }
process.stdout.write(`${JSON.stringify(figures)}\n`)

async function leaveHead(folder: string): Promise<HeadFigures> {
  // what reaches the outside is loaded now: a save does without
  const { openHeadFiles } = await import('../../src/sources/index.ts')
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const signer = { fingerprint: 'bench', sign: async (bytes: Uint8Array) => sign(null, bytes, privateKey) }
  const [peakBeforeMb, began] = [peakMiB(), performance.now()]
  await publishHeads(store, 'bench', [openHeadFiles(folder)], signer)
  const ms = performance.now() - began
  return { peakBeforeMb, peakMb: peakMiB(), ms, publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}
