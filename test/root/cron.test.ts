import { expect } from 'chai'
import { cronProblem, readCron } from '../../src/cron.ts'

describe('a cron expression', () => {
  it('is read as crontab(5) says', () => {
    for (const text of ['0 2 * * *', '5,35 * 1 jan,jul *', '0 0 29 2 *', '* * * * *'])
      expect(cronProblem(text), text).to.equal(null)
    const { minutes, hours, daysOfWeek, isEitherDay } = readCron('*/15 0-6/3 * * mon-fri')
    expect([[...minutes], [...hours], [...daysOfWeek], isEitherDay]).to.deep.equal([
      [0, 15, 30, 45],
      [0, 3, 6],
      [1, 2, 3, 4, 5],
      false,
    ])
    expect([...readCron('0 12 * * 7').daysOfWeek], 'Sunday').to.deep.equal([0])
    expect(() => readCron('0 25 * * *')).to.throw(RangeError, '25 is no hour')
  })

  it('is refused with what is wrong when it is none, or never comes', () => {
    const problems = [
      '99 * * * *',
      '0 24 * * *',
      '* * 0 * *',
      '* * * 13 *',
      '* * * * 8',
      'daily',
      '0 2 * *',
      '0 2 * * * *',
      '5-1 * * * *',
      '*/0 * * * *',
      '0 2 31 2 *',
      '0 2 30 feb *',
    ]
    expect(problems.map(text => [text, cronProblem(text)]).filter(([, problem]) => problem === null)).to.deep.equal([])
    expect(cronProblem('99 * * * *')).to.equal('99 is no minute: 0 to 59')
    expect(cronProblem('0 2 31 2 *')).to.equal('no month has such a day')
  })
})
