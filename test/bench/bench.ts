import { cpus, totalmem } from 'node:os'
import { benchCollection } from './collection.ts'
import { benchControls } from './controls.ts'
import { benchAtScale } from './controls-at-scale.ts'
import { benchByHand } from './controls-by-hand.ts'
import { benchEvidence } from './evidence.ts'
import { benchStore } from './store.ts'

/**
 * Prints figures as one JSON document. `npm run bench` runs all but those at L, `npm run -s bench -- collection store-l` those named.
 * What counts are ratios within one run; absolute figures stand beside the machine they were measured on.
 */
const benches: Readonly<Record<string, () => Promise<object>>> = {
  collection: () => benchCollection('S'),
  'collection-m': () => benchCollection('M'),
  controls: benchControls,
  'controls-by-hand': () => benchByHand('M'),
  'controls-at-scale': () => benchAtScale('M'),
  'controls-l': () => benchAtScale('L'),
  'controls-by-hand-l': () => benchByHand('L'),
  evidence: benchEvidence,
  store: () => benchStore('M'),
  'store-l': () => benchStore('L'),
}
const onlyByName = ['store-l', 'controls-l', 'controls-by-hand-l']

const named = process.argv.slice(2)
const unknown = named.filter(name => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(`no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`)
  process.exit(2)
}
const figures: Record<string, object> = {}
for (const [name, bench] of Object.entries(benches)) {
  if (named.length > 0 ? !named.includes(name) : onlyByName.includes(name)) continue
  process.stderr.write(`${name} …\n`)
  figures[name] = await bench()
}
const machine = {
  node: process.version,
  cores: cpus().length,
  model: cpus()[0]?.model ?? 'unknown',
  memoryMb: Math.round(totalmem() / 2 ** 20),
}
process.stdout.write(`${JSON.stringify({ machine, figures }, null, 2)}\n`)
