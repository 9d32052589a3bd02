import { expect } from 'chai'
import { isComplete } from '../../src/coverage.ts'
import { type Log, silent } from '../../src/log.ts'
import type { Progress, RunRecord } from '../../src/model.ts'
import { runCollection } from '../../src/pipeline/index.ts'
import { buildOrganization } from '../../src/simulator/index.ts'
import { diff, listRuns } from '../../src/store/index.ts'
import { freshAws } from '../sources/fresh-aws.ts'
import { freshStore } from '../store/fresh-store.ts'

const shape = { seed: 3, accounts: 3, users: 3, groups: 2, permissionSets: 2, iamUsers: 0 }

describe('a collection, from AWS into the store', function () {
  this.timeout(60_000)

  it('says how far it is to whoever asks, in the log and in the database', async () => {
    const events: [event: string, nouns: object | undefined][] = []
    const log: Log = { ...silent, info: (event, nouns) => void events.push([event, nouns]) }
    await using fresh = await freshAws(buildOrganization(shape), { simulator: { latencyMs: 20 }, aws: { log } })
    await using store = await freshStore()
    const parts = { aws: fresh.aws, store, now: () => new Date(), log }
    const first = await runCollection(parts, fresh.source, { checks: 'none' })
    const told: Progress[] = []
    const seen: RunRecord[] = []
    let looking: Promise<unknown> = Promise.resolve()
    const onProgress = (progress: Progress) => {
      told.push(progress)
      looking = looking.then(async () => seen.push(...(await listRuns(store, { limit: 1 }))))
    }
    await runCollection(parts, fresh.source, { checks: 'none', onProgress })
    await looking
    const inDatabase = seen.find(({ progress }) => progress != null)!
    expect(inDatabase.outcome).to.equal('running')
    expect(inDatabase.progress).to.include({ phase: 'reading AWS', throttles: 0 })
    expect(inDatabase.progress!.total, 'as predicted from the first').to.be.within(1, first.calls)
    expect(told.at(-1)!.done).to.equal(told.at(-1)!.total)
    expect(events[0]).to.deep.equal(['a long-term access key signs; a role would be better', { source: 'acme' }])
    const lines = events.filter(([event]) => event === 'collecting')
    expect(lines).to.have.length(2)
    expect(lines[1]![1]).to.have.keys('source', 'phase', 'done', 'total', 'perSecond', 'throttles', 'secondsLeft')
  })

  it('ends what a feature showed that was switched off since, and stays complete', async () => {
    const organization = buildOrganization(shape)
    organization.accessControlAttributes = { Status: 'ENABLED', InstanceAccessControlAttributeConfiguration: {} }
    await using fresh = await freshAws(organization)
    await using store = await freshStore()
    const parts = { aws: fresh.aws, store, now: () => new Date(), log: silent }
    const collect = () => runCollection(parts, fresh.source, { checks: 'none' })
    const on = await collect()
    organization.accessControlAttributes = null
    const off = await collect()
    expect(isComplete(off)).to.equal(true)
    const dataset = 'sso.access_control_attributes'
    const found = off.datasets.find(({ name }) => name === dataset)!
    expect(found).to.include({ coverage: 'not_enabled', count: 0, openParts: 0 })
    expect(found.reason).to.include('not enabled').and.include('ResourceNotFoundException')
    const changes = []
    for await (const change of (await diff(store, on, off)).changes) changes.push(change)
    expect(changes.map(change => JSON.stringify(change)).filter(text => text.includes(dataset))).to.have.length(1)
    expect(JSON.stringify(changes.find(change => JSON.stringify(change).includes(dataset)))).to.include('"removed"')
  })
})
