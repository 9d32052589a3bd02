import { expect } from 'chai'
import { startScheduled } from '../../src/daemon/index.ts'
import { type Log, silent } from '../../src/log.ts'

/** What processes on one database share, and a clock. */
interface Shared {
  now: Date
  last: Date | null
  readonly claims: Set<string>
  fails: boolean
  /** what the database says to every question */
  away?: string | undefined
  readonly done: string[]
}

const fresh = (now: string, last: string | null): Shared => ({
  ...{ now: new Date(now), last: last === null ? null : new Date(last), claims: new Set<string>(), fails: false, done: [] },
})

function start(shared: Shared, hold?: Promise<void>, log: Log = silent) {
  return startScheduled({
    ...{ name: 'verification', schedule: '0 4 * * 0', timeZone: 'UTC', log, checkEveryMs: 5 },
    now: () => shared.now,
    lastDone: () => (shared.away === undefined ? Promise.resolve(shared.last) : Promise.reject(new Error(shared.away))),
    claim: (name, time) => {
      const key = `${name} ${time.toISOString()}`
      if (shared.claims.has(key)) return Promise.resolve(false)
      shared.claims.add(key)
      return Promise.resolve(true)
    },
    work: async signal => {
      shared.done.push(shared.now.toISOString().slice(11, 16))
      await hold
      signal.throwIfAborted()
      if (shared.fails) throw new Error('the bucket is away')
      shared.last = shared.now
    },
  })
}

const quiet = () => new Promise(resolve => setTimeout(resolve, 40))
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}

// 22 November 2026 is a Sunday
describe('scheduled work', () => {
  it('is done at its slot, once over all processes', async () => {
    const shared = fresh('2026-11-22T03:59:00Z', '2026-11-20T00:00:00Z')
    const [one, other] = [start(shared), start(shared)]
    await quiet()
    expect(shared.done).to.deep.equal([])
    shared.now = new Date('2026-11-22T04:00:30Z')
    await until(() => shared.done.length > 0)
    await quiet()
    await Promise.all([one.stop(), other.stop()])
    expect(shared.done).to.deep.equal(['04:00'])
  })

  it('is caught up at once by a daemon that starts after its slot, whoever claimed it, and never without anything to do it on', async () => {
    const shared = fresh('2026-11-22T09:00:00Z', '2026-11-20T00:00:00Z')
    shared.claims.add('verification 2026-11-22T04:00:00.000Z')
    const late = start(shared)
    await until(() => shared.done.length > 0)
    await late.stop()
    const empty = fresh('2026-11-22T09:00:00Z', null)
    const idle = start(empty)
    await quiet()
    await idle.stop()
    expect([shared.done, empty.done]).to.deep.equal([['09:00'], []])
  })

  it('says why it failed until it succeeds, and is tried again ever more rarely', async () => {
    const shared = { ...fresh('2026-11-22T04:00:00Z', '2026-11-20T00:00:00Z'), fails: true }
    const scheduled = start(shared)
    await until(() => scheduled.failure() !== null)
    expect(scheduled.failure()!.message).to.equal('the bucket is away')
    for (const [minute, times] of [
      ['04:09', 2],
      ['04:12', 3],
      ['04:15', 3],
      ['04:21', 4],
      ['04:39', 4],
    ] as const) {
      shared.now = new Date(`2026-11-22T${minute}:00Z`)
      await until(() => shared.done.length >= times)
      await quiet()
      expect(shared.done, minute).to.have.lengthOf(times)
    }
    shared.fails = false
    shared.now = new Date('2026-11-22T04:41:00Z')
    await until(() => scheduled.failure() === null)
    await scheduled.stop()
    expect(shared.done.at(-1)).to.equal('04:41')
  })

  it('tells once, and once an hour, that it cannot even look, and again what is new', async () => {
    const shared: Shared = { ...fresh('2026-11-22T01:00:00Z', '2026-11-22T00:00:00Z'), away: 'no database answers' }
    const told: string[] = []
    const scheduled = start(shared, undefined, {
      ...silent,
      error: (_, nouns) => told.push((nouns as { error: Error }).error.message),
    })
    await quiet()
    expect(told).to.deep.equal(['no database answers'])
    shared.now = new Date('2026-11-22T02:00:00Z')
    await until(() => told.length === 2)
    shared.away = 'it is starting up'
    await until(() => told.length === 3)
    shared.away = undefined
    await quiet()
    shared.away = 'it is starting up'
    await until(() => told.length === 4)
    await scheduled.stop()
    expect(told.slice(1)).to.deep.equal(['no database answers', 'it is starting up', 'it is starting up'])
  })

  it('says no more why it failed once another process has done it', async () => {
    const shared = { ...fresh('2026-11-22T04:00:00Z', '2026-11-20T00:00:00Z'), fails: true }
    const scheduled = start(shared)
    await until(() => scheduled.failure() !== null)
    shared.now = new Date('2026-11-22T04:05:00Z')
    await quiet()
    expect(scheduled.failure()!.message).to.equal('the bucket is away')
    shared.last = shared.now
    await quiet()
    await scheduled.stop()
    expect(scheduled.failure()).to.equal(null)
  })

  it('ends early when the daemon stops, and that is no failure', async () => {
    let release = () => {}
    const hold = new Promise<void>(resolve => {
      release = resolve
    })
    const shared = fresh('2026-11-22T09:00:00Z', '2026-11-20T00:00:00Z')
    const scheduled = start(shared, hold)
    await until(() => shared.done.length === 1)
    const stopped = scheduled.stop()
    release()
    await stopped
    expect([scheduled.failure(), shared.last]).to.deep.equal([null, new Date('2026-11-20T00:00:00Z')])
  })

  it('is done at its slots although a clock that was ahead says that it was done later', async () => {
    const shared = fresh('2026-11-22T03:59:00Z', '2027-11-22T00:00:00Z')
    const scheduled = start(shared)
    await until(() => shared.done.length === 1)
    shared.now = new Date('2026-11-29T04:00:30Z')
    await until(() => shared.done.length === 2)
    await scheduled.stop()
    expect(shared.done).to.deep.equal(['03:59', '04:00'])
  })
})
