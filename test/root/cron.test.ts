import { expect } from 'chai'
import { validate } from 'node-cron'
import { cronProblem } from '../../src/cron.ts'

describe('a cron expression', () => {
  it('is accepted as node-cron accepts it', () => {
    for (const text of ['0 2 * * *', '*/15 0-6 * * mon-fri', '5,35 * 1 jan,jul *', '0 0 29 2 *', '0 12 * * 7', '* * * * *']) {
      expect(cronProblem(text), text).to.equal(null)
      expect(validate(text), text).to.equal(true)
    }
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
