import { expect } from 'chai'
import { readSchedule, slotAfter, slotBefore } from '../../src/daemon/index.ts'
import { retryTime } from '../../src/daemon/slot.ts'

/** Slots of a schedule from an instant on, that of the instant itself too. */
function slots(expression: string, timeZone: string, from: string, count: number): string[] {
  const schedule = readSchedule(expression, timeZone)
  const found: Date[] = []
  for (let at = new Date(Date.parse(from) - 1); found.length < count; at = found.at(-1)!) found.push(slotAfter(schedule, at)!)
  for (const each of found) expect(slotBefore(schedule, each), 'before is the inverse of after').to.deep.equal(each)
  return found.map(each => each.toISOString().slice(0, 16))
}

describe('slots of a schedule', () => {
  it('come at the same local time, summer and winter', () => {
    expect(slots('0 2 * * *', 'UTC', '2026-11-22T02:00:00Z', 2)).to.deep.equal(['2026-11-22T02:00', '2026-11-23T02:00'])
    expect(slots('0 9 * * *', 'America/New_York', '2026-10-31T00:00:00Z', 2)).to.deep.equal([
      '2026-10-31T13:00',
      '2026-11-01T14:00',
    ])
  })

  it('are not lost on the night when clocks are put forward over them, and come once on the night when they are put back', () => {
    expect(slots('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3)).to.deep.equal([
      '2026-03-28T01:30',
      '2026-03-29T01:30',
      '2026-03-30T00:30',
    ])
    expect(slots('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).to.deep.equal([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ])
    expect(slots('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00:00Z', 2)).to.deep.equal([
      '2026-10-03T15:45',
      '2026-10-04T15:15',
    ])
  })

  it('of every hour go by the hours that pass', () => {
    const forward = ['2026-03-29T00:00', '2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30']
    expect(slots('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 4)).to.deep.equal(forward)
    const back = ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-25T02:00']
    expect(slots('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 5)).to.deep.equal(back)
  })

  it('are found however rare they are', () => {
    expect(slots('0 3 1 1,4,7,10 *', 'UTC', '2026-11-22T00:00:00Z', 2)).to.deep.equal(['2027-01-01T03:00', '2027-04-01T03:00'])
    expect(slots('0 0 29 2 *', 'UTC', '2026-11-22T00:00:00Z', 2)).to.deep.equal(['2028-02-29T00:00', '2032-02-29T00:00'])
    expect(slotBefore(readSchedule('0 0 29 2 *', 'UTC'), new Date('2026-11-22T00:00:00Z'))).to.deep.equal(
      new Date('2024-02-29T00:00:00Z'),
    )
  })

  it('come on either kind of day where both are restricted, as crontab(5) has it', () => {
    expect(slots('0 3 13 * fri', 'UTC', '2026-11-08T00:00:00Z', 3)).to.deep.equal([
      '2026-11-13T03:00',
      '2026-11-20T03:00',
      '2026-11-27T03:00',
    ])
    expect(slots('0 3 10 * sun', 'UTC', '2026-11-08T00:00:00Z', 3)).to.deep.equal([
      '2026-11-08T03:00',
      '2026-11-10T03:00',
      '2026-11-15T03:00',
    ])
  })

  it('are tried again ever more rarely, and at least every hour', () => {
    const slot = new Date('2026-11-22T02:00:00Z')
    const at = (time: string) =>
      retryTime(slot, new Date(`2026-11-22T${time}:00Z`))
        ?.toISOString()
        .slice(11, 16) ?? null
    const times = ['02:05', '02:10', '02:19', '02:20', '02:45', '03:19', '03:20', '04:19', '04:20', '09:30'].map(at)
    expect(times).to.deep.equal([null, '02:10', '02:10', '02:20', '02:40', '02:40', '03:20', '03:20', '04:20', '09:20'])
  })
})
