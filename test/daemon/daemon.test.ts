import { expect } from 'chai'
import { startDaemon } from '../../src/daemon/index.ts'
import { previousSlot } from '../../src/daemon/slot.ts'
import { silent } from '../../src/log.ts'
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

/** A daemon whose work is recorded; claims are shared when a set is handed in. */
function record(
  overrides: { claims?: Set<string>; lastSealed?: Date | null; hold?: Promise<void>; fail?: string; schedule?: string } = {},
) {
  const claims = overrides.claims ?? new Set<string>()
  const events: string[] = []
  const daemon = startDaemon({
    sources: [source('acme'), source('globex')],
    schedule: { collect: overrides.schedule ?? '0 2 * * *', timeZone: 'UTC' },
    claim: (schedule, time) => {
      const key = `${schedule} ${time.toISOString()}`
      if (claims.has(key)) return Promise.resolve(false)
      claims.add(key)
      return Promise.resolve(true)
    },
    lastSealed: () => Promise.resolve(overrides.lastSealed ?? null),
    collect: async ({ label }, signal) => {
      events.push(`collect ${label}`)
      if (label === overrides.fail) throw new Error('refused')
      await overrides.hold
      if (signal.aborted) events.push(`aborted ${label}`)
    },
    evaluate: () => {
      events.push('evaluate')
      return Promise.resolve()
    },
    now: () => new Date('2026-11-22T09:30:00Z'),
    log: silent,
  })
  return { daemon, events, claims }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('the daemon', () => {
  it('catches up the slot that passed while nothing ran, then evaluates once', async () => {
    const { daemon, events, claims } = record()
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events).to.deep.equal(['collect acme', 'collect globex', 'evaluate'])
    expect([...claims]).to.deep.equal(['collect/acme 2026-11-22T02:00:00.000Z', 'collect/globex 2026-11-22T02:00:00.000Z'])
  })

  it('runs nothing at start when every source has a snapshot of the last slot', async () => {
    const { daemon, events } = record({ lastSealed: new Date('2026-11-22T02:00:10Z') })
    await daemon.stop()
    expect(events).to.deep.equal([])
  })

  it('runs each slot in one process only', async () => {
    const first = record()
    await until(() => first.events.includes('evaluate'))
    const second = record({ claims: first.claims })
    await second.daemon.stop()
    await first.daemon.stop()
    expect(second.events).to.deep.equal([])
  })

  it('goes on with the next source when one fails', async () => {
    const { daemon, events } = record({ fail: 'acme' })
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events).to.deep.equal(['collect acme', 'collect globex', 'evaluate'])
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

  it('fires when its cron expression says, each minute claimed once', async () => {
    const { daemon, events, claims } = record({ lastSealed: new Date('2100-01-01T00:00:00Z'), schedule: '* * * * * *' })
    expect(daemon.nextRun()).to.be.instanceOf(Date)
    await until(() => events.includes('evaluate'))
    await daemon.stop()
    expect(events.filter(event => event === 'collect acme').length).to.equal(
      [...claims].filter(claim => claim.startsWith('collect/acme')).length,
    )
  })

  it('finds the last nominal time in the schedule', () => {
    const nightly = { match: (date: Date) => date.getUTCHours() === 2 && date.getUTCMinutes() === 0 }
    expect(previousSlot(nightly, new Date('2026-11-22T01:59:59Z'))).to.deep.equal(new Date('2026-11-21T02:00:00Z'))
    expect(previousSlot({ match: () => false }, new Date())).to.equal(null)
  })
})
