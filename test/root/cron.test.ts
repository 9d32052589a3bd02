import { expect } from 'chai'
import { createTask } from 'node-cron'
import { cronProblem, plainCron, readCron } from '../../src/cron.ts'

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
      '0/15 * * * *',
      '5/15 * * * *',
      '0 2 * * Mondays',
      '0 2 * * monkey',
      '0 2 * * sunny',
      '0 2 * mayor *',
    ]
    expect(problems.map(text => [text, cronProblem(text)]).filter(([, problem]) => problem === null)).to.deep.equal([])
    expect(cronProblem('99 * * * *')).to.equal('99 is no minute: 0 to 59')
    expect(cronProblem('0 2 31 2 *')).to.equal('no month has such a day')
  })

  it('that is accepted rings the bell of the daemon', async () => {
    const accepted = [
      '0\t2 * * *',
      ' 0  2 * * *',
      '*/15 0-6/3 * * mon-fri',
      '0 2 * * Monday',
      '0 2 1 JANUARY,jul sun',
      '0 12 * * 5-7',
      '* * * * *',
    ]
    for (const text of accepted) {
      expect(cronProblem(text), text).to.equal(null)
      expect(readCron(plainCron(text)), text).to.deep.equal(readCron(plainCron(plainCron(text))))
      await createTask(plainCron(text), () => {}).destroy()
    }
    expect(plainCron('0\t2 * * fri-7')).to.equal('0 2 * * 0,5,6')
  })
})
