import { expect } from 'chai'
import { startDaemon } from '../../src/daemon/index.ts'
import { type Log, silent } from '../../src/log.ts'
import type { Source } from '../../src/model.ts'

const source = (label: string): Source => ({
  label,
  kind: 'aws',
  partition: 'aws',
  region: 'eu-west-1',
  auth: { roleArn: null, externalId: null },
  budgetShare: 0.6,
  rateLimits: {},
  includePersonalData: false,
})

/** What processes on one database share. */
interface Shared {
  readonly claims: Set<string>
  readonly sealed: Map<string, Date>
  /** when the run of the last snapshot began, where it is not when it was sealed */
  readonly begun: Map<string, Date>
  readonly held: Set<string>
  /** false: what was collected has not been judged */
  isJudged: boolean
}

interface Overrides {
  readonly shared?: Shared
  readonly hold?: Promise<void>
  readonly fails?: (label: string) => boolean
  readonly schedule?: string
  readonly now?: () => Date
  /** false: nothing comes of judging */
  readonly judges?: boolean
  readonly log?: Log
}

const quiet = () => new Promise(resolve => setTimeout(resolve, 40))
const morning = () => new Date('2026-11-22T09:30:00Z')

function fresh(sealedAt?: string): Shared {
  return {
    held: new Set(),
    isJudged: true,
    claims: new Set(),
    begun: new Map(),
    sealed: new Map(sealedAt === undefined ? [] : ['acme', 'globex'].map(label => [label, new Date(sealedAt)])),
  }
}

/** A daemon whose work is recorded. */
function record({
  shared = fresh(),
  hold,
  fails = () => false,
  schedule = '0 2 * * *',
  now = morning,
  judges = true,
  log = silent,
}: Overrides = {}) {
  const events: string[] = []
  const daemon = startDaemon({
    sources: [source('acme'), source('globex')],
    schedule: { collect: schedule, timeZone: 'UTC' },
    claim: (name, time) => {
      const key = `${name} ${time.toISOString()}`
      if (shared.claims.has(key)) return Promise.resolve(false)
      shared.claims.add(key)
      return Promise.resolve(true)
    },
    lastSnapshot: ({ label }) => {
      const sealedAt = shared.sealed.get(label)
      return Promise.resolve(sealedAt === undefined ? null : { startedAt: shared.begun.get(label) ?? sealedAt, sealedAt })
    },
    collect: async ({ label }, signal) => {
      if (shared.held.has(label)) throw Object.assign(new Error('another process reads it'), { code: 'SOURCE_BUSY' })
      shared.held.add(label)
      events.push(`collect ${label}`)
      await new Promise(resolve => setTimeout(resolve, 2))
      shared.held.delete(label)
      if (fails(label)) throw new Error('refused')
      await hold
      if (signal.aborted) events.push(`aborted ${label}`)
      else {
        shared.begun.set(label, now())
        // a store never seals a snapshot before the last one
        shared.sealed.set(label, new Date(Math.max(now().getTime(), shared.sealed.get(label)?.getTime() ?? 0)))
        shared.isJudged = false
      }
    },
    evaluate: () => {
      events.push('evaluate')
      shared.isJudged = judges
      return Promise.resolve()
    },
    isJudged: () => Promise.resolve(shared.isJudged),
    now,
    log,
    checkEveryMs: 5,
  })
  return { daemon, events, ...shared }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('the daemon', () => {
  it('catches up the slot that passed while nothing ran, then evaluates once', async () => {
    const { daemon, events } = record()
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events).to.deep.equal(['collect acme', 'collect globex', 'evaluate'])
  })

  it('runs nothing at start when every source has a snapshot of the last slot', async () => {
    const { daemon, events } = record({ shared: fresh('2026-11-22T02:00:10Z') })
    await daemon.stop()
    expect(events).to.deep.equal([])
  })

  it('judges at start what a process collected that was killed before it could', async () => {
    const shared = { ...fresh('2026-11-22T02:00:10Z'), isJudged: false }
    const { daemon, events } = record({ shared })
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events).to.deep.equal(['evaluate'])
  })

  it('judges it too when what is missing cannot be collected', async () => {
    const shared = { ...fresh(), isJudged: false }
    const { daemon, events } = record({ shared, fails: () => true })
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events.slice(0, 3)).to.deep.equal(['collect acme', 'collect globex', 'evaluate'])
  })

  it('runs each slot in one process only', async () => {
    const shared = fresh()
    const first = record({ shared })
    const second = record({ shared })
    await until(() => shared.sealed.size === 2)
    await first.daemon.stop()
    await second.daemon.stop()
    expect([...first.events, ...second.events].filter(event => event === 'collect acme')).to.have.lengthOf(1)
  })

  it('takes up what a process that died had claimed', async () => {
    const shared = fresh()
    for (const label of ['acme', 'globex']) shared.claims.add(`collect/${label} 2026-11-22T02:00:00.000Z`)
    const { daemon, events } = record({ shared })
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events).to.deep.equal(['collect acme', 'collect globex', 'evaluate'])
  })

  it('goes on with the next source when one fails', async () => {
    const { daemon, events } = record({ fails: label => label === 'acme' })
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events.slice(0, 3)).to.deep.equal(['collect acme', 'collect globex', 'evaluate'])
  })

  it('tries again what failed, alone and ever more rarely, until it succeeds', async () => {
    let now = new Date('2026-11-22T02:00:00Z')
    let broken = true
    const shared = fresh()
    const { daemon, events } = record({ shared, now: () => now, fails: label => broken && label === 'acme' })
    const attempts = () => events.filter(event => event === 'collect acme').length
    await until(() => attempts() === 1)
    for (const [minute, expected] of [
      ['02:09', 1],
      ['02:10', 2],
      ['02:19', 2],
      ['02:21', 3],
      ['02:39', 3],
    ] as const) {
      now = new Date(`2026-11-22T${minute}:00Z`)
      await until(() => attempts() >= expected)
      await quiet()
      expect(attempts(), minute).to.equal(expected)
    }
    broken = false
    now = new Date('2026-11-22T02:41:00Z')
    await until(() => shared.sealed.has('acme'))
    now = new Date('2026-11-22T04:00:00Z')
    await new Promise(resolve => setTimeout(resolve, 30))
    await daemon.stop()
    expect(attempts()).to.equal(4)
    expect(events.filter(event => event === 'collect globex')).to.have.lengthOf(1)
  })

  it('drains: tells the work under way to end, waits for it, and starts nothing more', async () => {
    let release = () => {}
    const hold = new Promise<void>(resolve => {
      release = resolve
    })
    const { daemon, events } = record({ hold })
    await until(() => events.length === 1)
    expect(daemon.collecting()).to.equal('acme')
    const stopped = daemon.stop()
    release()
    await stopped
    expect(events).to.deep.equal(['collect acme', 'aborted acme'])
    expect(daemon.nextRun()).to.equal(null)
  })

  it('collects at its slots, each once over all processes', async () => {
    let now = new Date('2026-11-22T01:59:00Z')
    const shared = fresh('2026-11-21T02:00:10Z')
    const [one, other] = [record({ shared, now: () => now }), record({ shared, now: () => now })]
    const collected = () => [...one.events, ...other.events].filter(event => event === 'collect acme').length
    expect(one.daemon.nextRun()).to.deep.equal(new Date('2026-11-22T02:00:00Z'))
    await quiet()
    expect(collected(), 'before').to.equal(0)
    now = new Date('2026-11-22T02:00:00Z')
    await until(() => collected() === 1)
    await quiet()
    now = new Date('2026-11-23T02:00:00Z')
    await until(() => collected() === 2)
    await quiet()
    await Promise.all([one.daemon.stop(), other.daemon.stop()])
    expect(collected()).to.equal(2)
  })

  it('leaves out a slot that falls due while the last run still works, says so, and catches it up', async () => {
    let now = new Date('2026-11-22T02:00:00Z')
    let release = () => {}
    const hold = new Promise<void>(resolve => {
      release = resolve
    })
    const lines: string[] = []
    const { daemon, events, sealed } = record({
      schedule: '*/5 * * * *',
      now: () => now,
      hold,
      log: { ...silent, warn: line => lines.push(line) },
    })
    await until(() => events.length === 1)
    now = new Date('2026-11-22T02:05:00Z')
    await until(() => lines.length > 0)
    expect(lines).to.deep.equal(['slot left out'])
    release()
    await until(() => sealed.size === 2)
    now = new Date('2026-11-22T02:10:00Z')
    await until(() => sealed.get('globex')! >= now)
    await daemon.stop()
    expect(lines).to.deep.equal(['slot left out'])
  })

  it('asks once for each turn and says no more about it, also for what cannot be judged', async () => {
    let now = new Date('2026-11-22T02:00:30Z')
    const lines: string[] = []
    const shared = { ...fresh('2026-11-22T02:00:10Z'), isJudged: false }
    const { daemon, events } = record({
      shared,
      now: () => now,
      judges: false,
      log: { ...silent, info: line => lines.push(line) },
    })
    const times = () => events.filter(event => event === 'evaluate').length
    await until(() => times() === 1)
    for (const [minute, expected] of [
      ['02:11', 2],
      ['02:15', 2],
      ['02:21', 3],
    ] as const) {
      now = new Date(`2026-11-22T${minute}:00Z`)
      await until(() => times() >= expected)
      await quiet()
      expect([times(), lines.filter(line => line === 'catching up').length], minute).to.deep.equal([expected, expected])
    }
    await daemon.stop()
  })

  it('goes on when the clock is set back to days whose slots were taken already', async () => {
    let now = new Date('2026-11-25T02:00:30Z')
    const shared = fresh()
    const { daemon, events, sealed, claims } = record({ shared, now: () => now })
    await until(() => events.includes('evaluate'))
    for (const day of ['23', '24'])
      for (const label of ['acme', 'globex']) claims.add(`collect/${label} 2026-11-${day}T02:00:00.000Z`)
    const collected = () => events.filter(event => event === 'collect globex').length
    expect(sealed.get('globex')).to.deep.equal(now)
    now = new Date('2026-11-22T12:00:00Z')
    await until(() => collected() === 2)
    await quiet()
    now = new Date('2026-11-22T23:30:00Z')
    await quiet()
    expect([collected(), sealed.get('globex')], 'once').to.deep.equal([2, new Date('2026-11-25T02:00:30Z')])
    now = new Date('2026-11-23T02:00:00Z')
    await until(() => collected() === 3)
    await daemon.stop()
  })

  it('tries again what failed although a clock that was ahead has dated the last snapshot', async () => {
    let now = new Date('2026-06-30T02:00:10Z')
    const shared = fresh('2027-06-30T02:10:00Z')
    const { daemon, events } = record({ shared, now: () => now, fails: () => true })
    const attempts = () => events.filter(event => event === 'collect acme').length
    await until(() => attempts() === 1)
    for (const [minute, times] of [
      ['02:11', 2],
      ['02:21', 3],
    ] as const) {
      now = new Date(`2026-06-30T${minute}:00Z`)
      await until(() => attempts() === times)
    }
    await daemon.stop()
  })
})
