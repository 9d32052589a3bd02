import { rm } from 'node:fs/promises'
import pg from 'pg'
import { migrate, openStore, type Store, type StoreOptions } from '../../src/store/index.ts'
import { optionsFor, passableFolder } from './store-options.ts'

/** A store on a database of its own, and how to open it a second time. */
export type FreshStore = Store & { readonly url: string }

interface TestServer {
  readonly host: string
  readonly dataDir: string
  readonly keeper: Store
  readonly admin: pg.Client
}

const template = 'migrated_template'
let starting: Promise<TestServer> | null = null
let made = 0
let finished: string[] = []
let kept: string[] = []

/**
 * A store on a fresh, migrated database of the embedded server that this test process shares. Takes tens of milliseconds.
 * A database is dropped when its store is disposed of and its test passed; a failing test keeps it and prints its name.
 */
export async function freshStore(
  options: Partial<Pick<StoreOptions, 'now' | 'log' | 'softwareVersion'>> = {},
): Promise<FreshStore> {
  const url = await freshDatabase()
  const store = await openStore({ ...optionsFor(url), ...options })
  return { ...store, url }
}

/** URL of a fresh database: migrated, or empty. */
export async function freshDatabase(kind: 'migrated' | 'empty' = 'migrated'): Promise<string> {
  starting ??= startServer()
  const { admin, host } = await starting
  const name = `test_${process.pid}_${++made}`
  await admin.query(`create database ${name} template ${kind === 'migrated' ? template : 'template0'}`)
  finished.push(name)
  return urlOf(host, name)
}

function urlOf(host: string, database: string): string {
  return `postgres://postgres@localhost/${database}?host=${encodeURIComponent(host)}`
}

async function startServer(): Promise<TestServer> {
  const dataDir = await passableFolder()
  const keeper = await openStore(optionsFor(null, dataDir))
  const host = keeper.db.config.host!
  const admin = new pg.Client({ host, user: 'postgres', database: 'postgres' })
  await admin.connect()
  await admin.query(`create database ${template}`)
  await migrate(optionsFor(urlOf(host, template)))
  return { host, dataDir, keeper, admin }
}

afterEach(async function () {
  this.timeout(60_000)
  if (starting === null || finished.length === 0) return
  const { admin } = await starting
  const names = finished
  finished = []
  if (this.currentTest?.state === 'failed') {
    // a property test makes many; what it failed on is among the last
    kept = [...kept, ...names.splice(-2)]
  }
  for (const name of names) await admin.query(`drop database if exists ${name} with (force)`)
})

after(async function () {
  this.timeout(60_000)
  if (starting === null) return
  const { admin, keeper, dataDir } = await starting
  await admin.end()
  await keeper[Symbol.asyncDispose]()
  if (kept.length === 0) return void (await rm(dataDir, { recursive: true, force: true }))
  console.log(`databases of failed tests, in the server's folder ${dataDir}/postgres: ${kept.join(', ')}`)
})
