import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  checkLedger,
  checkSnapshot,
  listRuns,
  openRun,
  openStore,
  readSnapshot,
  type Store,
  saveParts,
  sealRun,
} from '../../src/store/index.ts'
import { collectOnce, errorOf, group, keysOf, membership, part, planOf, sourceNamed, until, user } from './collected.ts'
import { freshStore } from './fresh-store.ts'
import { startChild } from './process.ts'
import { optionsFor, passableFolder } from './store-options.ts'

const users = 'identitystore.users'
const groups = 'identitystore.groups'
const memberships = 'identitystore.group_memberships'
const before = [part({ dataset: users, rows: [user('u1'), user('u2')] }), part({ dataset: groups, rows: [group('g1')] })]

describe('a crash', function () {
  this.timeout(120_000)

  it('of the process while it saves leaves the snapshot before whole, frees the source, and keeps what was saved', async () => {
    await using store = await freshStore()
    const first = await collectOnce(store, before)
    const child = startChild('save', store.url)
    await child.says('saved 20')
    child.process.kill('SIGKILL')
    expect(await child.ended).to.equal('SIGKILL')
    const savedAtLeast = Number(child.output().match(/saved (\d+)(?!.*saved)/s)![1])
    await expectWhole(store, first.digest)
    await until(async () => (await listRuns(store))[0]!.outcome === 'interrupted', 'the dead run is known to be dead')
    await using run = await openRun(store, sourceNamed(), planOf([users, groups, memberships]))
    expect(run.resumed).to.equal(true)
    expect(run.done.size, 'every batch that was acknowledged is there').to.be.at.least(savedAtLeast + 1)
    await saveParts(run, { pieces: [before[1]!], calls: [] })
    const second = await sealRun(run)
    expect(second).to.include({ version: 2, previousDigest: first.digest })
    expect(await keysOf(store, second, users)).to.deep.equal(['u1', 'u3'])
    expect((await keysOf(store, second, memberships)).length).to.be.at.least(savedAtLeast)
    expect(await checkSnapshot(store, second)).to.deep.equal([])
  })

  // at random moments of a seal that takes a good part of a second
  for (const delayMs of [0, 60, 150, 300, 500]) {
    it(`of the process ${delayMs} ms into a seal leaves the snapshot before whole, or the new one`, async () => {
      await using store = await freshStore()
      const first = await collectOnce(store, before)
      const child = startChild('seal', store.url)
      await child.says('sealing')
      await new Promise(resolve => setTimeout(resolve, delayMs))
      child.process.kill('SIGKILL')
      await child.ended
      await until(
        async () =>
          (
            await errorOf(
              openRun(store, sourceNamed(), planOf([groups])).then(async run =>
                run[Symbol.asyncDispose]().then(() => Promise.reject(new Error('free'))),
              ),
            )
          ).message === 'free',
        'the source is free',
      )
      const latest = (await readSnapshot(store, 'acme', 'latest'))!
      expect(await checkSnapshot(store, latest)).to.deep.equal([])
      if (latest.version === 1) await expectWhole(store, first.digest)
      else expect(latest.datasets.find(each => each.name === users)!.count).to.equal(20_000)
      const next = await collectOnce(store, before)
      expect(next).to.include({ version: latest.version + 1, previousDigest: latest.digest })
      expect(await keysOf(store, next, users)).to.deep.equal(['u1', 'u2'])
      expect((await checkLedger(store)).problems).to.deep.equal([])
    })
  }

  it('of the embedded server in the middle of a seal leaves the snapshot before whole, and the run can be resumed', async () => {
    const folder = await passableFolder()
    try {
      await using store = await openStore(optionsFor(null, folder))
      const first = await collectOnce(store, before)
      const rows = Array.from({ length: 20_000 }, (_, i) => user(`u${i}`, { Title: 'changed' }))
      {
        await using run = await openRun(store, sourceNamed(), planOf([users, groups, memberships]))
        await saveParts(run, {
          pieces: [part({ dataset: users, rows }), part({ dataset: memberships, parent: 'g1', rows: [membership('g1', 'u1')] })],
          calls: [],
        })
        const sealing = errorOf(sealRun(run))
        await new Promise(resolve => setTimeout(resolve, 50))
        const pid = Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])
        process.kill(pid, 'SIGKILL')
        expect((await sealing).code).to.equal('DATABASE_UNREACHABLE')
      }
      await expectWhole(store, first.digest)
      await using run = await openRun(store, sourceNamed(), planOf([users, groups, memberships]))
      expect(run.done.size).to.equal(2)
      await saveParts(run, { pieces: [before[1]!], calls: [] })
      const second = await sealRun(run)
      expect(second.version).to.equal(2)
      expect(second.datasets.find(each => each.name === users)!.count).to.equal(20_000)
      expect(await checkSnapshot(store, second)).to.deep.equal([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

/** The first snapshot is the last one, and nothing of it changed. */
async function expectWhole(store: Store, digest: string): Promise<void> {
  const latest = (await readSnapshot(store, 'acme', 'latest'))!
  expect(latest).to.include({ version: 1, digest })
  expect(await checkSnapshot(store, latest)).to.deep.equal([])
  expect(await keysOf(store, latest, users)).to.deep.equal(['u1', 'u2'])
}
