import { expect } from 'chai'
import { headline } from '../../src/cli/reperform.ts'

describe('the headline of what was judged again', () => {
  const outcome = { same: 730, differences: 0, unjudged: 0, notReperformed: [], ok: true }

  it('tells a difference from what could only not be judged', () => {
    expect(headline(outcome)).to.match(/^same: 730 results agree, 0 differ/)
    expect(headline({ ...outcome, ok: false, unjudged: 49 })).to.equal('NOTHING DIFFERS: 730 agree, 49 could not be judged again')
    expect(headline({ ...outcome, ok: false, differences: 2, unjudged: 1 })).to.match(/^NOT THE SAME: 730 .* 2 differ, 1 could/)
  })
})
