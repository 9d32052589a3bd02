import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildEstate, evaluate, loadCatalog } from '../../src/controls/index.ts'
import { silent } from '../../src/log.ts'
import type { CollectionPlan, PartPiece, Row, StoredResource } from '../../src/model.ts'
import { withEverything } from '../../src/pipeline/evaluation.ts'
import { runEvaluation } from '../../src/pipeline/index.ts'
import { smallHeap } from '../../src/small-heap.ts'
import { openRun, openStore, readEstate, type Store, saveImport, saveParts, sealRun } from '../../src/store/index.ts'
import { peakMiB } from '../peak-memory.ts'
import {
  asOf,
  datasetNames,
  identity,
  importsOf,
  isEdge,
  lately,
  place,
  rows,
  type Size,
  scaleParameters,
} from './controls-at-scale.ts'
import { source } from './store-days.ts'

const day = 86_400_000
const plan: CollectionPlan = {
  ...{ source: source.label, identity, callers: [], calls: null, seconds: null },
  steps: datasetNames.map(dataset => ({ dataset, operation: 'List', action: 'sso:List', place, calls: null })),
}
const end = {
  ...{ coverage: 'complete' as const, reason: null, gaps: [], pages: 1, duplicates: 0 },
  ...{ firstObservedAt: lately, lastObservedAt: lately },
} as const

/** Changes are judged over less time than has passed since everything was granted: as results they would be all that is measured. */
function catalogOf() {
  const { compiled } = loadCatalog()
  const changes = compiled.filter(({ info }) => 'lookBackDays' in info.parameters)
  const parameters = Object.fromEntries(changes.map(({ info }) => [info.id, { lookBackDays: 30 }]))
  return loadCatalog({ parameters: { ...scaleParameters, ...parameters } })
}

/** The rows as parts; rows of one part of what links follow each other. */
function* piecesOf(name: Size, withEdges: boolean): Generator<PartPiece> {
  const piece = (dataset: string, parent: string, content: readonly Row[]): PartPiece => ({
    ...{ part: { dataset, place, parent }, isFirst: true, rows: content, end },
  })
  const parts = new Map<string, { first: StoredResource; content: Row[] }>()
  let edge: { first: StoredResource; content: Row[] } | null = null
  const seen = new Set<string>()
  for (const row of rows(name, new Set())) {
    if (isEdge(row.dataset) && !withEdges) continue
    seen.add(row.dataset)
    const kept: Row = { key: row.key, facts: row.facts }
    if (isEdge(row.dataset)) {
      if (edge !== null && edge.first.dataset === row.dataset && edge.first.parent === row.parent) edge.content.push(kept)
      else {
        if (edge !== null) yield piece(edge.first.dataset, edge.first.parent, edge.content)
        edge = { first: row, content: [kept] }
      }
      continue
    }
    const part = parts.get(`${row.dataset} ${row.parent}`)
    if (part === undefined) parts.set(`${row.dataset} ${row.parent}`, { first: row, content: [kept] })
    else part.content.push(kept)
  }
  if (edge !== null) yield piece(edge.first.dataset, edge.first.parent, edge.content)
  for (const { first, content } of parts.values()) yield piece(first.dataset, first.parent, content)
  for (const dataset of datasetNames) if (!seen.has(dataset)) yield piece(dataset, '', [])
}

async function save(store: Store, name: Size, withEdges: boolean): Promise<void> {
  await using run = await openRun(store, source, plan)
  let pieces: PartPiece[] = []
  let count = 0
  for (const piece of piecesOf(name, withEdges)) {
    pieces.push(piece)
    count += piece.rows.length + 1
    if (count < 2000) continue
    await saveParts(run, { pieces, calls: [] })
    pieces = []
    count = 0
  }
  await saveParts(run, { pieces, calls: [] })
  await sealRun(run)
}

const secondsOf = async (work: () => Promise<unknown>) => {
  const began = performance.now()
  await work()
  return Math.round((performance.now() - began) / 10) / 100
}
/** of the whole catalog on L, in seconds and MiB; a ratio of 1 meets it */
const goals = { seconds: 30, peakMb: 1024 }
const ratio = (figure: number, goal: number) => Math.round((figure / goal) * 100) / 100

/** Rows of everything that an evaluation writes what it found into. */
async function rowsWritten(store: Store): Promise<Readonly<Record<string, number>>> {
  const tables = ['result_version', 'outcome_version', 'control_definition', 'evaluation']
  const counts = tables.map(
    async table => [table, Number((await store.db.pool.query(`select count(*) as n from ${table}`)).rows[0].n)] as const,
  )
  return Object.fromEntries(await Promise.all(counts))
}

const steps: Readonly<Record<string, (name: Size, folder: string) => Promise<object>>> = {
  /** Everything there is, and since a year later who belongs to what and is assigned what; the roster and the reviews. */
  async save(name, folder) {
    let at = new Date('2025-01-01T00:00:00Z')
    await using store = await openStore({ url: null, dataDir: folder, log: silent, now: () => at, softwareVersion: 'bench' })
    const seconds = await secondsOf(async () => {
      await save(store, name, false)
      at = lately
      await save(store, name, true)
      for (const file of importsOf(name)) await saveImport(store, { ...file, digest: '00'.repeat(32) })
    })
    await store.db.pool.query('vacuum analyze')
    return { seconds }
  },
  /** From the first row that the store sends to the last result, nothing kept. */
  async judge(_, folder) {
    await using store = await openStore({ url: null, dataDir: folder, log: silent, now: () => asOf, softwareVersion: 'bench' })
    const catalog = catalogOf()
    let results = 0
    const began = performance.now()
    const read = await withEverything({ store, catalog }, await readEstate(store, asOf))
    const estate = await buildEstate(read, catalog.managedPolicies)
    const linkSeconds = Math.round((performance.now() - began) / 10) / 100
    const judgeSeconds = await secondsOf(async () => {
      results = evaluate(catalog, estate, asOf).outcomes.reduce((sum, each) => sum + each.results.length, 0)
    })
    const totalSeconds = Math.round((linkSeconds + judgeSeconds) * 100) / 100
    return {
      ...{ linkSeconds, judgeSeconds, totalSeconds, secondsToGoal: ratio(totalSeconds, goals.seconds) },
      ...{ results, peakMb: peakMiB(), peakToGoal: ratio(peakMiB(), goals.peakMb) },
    }
  },
  /**
   * Judges the same estate three times, a day apart, each time as `evidenced evaluate` does it: the rows that each writes, the peak by then,
   * and what is still in use after it.
   */
  async evaluate(_, folder) {
    smallHeap()
    let at = asOf
    await using store = await openStore({ url: null, dataDir: folder, log: silent, now: () => at, softwareVersion: 'bench' })
    const parts = { store, catalog: catalogOf(), log: silent }
    const runs: object[] = []
    let before = await rowsWritten(store)
    for (let days = 0; days < 3; days++) {
      at = new Date(asOf.getTime() + days * day)
      const seconds = await secondsOf(() => runEvaluation(parts, at))
      const after = await rowsWritten(store)
      const rows = Object.fromEntries(Object.entries(after).map(([table, count]) => [table, count - before[table]!]))
      before = after
      gc?.()
      const heapAfterMb = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
      runs.push({ seconds, rows, peakMb: peakMiB(), peakToGoal: ratio(peakMiB(), goals.peakMb), heapAfterMb })
    }
    return { runs }
  },
}

/**
 * The whole catalog on an organization that lies in the store: what judging it takes with reading it, and what judging it again writes,
 * which is no result. Each step in a process of its own, so that its memory is its own.
 */
export async function benchStored(name: Size): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'evidenced-bench-'))
  chmodSync(folder, 0o755)
  try {
    const run = (step: string): object =>
      JSON.parse(execFileSync(process.execPath, ['--expose-gc', import.meta.filename, step, name, folder], { encoding: 'utf8' }))
    return { size: name, saved: run('save'), judged: run('judge'), evaluated: run('evaluate') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , step = '', name = 'M', folder = ''] = process.argv
  process.stdout.write(`${JSON.stringify(await steps[step]!(name as Size, folder))}\n`)
}
