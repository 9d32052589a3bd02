import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { benchCollection } from './collection.ts'
import { benchCollectionCost } from './collection-cost.ts'
import { benchRival } from './collection-rival.ts'
import { benchControls } from './controls.ts'
import { benchAtScale } from './controls-at-scale.ts'
import { benchByHand } from './controls-by-hand.ts'
import { benchStored } from './controls-stored.ts'
import { benchEvidence } from './evidence.ts'
import { benchExpressions } from './expressions.ts'
import { benchFirst, benchHeads, benchPeaks, benchStore, benchStoreYear } from './store.ts'

/**
 * Prints figures as one JSON document. `npm run bench` runs all but those that take long, `npm run -s bench -- collection store-l` those named.
 * `--keep FILE` writes each bench's figures there as soon as it is done; what stands there is not run again, so that a long night goes on
 * where it was cut off.
 * `ofWhatIsAllowed` sets figures against the goals for L: 1 or less meets them.
 * What counts are ratios within one run; absolute figures stand beside the machine they were measured on.
 */
const benches: Readonly<Record<string, () => Promise<object>>> = {
  collection: () => benchCollection('S'),
  'collection-m': () => benchCollection('M'),
  'collection-l': () => benchCollection('L'),
  'collection-far': () => benchCollection('M', { databaseMs: 30 }),
  'collection-rival': benchRival,
  'collection-cost': benchCollectionCost,
  controls: benchControls,
  'controls-by-hand': () => benchByHand('M'),
  'controls-at-scale': () => benchAtScale('M'),
  'controls-l': () => benchAtScale('L'),
  'controls-by-hand-l': () => benchByHand('L'),
  'controls-stored-l': () => benchStored('L'),
  expressions: () => benchExpressions(),
  evidence: benchEvidence,
  'store-first': () => benchFirst('M'),
  store: () => benchStore('M'),
  'store-peaks': () => benchPeaks('M'),
  'store-heads': () => benchHeads('M'),
  'store-first-l': () => benchFirst('L'),
  'store-l': () => benchStore('L'),
  'store-peaks-l': () => benchPeaks('L'),
  'store-heads-l': () => benchHeads('L'),
  'store-year': () => benchStoreYear(),
}
const onlyByName = [
  ...[
    'store-year',
    'store-first-l',
    'store-l',
    'store-peaks-l',
    'store-heads-l',
    'controls-l',
    'controls-by-hand-l',
    'controls-stored-l',
    'expressions',
  ],
  ...['collection-l', 'collection-far', 'collection-rival', 'collection-cost'],
]

const words = process.argv.slice(2)
const keepAt = words.indexOf('--keep')
const keep = keepAt < 0 ? null : (words.splice(keepAt, 2)[1] ?? null)
const named = words
const unknown = named.filter(name => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(`no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`)
  process.exit(2)
}
const figures: Record<string, object> = keep !== null && existsSync(keep) ? JSON.parse(readFileSync(keep, 'utf8')) : {}
for (const [name, bench] of Object.entries(benches)) {
  if (named.length > 0 ? !named.includes(name) : onlyByName.includes(name)) continue
  if (name in figures) continue
  process.stderr.write(`${name} …\n`)
  figures[name] = await bench()
  if (keep !== null) writeFileSync(keep, JSON.stringify(figures))
}
const machine = {
  node: process.version,
  cores: cpus().length,
  model: cpus()[0]?.model ?? 'unknown',
  memoryMb: Math.round(totalmem() / 2 ** 20),
}
process.stdout.write(`${JSON.stringify({ machine, figures }, null, 2)}\n`)
