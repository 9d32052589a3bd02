import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../src/store/index.ts'
import { type AnyServer, anyServer } from './any-server.ts'
import { freshDatabase, freshStore } from './fresh-store.ts'
import { dumpAndRestore, expectSame, exportAndImport, fill, follows, replicate } from './life-on.ts'
import { optionsFor } from './store-options.ts'

const oldest = '/usr/lib/postgresql/15/bin'

describe("back-ups and copies on the system's PostgreSQL 15", function () {
  this.timeout(180_000)
  let server: AnyServer
  let database: string

  before(async function () {
    if (!existsSync(join(oldest, 'postgres'))) {
      if (process.env.CI === 'true') throw new Error(`needs PostgreSQL 15 at ${oldest}`)
      console.log(`      skipped: there is no PostgreSQL 15 at ${oldest}`)
      return this.skip()
    }
    server = await anyServer(oldest, ['wal_level=logical'])
    database = await server.url('evidence')
    await (await fill(database))[Symbol.asyncDispose]()
  })

  after(async () => {
    await server?.[Symbol.asyncDispose]()
  })

  it('survives pg_dump and pg_restore whole, what was disposed of included', async () => {
    await using store = await openStore(optionsFor(database))
    await expectSame(await dumpAndRestore(server, oldest, 'evidence'), store)
  })

  it('comes from the embedded server by export and import, and goes back', async () => {
    await using embedded = await freshStore()
    await using filled = await fill(embedded.url)
    const external = await exportAndImport(filled, join(server.folder, 'out.tar.gz'), await server.url('from_embedded'))
    await using store = await openStore(optionsFor(external))
    const back = await freshDatabase('empty')
    await expectSame(await exportAndImport(store, join(server.folder, 'back.tar.gz'), back), filled)
  })

  it('is the same on a subscriber of logical replication, and follows', async () => {
    await using other = await anyServer(oldest)
    const copy = await other.url('copy')
    await replicate({ server, database: 'evidence' }, copy)
    await using store = await openStore(optionsFor(database))
    await follows(store, copy)
  })
})
