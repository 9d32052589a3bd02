import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import pg from 'pg'
import { checkEdges } from './check-edges.ts'
import { checkEntities } from './check-entities.ts'
import type { Database } from './database.ts'
import { storeError } from './error.ts'
import { type LeafColumns, LeafRows, type LeavesByUnit } from './leaf-rows.ts'
import type { StoreProblem } from './problem.ts'
import { type UnitState, unitStates } from './unit-digests.ts'
import { type IdRange, Reading, type Unit } from './version-reading.ts'

/** A piece of the verification that does not need the others. */
export type CheckTask =
  | { readonly kind: 'edges'; readonly range: IdRange }
  | { readonly kind: 'entities'; readonly range: IdRange }
  /** digests of datasets, from the first to before the last */
  | { readonly kind: 'digests'; readonly leaves: LeavesByUnit; readonly units: IdRange }

export interface CheckResult {
  readonly problems: readonly StoreProblem[]
  readonly rows: LeafColumns
  readonly states: readonly (readonly [unit: number, states: readonly UnitState[]])[]
}

/** What each member of a crew starts from: the database as of one instant, which another transaction holds open. */
export interface CrewSettings {
  readonly config: pg.ClientConfig
  readonly databaseSnapshot: string
  readonly units: readonly Unit[]
}

/** One member, with a connection of its own. */
export interface CheckMember extends AsyncDisposable {
  work(task: CheckTask): Promise<CheckResult>
}

export async function openMember({ config, databaseSnapshot, units }: CrewSettings): Promise<CheckMember> {
  const client = new pg.Client(config)
  client.on('error', () => {})
  await client.connect()
  await client.query('begin isolation level repeatable read read only')
  await client.query(`set transaction snapshot '${databaseSnapshot}'`)
  const reading = new Reading(client, units)
  return {
    async work(task) {
      reading.rows = new LeafRows()
      reading.problems = []
      const states: [number, UnitState[]][] = []
      if (task.kind === 'edges') await checkEdges(reading, task.range)
      else if (task.kind === 'entities') await checkEntities(reading, task.range)
      else for (let unit = task.units.from; unit < task.units.to; unit++) states.push([unit, unitStates(task.leaves, unit)])
      return { problems: reading.problems, rows: reading.rows.columns(), states }
    },
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => {})
    },
  }
}

/** A member in a thread of its own. */
function openThread(settings: CrewSettings): CheckMember {
  // the built program has no .ts
  const name = import.meta.url.endsWith('.ts') ? './check-thread.ts' : './check-thread.js'
  const thread = new Worker(new URL(name, import.meta.url), { workerData: settings })
  let settle: { resolve(result: CheckResult): void; reject(error: unknown): void } | null = null
  let failure: unknown = null
  const fail = (error: unknown) => {
    failure ??= error
    settle?.reject(failure)
  }
  thread.on('message', (result: CheckResult) => settle?.resolve(result))
  thread.on('error', fail)
  thread.on('exit', code => fail(new Error(`a thread of the verification ended with ${code}`)))
  return {
    work: task =>
      new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure)
        settle = { resolve, reject }
        thread.postMessage(task)
      }),
    async [Symbol.asyncDispose]() {
      await thread.terminate()
    },
  }
}

/** Members that share tasks; each takes the next one when it is done with its last. */
export interface CheckCrew extends AsyncDisposable {
  run(tasks: readonly CheckTask[], onDone: (done: number) => void): Promise<CheckResult[]>
}

/** @param threads 1: no thread but the caller's own */
export async function openCrew(db: Database, settings: CrewSettings, threads: number): Promise<CheckCrew> {
  const members = threads === 1 ? [await openMember(settings)] : Array.from({ length: threads }, () => openThread(settings))
  return {
    async run(tasks, onDone) {
      const left = [...tasks]
      const results: CheckResult[] = []
      const takeNext = async (member: CheckMember): Promise<void> => {
        for (let task = left.shift(); task !== undefined; task = left.shift()) {
          results.push(await member.work(task))
          onDone(results.length)
        }
      }
      try {
        await Promise.all(members.map(takeNext))
      } catch (error) {
        throw storeError(error, db.where)
      }
      return results
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map(member => member[Symbol.asyncDispose]()))
    },
  }
}

/** As many as there are processors, up to four: with more the server is what all wait for. */
export function usualThreads(): number {
  return Math.min(4, availableParallelism())
}
