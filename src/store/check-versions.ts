import { setDigest } from '../digest.ts'
import type { Snapshot } from '../model.ts'
import { type CheckCrew, type CheckTask, openCrew, usualThreads } from './check-crew.ts'
import { connectAlone } from './database.ts'
import { datasetKey } from './dataset-summary.ts'
import { storeError } from './error.ts'
import { groupByUnit, type LeavesByUnit } from './leaf-rows.ts'
import type { StoreProblem } from './problem.ts'
import type { Store } from './store.ts'
import type { UnitState } from './unit-digests.ts'
import type { IdRange, Unit } from './version-reading.ts'

export interface VersionCheck {
  /** rows that are not what their digest says, and parts that are not known by what they hold */
  readonly problems: readonly StoreProblem[]
  /** Holds the datasets of a snapshot against the rows. @param before the snapshot before it; what differed there in the same way is not told again */
  datasetsOf(sourceId: number, snapshot: Snapshot, before: Snapshot | null): StoreProblem[]
  /** the newest version of each source, and the newest evaluation, at the instant that was read; what came since is for another verification */
  readonly last: ReadonlyMap<number, number>
  readonly lastEvaluation: number
  /** how many rows begin and end with a version; null where rows went out of or into sight with it */
  changesOf(sourceId: number, version: number): { readonly begun: number; readonly ended: number } | null
}

/** Rows from which on threads are worth their start. */
const manyRows = 50_000

/**
 * Computes every version row of every snapshot again: its digest, the digest by which an equal reading of its part is known, and what it adds to
 * the digests of the datasets that show it. Each row is read once, whatever the number of snapshots; all as of one instant.
 * @param threads null: as many as are worth it
 */
export async function checkVersions(
  store: Store,
  threads: number | null,
  onProgress: (done: number, total: number) => void,
): Promise<VersionCheck> {
  const client = await connectAlone(store.db)
  try {
    await client.query('begin isolation level repeatable read read only')
    const [exported] = (await client.query<{ id: string }>('select pg_export_snapshot() as id')).rows
    const units = (await client.query<UnitRow>(allUnits)).rows.map(unitOf)
    const [size] = (await client.query<SizeRow>(sizes)).rows
    const crewSize = threads ?? (size!.rows < manyRows ? 1 : usualThreads())
    const settings = { config: store.db.config, databaseSnapshot: exported!.id, units }
    await using crew = await openCrew(store.db, settings, crewSize)
    const tasks = [
      ...rangesOf('edges', size!.firstPart, size!.lastPart, size!.rows),
      ...rangesOf('entities', size!.firstEntity, size!.lastEntity, size!.rows),
    ]
    const problems: StoreProblem[] = []
    const leaves = await readRows(crew, tasks, units.length, problems, onProgress)
    const changes = countChanges(units, leaves)
    const states: (readonly UnitState[])[] = units.map(() => [])
    for (const result of await crew.run(unitTasks(leaves, units.length), () => {}))
      for (const [unit, its] of result.states) states[unit] = its
    for (const { part_id: id, digest } of (await client.query<{ part_id: number; digest: string }>(notedOfNoPart)).rows)
      problems.push({ kind: 'part', name: `part ${id}`, message: `equal readings are known by ${digest}, its rows give nothing` })
    const hidden = new Set((await client.query<{ at: string }>(unseenVersions)).rows.map(row => row.at))
    const last = new Map((await client.query<LastRow>(lastVersions)).rows.map(row => [row.source_id, row.version]))
    const [evaluation] = (await client.query<{ id: number }>('select coalesce(max(id), 0) as id from evaluation')).rows
    problems.push(...beyond(units, states, last))
    return {
      problems,
      last,
      lastEvaluation: evaluation!.id,
      datasetsOf: (sourceId, snapshot, before) => datasetProblems(units, states, sourceId, snapshot, before),
      changesOf(sourceId, version) {
        if (hidden.has(`${sourceId} ${version}`)) return null
        const { begun, ended } = changes.get(sourceId) ?? {}
        return { begun: begun?.get(version) ?? 0, ended: ended?.get(version) ?? 0 }
      },
    }
  } catch (error) {
    throw storeError(error, store.db.where)
  } finally {
    await client.end().catch(() => {})
  }
}

/** What was gathered piece by piece is let go here, so that it does not stand twice. */
async function readRows(
  crew: CheckCrew,
  tasks: readonly CheckTask[],
  units: number,
  problems: StoreProblem[],
  onProgress: (done: number, total: number) => void,
): Promise<LeavesByUnit> {
  const read = await crew.run(tasks, done => onProgress(done, tasks.length))
  problems.push(...read.flatMap(each => each.problems))
  return groupByUnit(
    read.map(each => each.rows),
    units,
  )
}

interface UnitRow {
  readonly source_id: number
  readonly dataset_id: number
  readonly place_id: number
  readonly dataset: string
  readonly account_id: string
  readonly region: string
}

const allUnits = `select u.*, d.name as dataset, l.account_id, l.region from (select distinct source_id, dataset_id, place_id from part) u
  join dataset d on d.id = u.dataset_id join place l on l.id = u.place_id`

function unitOf(row: UnitRow): Unit {
  const place = { accountId: row.account_id, region: row.region }
  return { sourceId: row.source_id, datasetId: row.dataset_id, placeId: row.place_id, dataset: row.dataset, place }
}

interface SizeRow {
  readonly rows: number
  readonly firstPart: number
  readonly lastPart: number
  readonly firstEntity: number
  readonly lastEntity: number
}

/** Rows are as many as their tables' size makes likely; the ranges take in numbers that no part and no entity has any more. */
const sizes = `select (pg_relation_size('entity_version') + pg_relation_size('membership_version') + pg_relation_size('assignment_version'))::float8 / 200 as rows,
  ${['part', 'entity']
    .map(name => {
      const tables = name === 'part' ? ['membership_version', 'assignment_version', 'part_content'] : ['entity_version']
      const end = (pick: 'min' | 'max') =>
        `(select ${pick}(n) from (${[`select ${pick}(id) as n from ${name}`, ...tables.map(table => `select ${pick}(${name}_id) from ${table}`)].join(' union all ')}) x)`
      const title = name === 'part' ? 'Part' : 'Entity'
      return `coalesce(${end('min')}, 0) as "first${title}", coalesce(${end('max')}, 0) as "last${title}"`
    })
    .join(', ')}`

interface LastRow {
  readonly source_id: number
  readonly version: number
}

const lastVersions = 'select source_id, max(version) as version from snapshot group by source_id'

/** Rows that begin or end with a version that no snapshot has. */
function beyond(
  units: readonly Unit[],
  states: readonly (readonly UnitState[])[],
  last: ReadonlyMap<number, number>,
): StoreProblem[] {
  return units.flatMap(({ sourceId, dataset, place }, i) => {
    const version = states[i]!.at(-1)?.version ?? 0
    if (version <= (last.get(sourceId) ?? 0)) return []
    const message = `some of its rows begin or end with version ${version}, and the newest snapshot is ${last.get(sourceId) ?? 'none'}`
    return [{ kind: 'dataset', name: datasetKey(dataset, place), message }]
  })
}

/** Versions with which rows went out of sight, or into it. */
const unseenVersions = ['entity', 'membership', 'assignment']
  .flatMap(kind =>
    ['from_version', 'to_version'].map(column => `select distinct source_id || ' ' || ${column} as at from ${kind}_unseen`),
  )
  .join(' union ')

/** Of each source, how many rows begin and end with each version. */
function countChanges(units: readonly Unit[], { starts, from, to }: LeavesByUnit) {
  const found = new Map<number, { readonly begun: Map<number, number>; readonly ended: Map<number, number> }>()
  for (const [i, { sourceId }] of units.entries()) {
    const its = found.get(sourceId) ?? { begun: new Map(), ended: new Map() }
    found.set(sourceId, its)
    count(from.subarray(starts[i], starts[i + 1]), its.begun)
    count(to.subarray(starts[i], starts[i + 1]), its.ended)
  }
  return found
}

function count(versions: Int32Array, counts: Map<number, number>): void {
  for (let begin = 0, end = 1; begin < versions.length; begin = end++) {
    const version = versions[begin]!
    while (versions[end] === version) end++
    counts.set(version, (counts.get(version) ?? 0) + end - begin)
  }
}

const notedOfNoPart = `select c.part_id, encode(c.digest, 'hex') as digest from part_content c where not exists (select from part p where p.id = c.part_id) order by 1`

/** Ranges of about 30,000 rows, so that no member waits long for the last of another. */
function rangesOf(kind: 'edges' | 'entities', first: number, last: number, rows: number): CheckTask[] {
  const count = Math.max(1, Math.ceil(rows / 30_000))
  const step = Math.max(1, Math.ceil((last + 1 - first) / count))
  const tasks: CheckTask[] = []
  for (let from = first; from <= last; from += step) tasks.push({ kind, range: { from, to: from + step } })
  return tasks
}

/** The largest dataset first; small ones together. */
function unitTasks(leaves: LeavesByUnit, units: number): CheckTask[] {
  const tasks: { readonly units: IdRange; readonly rows: number }[] = []
  const enough = leaves.from.length / 16
  for (let from = 0, to = 1; from < units; from = to++) {
    const rowsTo = () => leaves.starts[to]! - leaves.starts[from]!
    while (to < units && rowsTo() < enough) to++
    tasks.push({ units: { from, to }, rows: rowsTo() })
  }
  return tasks.sort((a, b) => b.rows - a.rows).map(({ units: range }) => ({ kind: 'digests', leaves, units: range }))
}

type State = Omit<UnitState, 'version'>

const nothing: State = { count: 0, digest: setDigest([]) }

function stateAt(states: readonly UnitState[], version: number): State {
  return states.findLast(state => state.version <= version) ?? nothing
}

function datasetProblems(
  units: readonly Unit[],
  states: readonly (readonly UnitState[])[],
  sourceId: number,
  snapshot: Snapshot,
  before: Snapshot | null,
): StoreProblem[] {
  const said = saidBy(snapshot)
  const saidBefore = before === null ? null : saidBy(before)
  const problems: StoreProblem[] = []
  const tell = (key: string, message: string) =>
    problems.push({ kind: 'dataset', name: `${key} in ${snapshot.source} version ${snapshot.version}`, message })
  for (const [i, unit] of units.entries()) {
    if (unit.sourceId !== sourceId) continue
    const key = datasetKey(unit.dataset, unit.place)
    const [its, found] = [said.get(key), stateAt(states[i]!, snapshot.version)]
    said.delete(key)
    if (isEqual(its ?? nothing, found)) continue
    if (
      saidBefore !== null &&
      isEqual(saidBefore.get(key) ?? nothing, its ?? nothing) &&
      isEqual(stateAt(states[i]!, snapshot.version - 1), found)
    )
      continue
    if (its === undefined) tell(key, `the database shows ${found.count} rows of a dataset that the snapshot does not name`)
    else if (its.count !== found.count) tell(key, `the snapshot counts ${its.count} rows, the database shows ${found.count}`)
    else tell(key, `its digest is ${its.digest}, its rows give ${found.digest}`)
  }
  for (const [key, its] of said)
    if (!isEqual(its, nothing)) tell(key, `the snapshot counts ${its.count} rows, the database shows 0`)
  return problems
}

function saidBy(snapshot: Snapshot): Map<string, State> {
  return new Map(snapshot.datasets.map(({ name, place, count, digest }) => [datasetKey(name, place), { count, digest }]))
}

function isEqual(a: State, b: State): boolean {
  return a.count === b.count && a.digest === b.digest
}
